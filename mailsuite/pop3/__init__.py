"""
POP3: conversations about one maildrop.
"""
