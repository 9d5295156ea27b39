"""
The subcommands of ``mailsuite``, a file for each kind of thing.
"""
