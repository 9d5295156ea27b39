"""
What the protocols' octet machines share; pure.
"""
