"""
The vocabulary of mail: pure values, no input or output.
"""
