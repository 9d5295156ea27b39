"""
Tests for ``mailsuite.imap.appending``.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import MessageTooLarge, OverQuota, StoreFull
from mailsuite.imap.appending import Appending
from mailsuite.imap.wire.commands import Append
from tests.support.imap_server import NOW, IMAPServer, now
from tests.support.memory_content import MemoryIncoming


class FullIncoming(MemoryIncoming):
    """
    A disk that takes ten octets.
    """

    def write(self, octets: bytes) -> None:
        """
        Take it if it fits.
        """
        if self.size + len(octets) > 10:
            raise StoreFull
        super().write(octets)


class AppendingTests(SynchronousTestCase):
    """
    Tests for ``Appending``.
    """

    def setUp(self) -> None:
        server = IMAPServer()
        self.mailbox = now(server.account.mailbox("INBOX"))

    def appending(
        self, incoming: MemoryIncoming, limit: int = 100
    ) -> Appending:
        """
        A message on its way.
        """
        command = Append("INBOX", 20, ("\\Seen",), NOW - 60)
        return Appending(command, self.mailbox, incoming, limit)

    def test_keeps_the_message(self) -> None:
        """
        It has the flags and the date of the command, and CR LF; all that was
        held is given back.
        """
        incoming = MemoryIncoming()
        appending = self.appending(incoming)
        now(appending.write(b"a\r"))
        now(appending.write(b"\nb\n"))

        appended = now(appending.finish())

        messages = self.mailbox.messages
        self.assertEqual(messages.uids.tolist(), list(appended.uids))
        self.assertEqual(messages.dates.tolist(), [NOW - 60])
        content = now(self.mailbox.open(appended.uids[0]))
        self.assertEqual(now(content.read(0, 100)), b"a\r\nb\r\n")
        self.assertTrue(incoming.discarded)
        self.assertEqual(self.mailbox.users, 0)

    def test_a_full_disk_is_told_at_the_end(self) -> None:
        """
        What follows is swallowed; nothing is kept.
        """
        incoming = FullIncoming()
        appending = self.appending(incoming)

        for _ in range(3):
            now(appending.write(b"12345678"))

        self.assertEqual(incoming.size, 0)
        with self.assertRaises(StoreFull):
            now(appending.finish())
        self.assertEqual(len(self.mailbox.messages), 0)
        self.assertEqual(self.mailbox.users, 0)

    def test_line_ends_count(self) -> None:
        """
        A message that grows over the limit by its CRs is too large.
        """
        appending = self.appending(MemoryIncoming(), limit=10)

        now(appending.write(b"a\n" * 4))

        with self.assertRaises(MessageTooLarge):
            now(appending.finish())

    def test_waits_for_the_disk(self) -> None:
        """
        A write that has to wait holds the client back.
        """
        waiting: Deferred[None] = Deferred()

        class Slow(MemoryIncoming):
            def write(self, octets: bytes) -> Deferred[None]:
                return waiting

        written = Deferred.fromCoroutine(
            self.appending(Slow()).write(b"octets")
        )

        self.assertNoResult(written)
        waiting.callback(None)
        self.successResultOf(written)

    def test_a_store_that_refuses(self) -> None:
        """
        Then too all that was held is given back.
        """

        async def refuse(*args: object) -> None:
            raise OverQuota

        incoming = MemoryIncoming()
        self.mailbox.append = refuse
        appending = self.appending(incoming)

        with self.assertRaises(OverQuota):
            now(appending.finish())

        self.assertTrue(incoming.discarded)
        self.assertEqual(self.mailbox.users, 0)
