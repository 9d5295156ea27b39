"""
IMAP's octets; pure.
"""
