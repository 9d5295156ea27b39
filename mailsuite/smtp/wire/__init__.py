"""
SMTP's octets; pure.
"""
