"""
A mail suite on Twisted: SMTP, POP3 and IMAP over one maildir-backed store.
"""
