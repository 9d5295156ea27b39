"""
Tests for ``mailsuite.app.options``.
"""

from __future__ import annotations

from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.options import StartOptions


class StartOptionsTests(SynchronousTestCase):
    """
    Tests for ``StartOptions``.
    """

    def test_routes(self) -> None:
        """
        A pattern of domains and a host; what is neither is refused.
        """
        options = StartOptions()
        options.opt_route(".example.org=127.0.0.1:3525")

        self.assertEqual(options.routes, [(".example.org", "127.0.0.1:3525")])
        for text in ("a b=host:25", "example.org", "=host", "a.test=b c:1"):
            with self.assertRaises(UsageError):
                options.opt_route(text)

    def test_help_has_no_holes(self) -> None:
        """
        Where a line ends in the source, the text goes on after one space.
        """
        shown = StartOptions().getUsage(width=500)

        self.assertIn("; .example.org is all below it, * all domains.", shown)
        self.assertIn("PROTOCOL=NUMBER, as in imap=3143; 0 is any", shown)
        self.assertIn("Folder of mail, accounts and keys;", shown)
