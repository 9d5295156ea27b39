"""
Tests for SMTP's octets.
"""
