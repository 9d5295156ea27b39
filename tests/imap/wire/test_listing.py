"""
Tests for ``mailsuite.imap.wire.listing``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.wire import commands
from mailsuite.imap.wire.commands import ListReturn, ListSelection, StatusItem
from tests.support.imap_parsing import parsed, rejection


class ListTests(SynchronousTestCase):
    """
    Tests for the arguments of LIST and STATUS.
    """

    def assert_bad(self, text: bytes) -> None:
        self.assertEqual(rejection(text).condition, b"BAD")

    def test_plain_list(self) -> None:
        """
        LIST of old: a reference and one pattern with wildcards.
        """
        self.assertEqual(parsed(b'LIST "" %*'), commands.List("", ("%*",)))
        self.assertEqual(
            parsed(b'LIST &U,BTFw-/ "a b%"'),
            commands.List("台北/", ("a b%",)),
        )

    def test_extended_list(self) -> None:
        """
        LIST with options and several patterns (RFC 9051 6.3.9).
        """
        self.assertEqual(
            parsed(
                b'LIST (SUBSCRIBED RECURSIVEMATCH) "" ("INBOX" Drafts %)'
                b" RETURN (CHILDREN SPECIAL-USE STATUS (MESSAGES UNSEEN))"
            ),
            commands.List(
                "",
                ("INBOX", "Drafts", "%"),
                extended=True,
                selection=frozenset(
                    [ListSelection.SUBSCRIBED, ListSelection.RECURSIVEMATCH]
                ),
                returns=frozenset(
                    [ListReturn.CHILDREN, ListReturn.SPECIAL_USE]
                ),
                status=(StatusItem.MESSAGES, StatusItem.UNSEEN),
            ),
        )

    def test_empty_options(self) -> None:
        """
        Empty lists of options are allowed, and make it the extended form.
        """
        self.assertEqual(
            parsed(b'LIST () "" % RETURN ()'),
            commands.List("", ("%",), extended=True),
        )

    def test_bad_lists(self) -> None:
        """
        Options that there are not, and no pattern, are BAD; so is
        RECURSIVEMATCH alone (RFC 9051 6.3.9.1).
        """
        self.assert_bad(b'LIST (FROB) "" %')
        self.assert_bad(b'LIST (RECURSIVEMATCH) "" %')
        self.assert_bad(b'LIST (RECURSIVEMATCH REMOTE) "" %')
        self.assert_bad(b'LIST "" ()')
        self.assert_bad(b'LIST "" % RETURN (FROB)')
        self.assert_bad(b'LIST "" % RETURN (STATUS ())')
        self.assert_bad(b'LIST "" % FROB ()')
        self.assert_bad(b'LIST ""')

    def test_status(self) -> None:
        """
        Each item is there once; unknown ones are BAD.
        """
        self.assertEqual(
            parsed(b"STATUS inbox (messages SIZE MESSAGES)"),
            commands.Status("INBOX", (StatusItem.MESSAGES, StatusItem.SIZE)),
        )
        self.assert_bad(b"STATUS inbox (FROB)")
        self.assert_bad(b"STATUS inbox ()")
