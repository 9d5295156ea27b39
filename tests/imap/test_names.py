"""
Tests for ``mailsuite.imap.names``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import InvalidMailboxName
from mailsuite.imap.names import from_client, to_client


class NamesTests(SynchronousTestCase):
    """
    Names cross the border of the session.
    """

    def test_same_separator(self) -> None:
        """
        Where both write ``/``, a name stays as it is.
        """
        self.assertEqual(from_client("a/b.c", "/"), "a/b.c")
        self.assertEqual(to_client("a/b.c", "/"), "a/b.c")

    def test_dots(self) -> None:
        """
        Where clients write dots, a slash can be in no name.
        """
        self.assertEqual(from_client("a.b", "."), "a/b")
        self.assertEqual(to_client("a/b", "."), "a.b")
        self.assertRaises(InvalidMailboxName, from_client, "a/b", ".")

    def test_inbox_in_any_case(self) -> None:
        """
        INBOX, and what lies below it, is found however it is written; what only
        begins like it is something else.
        """
        self.assertEqual(from_client("inbox", "/"), "INBOX")
        self.assertEqual(from_client("InBox/New", "/"), "INBOX/New")
        self.assertEqual(from_client("inbox.new", "."), "INBOX/new")
        self.assertEqual(from_client("inboxes/a", "/"), "inboxes/a")
        self.assertEqual(from_client("a/inbox", "/"), "a/inbox")
