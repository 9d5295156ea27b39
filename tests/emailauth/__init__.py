"""
Tests, mirrored to the package.
"""
