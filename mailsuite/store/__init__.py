"""
The mailbox service: maildirs that are the truth, an index that is not.
"""
