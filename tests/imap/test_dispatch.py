"""
Tests for ``mailsuite.imap.dispatch``.
"""

from __future__ import annotations

from typing import get_args

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.dispatch import TABLE, is_by_uid, lets_expunge
from mailsuite.imap.session import State
from mailsuite.imap.wire import commands
from mailsuite.imap.wire.sequences import SequenceSet
from mailsuite.mail.uids import UIDSet

_ONE = SequenceSet(UIDSet.of([1]))


class TableTests(SynchronousTestCase):
    """
    Tests for the table.
    """

    def test_every_command_has_its_rule(self) -> None:
        """
        What the wire can read can be carried out; APPEND comes in pieces, and
        has its own way.
        """
        self.assertEqual(
            set(TABLE), set(get_args(commands.Command)) - {commands.Append}
        )

    def test_before_the_login(self) -> None:
        """
        RFC 9051 6.1 and 6.2: what a stranger may ask.
        """
        allowed = {
            kind
            for kind, rule in TABLE.items()
            if rule.states & State.NOT_AUTHENTICATED
        }
        self.assertEqual(
            allowed,
            {
                commands.Capability,
                commands.Noop,
                commands.Logout,
                commands.Id,
                commands.StartTLS,
                commands.Authenticate,
                commands.Login,
            },
        )

    def test_with_a_mailbox_only(self) -> None:
        """
        RFC 9051 6.4: what needs a selected mailbox.
        """
        allowed = {
            kind
            for kind, rule in TABLE.items()
            if rule.states == State.SELECTED
        }
        self.assertEqual(
            allowed,
            {
                commands.Check,
                commands.Close,
                commands.Unselect,
                commands.Expunge,
                commands.Search,
                commands.Fetch,
                commands.Store,
                commands.Copy,
                commands.Move,
            },
        )

    def test_nothing_after_the_logout(self) -> None:
        """
        No command is legal once the session has ended.
        """
        self.assertFalse(
            [k for k, rule in TABLE.items() if rule.states & State.LOGOUT]
        )


class NumbersTests(SynchronousTestCase):
    """
    Tests for what follows from how a command names messages.
    """

    def test_by_number(self) -> None:
        """
        No EXPUNGE while FETCH is answered by number, and no UIDs.
        """
        command = commands.Fetch(_ONE, ())

        self.assertFalse(lets_expunge(command))
        self.assertFalse(is_by_uid(command))

    def test_by_uid(self) -> None:
        """
        UID FETCH may tell both.
        """
        command = commands.Fetch(_ONE, (), by_uid=True)

        self.assertTrue(lets_expunge(command))
        self.assertTrue(is_by_uid(command))

    def test_copy_by_number(self) -> None:
        """
        RFC 9051 7.5.1 names FETCH, STORE and SEARCH alone.
        """
        self.assertTrue(lets_expunge(commands.Copy(_ONE, "Trash")))

    def test_uid_expunge(self) -> None:
        """
        UID EXPUNGE is a UID command; EXPUNGE is not.
        """
        self.assertTrue(is_by_uid(commands.Expunge(_ONE)))
        self.assertFalse(is_by_uid(commands.Expunge()))
