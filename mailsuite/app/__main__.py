"""
``python -m mailsuite.app`` is the command ``mailsuite``.
"""

from mailsuite.app.admin import main

main(prog_name="mailsuite")
