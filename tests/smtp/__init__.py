"""
Tests for SMTP and LMTP.
"""
