"""
Who there is, and who may log in.
"""
