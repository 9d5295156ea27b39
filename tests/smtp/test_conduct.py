"""
Tests for how much of a client's conduct is borne.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.conduct import Conduct
from mailsuite.smtp.listener import Limits
from mailsuite.smtp.wire import commands
from mailsuite.smtp.wire.connection import Content
from mailsuite.smtp.wire.replies import Reply

_OK = Reply(250, "2.0.0", "OK")
_UNKNOWN = Reply(500, "5.5.2", "Unknown")
_ORDER = Reply(503, "5.5.1", "Order")
_NOBODY = Reply(550, "5.1.1", "Nobody")
_LATER = Reply(452, "4.5.3", "Later")
_REFUSED = Reply(554, "5.4.6", "Loop")
_WRONG = Reply(535, "5.7.8", "Wrong")
_LOGIN_FIRST = Reply(530, "5.7.0", "Login")


class ConductTests(SynchronousTestCase):
    """
    Tests for ``Conduct``.
    """

    def setUp(self) -> None:
        limits = Limits(
            recipients=5,
            transactions=2,
            errors=3,
            refused_recipients=4,
            idle_commands=6,
            failed_logins=2,
        )
        self.conduct = Conduct(limits, size_limit=100)

    def borne(self, kind: type, reply: Reply) -> int:
        """
        How many such replies the connection outlives, up to 1,000.
        """
        for count in range(1000):
            if self.conduct.answered(kind, reply) is not None:
                return count
        return 1000

    def test_errors(self) -> None:
        """
        The third error is the last.
        """
        self.assertEqual(self.borne(commands.BadSyntax, _UNKNOWN), 2)

    def test_refused_recipients(self) -> None:
        """
        Four bad recipients are borne.
        """
        self.assertEqual(self.borne(commands.Rcpt, _NOBODY), 4)

    def test_idle_commands(self) -> None:
        """
        Six commands that move nothing are borne, whatever the answer.
        """
        self.assertEqual(self.borne(commands.Noop, _OK), 6)

    def test_refused_mail(self) -> None:
        """
        So are refusals of MAIL, and of messages.
        """
        self.assertEqual(self.borne(commands.Mail, _LOGIN_FIRST), 6)
        self.conduct.message_accepted()
        self.assertEqual(self.borne(Content, _REFUSED), 6)

    def test_an_accepted_message_excuses(self) -> None:
        """
        Idle commands are counted from the last message on.
        """
        self.assertEqual(self.borne(commands.Noop, _OK), 6)

        self.conduct.message_accepted()

        self.assertEqual(self.borne(commands.Noop, _OK), 6)

    def test_mail_itself_is_free(self) -> None:
        """
        What is accepted of a transaction counts for nothing.
        """
        for kind in (commands.Mail, commands.Rcpt, commands.Data, Content):
            self.assertEqual(self.borne(kind, _OK), 1000)

    def test_pipelined_behind_a_refusal(self) -> None:
        """
        What a client had sent before it read the refusal is no error of its
        own, but does not go on for ever.
        """
        self.assertEqual(self.borne(commands.Rcpt, _ORDER), 50)

    def test_recipients_for_later(self) -> None:
        """
        Nor are recipients beyond the limit.
        """
        self.assertEqual(self.borne(commands.Rcpt, _LATER), 50)

    def test_failed_logins(self) -> None:
        """
        The second wrong password is the last.
        """
        self.assertEqual(self.borne(commands.Auth, _WRONG), 1)

    def test_transactions(self) -> None:
        """
        Two are borne.
        """
        answers = [self.conduct.transaction_begun() for _ in range(3)]

        self.assertEqual([a is None for a in answers], [True, True, False])

    def test_swallowed(self) -> None:
        """
        Four times the size limit may come in vain.
        """
        answers = [self.conduct.swallowed(octets) for octets in (200, 200, 1)]

        self.assertEqual([a is None for a in answers], [True, True, False])
