"""
IMAP's commands, a file each.
"""
