"""
SMTP and LMTP: conversations that bring messages in.
"""
