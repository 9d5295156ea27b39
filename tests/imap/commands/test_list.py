"""
Tests for ``mailsuite.imap.commands.list``: what dialogues do not show.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import NoSuchMailbox
from tests.support.imap_server import IMAPServer


class ListTests(SynchronousTestCase):
    """
    LIST at its limits.
    """

    def setUp(self) -> None:
        self.server = IMAPServer()
        self.client = self.server.logged_in()

    def test_too_many_patterns(self) -> None:
        """
        Each pattern is tried on each name, so there are only so many.
        """
        few = b'LIST "" (%b)' % b" ".join([b"IN*"] * 100)
        many = b'LIST "" (%b)' % b" ".join([b"IN*"] * 101)

        self.assertIn(b"t OK", self.client.ask(few))
        self.assertIn(b"t NO [LIMIT]", self.client.ask(many))

    def test_mailbox_deleted_while_listed(self) -> None:
        """
        A mailbox that goes before its STATUS is told has none (RFC 5819 2).
        """

        async def gone(name: str) -> None:
            raise NoSuchMailbox

        self.server.account.status = gone

        answer = self.client.ask(b'LIST "" INBOX RETURN (STATUS (MESSAGES))')

        self.assertEqual(
            answer,
            b'* LIST (\\HasNoChildren) "/" INBOX\r\nt OK LIST completed\r\n',
        )

    def test_a_selection_of_special_uses_recursively(self) -> None:
        """
        RECURSIVEMATCH with SPECIAL-USE tells the levels above.
        """
        self.client.ask(b'CREATE "Old/Mail" (USE (\\Archive))')

        answer = self.client.ask(b'LIST (SPECIAL-USE RECURSIVEMATCH) "" "O%"')

        self.assertIn(b'* LIST (\\Noselect \\HasChildren) "/" "Old"', answer)
