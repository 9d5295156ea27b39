"""
IMAP4: conversations about all mailboxes of an account.
"""
