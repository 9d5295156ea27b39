"""
Golden conversations once more, with transfer's own reception behind them.
"""

from __future__ import annotations

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import OverQuota
from mailsuite.smtp.listener import Limits as ConnectionLimits
from mailsuite.smtp.listener import Purpose
from mailsuite.transfer.reception import Limits
from tests.support.dialogs import dialog, play
from tests.support.smtp_server import MemoryServer
from tests.support.transferring import Transferring


class WithTransferTests(SynchronousTestCase):
    """
    What reception decides is answered as the fake has it.
    """

    def transferring(self, limits: Limits | None = None) -> Transferring:
        """
        Reception on a store in memory, for alice and bob.
        """
        transferring = Transferring(self.mktemp(), limits=limits or Limits())
        transferring.directory.add_account("alice@hamburger.edu")
        self.bob = transferring.directory.add_account("bob@hamburger.edu")
        return transferring.start()

    def play(
        self,
        name: str,
        transferring: Transferring,
        purpose: Purpose = Purpose.MX,
        limits: ConnectionLimits | None = None,
    ) -> None:
        """
        Play ``tests/dialogs/smtp/<name>.dialog`` to its end.
        """
        server = MemoryServer(purpose, transferring.reception, limits=limits)
        self.successResultOf(
            ensureDeferred(play(dialog(f"smtp/{name}"), server.connect))
        )

    def test_course(self) -> None:
        """
        The course's message comes into bob's INBOX.
        """
        transferring = self.transferring()

        self.play("course", transferring)

        (message,) = transferring.inbox(self.bob)
        self.assertTrue(
            message.endswith(
                b"\r\n\r\nDo you like ketchup?\r\nHow about pickles?\r\n"
            )
        )

    def test_relaying(self) -> None:
        """
        No address makes a relay of us.
        """
        self.play("relaying", self.transferring())

    def test_smuggling(self) -> None:
        """
        Nothing of a broken message is kept.
        """
        transferring = self.transferring()

        self.play("smuggling", transferring)

        self.assertEqual(transferring.inbox(self.bob), [])

    def test_chunking(self) -> None:
        """
        What came in chunks is one message.
        """
        transferring = self.transferring(Limits(size=1000))

        self.play("chunking", transferring)

        (message,) = transferring.inbox(self.bob)
        self.assertTrue(message.endswith(b"\r\n.\r\n.\r\n..\r\n"))

    def test_size(self) -> None:
        """
        Too large is too large, by word or by deed.
        """
        transferring = self.transferring(Limits(size=30))

        self.play("size", transferring)

        self.assertEqual(transferring.inbox(self.bob), [])

    def test_smtputf8(self) -> None:
        """
        Addresses beyond ASCII are followed.
        """
        transferring = self.transferring(Limits(size=1000))
        account = transferring.directory.add_account("jürgen@hamburger.edu")

        self.play("smtputf8", transferring)

        self.assertEqual(len(transferring.inbox(account)), 1)

    def test_errors(self) -> None:
        """
        Each mistake has its reply.
        """
        transferring = self.transferring()
        transferring.directory.add_alias("postmaster@hamburger.edu", self.bob)

        self.play("errors", transferring, limits=ConnectionLimits(errors=100))

    def test_lmtp(self) -> None:
        """
        LMTP tells for each recipient what came of it.
        """
        transferring = self.transferring(Limits(size=1000))
        carol = transferring.directory.add_account("carol@hamburger.edu")
        assert transferring.store is not None
        transferring.store.moods[carol.number] = OverQuota()

        self.play("lmtp", transferring, Purpose.LMTP)

        self.assertEqual(len(transferring.inbox(self.bob)), 2)
        self.assertEqual(transferring.inbox(carol), [])
