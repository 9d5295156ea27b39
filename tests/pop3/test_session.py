"""
Tests for ``mailsuite.pop3.session``, and what it decides with.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import (
    LoginUnavailable,
    NoSuchMessage,
    StoreUnavailable,
)
from mailsuite.interfaces import IContent
from mailsuite.mail.uids import UID, UIDSet
from mailsuite.pop3.listener import Limits
from tests.support.memory_content import MemoryContent
from tests.support.memory_store import MemoryMaildrop
from tests.support.pop3_server import POP3Server, filled

_SMALL = b"Subject: small\r\n\r\n.dot\r\n"


class SecurityTests(SynchronousTestCase):
    """
    Tests for passwords in clear, and for STLS.
    """

    def test_no_password_in_clear(self) -> None:
        """
        Where passwords may not cross the network in clear, USER says so
        before the password is sent, and CAPA offers STLS alone.
        """
        server = POP3Server(can_start_tls=True, clear_passwords=False)
        client = server.connect()
        client.received()

        client.send(b"USER bob\r\nAUTH PLAIN AGJvYgBodW5ncnk=\r\nCAPA\r\n")

        said = client.received()
        refused = b"-ERR Encryption is required for authentication\r\n"
        self.assertTrue(said.startswith(refused * 2 + b"+OK "))
        self.assertIn(b"\r\nSTLS\r\n", said)
        self.assertNotIn(b"USER\r\n", said.replace(b"UTF8 USER\r\n", b""))
        self.assertNotIn(b"SASL", said)

    def test_loopback_is_no_network(self) -> None:
        """
        On this machine a password may be sent in clear.
        """
        server = POP3Server(clear_passwords=False)
        server.peer = "127.0.0.1"

        server.logged_in()

    def test_stls(self) -> None:
        """
        After STLS the login is possible, what was said before is forgotten,
        and STLS is not offered again.
        """
        server = POP3Server(can_start_tls=True)
        client = server.connect()
        client.received()

        client.send(b"USER bob\r\n")
        client.send(b"STLS\r\n")
        self.assertEqual(
            client.received(), b"+OK\r\n+OK Begin TLS negotiation\r\n"
        )
        client.send(b"PASS hungry\r\n")
        self.assertEqual(client.received(), b"-ERR USER comes first\r\n")
        client.send(b"STLS\r\nCAPA\r\n")
        said = client.received()
        self.assertTrue(said.startswith(b"-ERR TLS is active already\r\n"))
        self.assertNotIn(b"STLS\r\n", said)
        client.send(b"USER bob\r\nPASS hungry\r\n")
        self.assertTrue(client.received().endswith(b"logged on\r\n"))

    def test_injection(self) -> None:
        """
        What came in clear behind STLS is never acted on.
        """
        server = POP3Server(can_start_tls=True)
        client = server.connect()
        client.received()

        client.send(b"STLS\r\nUSER bob\r\n")

        self.assertEqual(
            client.received(), b"-ERR Nothing may follow STLS in clear\r\n"
        )
        self.assertTrue(client.closed())

    def test_no_stls_after_utf8(self) -> None:
        """
        RFC 6856 2.1: STLS comes before UTF8, or not at all.
        """
        server = POP3Server(can_start_tls=True)
        client = server.connect()
        client.received()

        client.send(b"UTF8\r\nSTLS\r\n")

        self.assertEqual(
            client.received(),
            b"+OK UTF-8 it is\r\n-ERR STLS comes before UTF8\r\n",
        )


class LoginTests(SynchronousTestCase):
    """
    Tests for what can keep a login from a maildrop.
    """

    def setUp(self) -> None:
        self.server = POP3Server()

    def test_temporary_failure(self) -> None:
        """
        RFC 3206: a login that cannot be judged is told so, as temporary, and
        does not count as a guess.
        """
        self.server.login.error = LoginUnavailable()
        client = self.server.connect()
        client.received()

        for _ in range(5):
            client.send(b"USER bob\r\nPASS hungry\r\n")

        self.assertEqual(
            client.received(),
            b"+OK\r\n-ERR [SYS/TEMP] Authentication is not available now\r\n"
            * 5,
        )
        self.assertFalse(client.closed())

    def test_nothing_is_held_after_a_refusal(self) -> None:
        """
        A login without a maildrop gives back the account.
        """
        first = self.server.logged_in()
        users = self.server.account.users
        second = self.server.connect()
        second.received()

        second.send(b"USER bob\r\nPASS hungry\r\n")

        self.assertIn(b"-ERR [IN-USE] ", second.received())
        self.assertEqual(self.server.account.users, users - 1)
        self.assertTrue(self.server.login.sessions[1].logged_out)
        self.assertFalse(self.server.login.sessions[0].logged_out)
        first.send(b"STAT\r\n")
        self.assertEqual(first.received(), b"+OK 0 0\r\n")

    def test_suspended(self) -> None:
        """
        A session ends with its account's.
        """
        client = self.server.logged_in()

        self.server.login.sessions[0].suspend()

        self.assertEqual(
            client.received(),
            b"-ERR [SYS/TEMP] The session is ended by the server\r\n",
        )
        self.assertTrue(client.closed())

    def test_line_of_an_exchange_too_long(self) -> None:
        """
        An over-long line ends the exchange, and the session goes on.
        """
        client = self.server.connect()
        client.received()

        client.send(b"AUTH PLAIN\r\n" + b"A" * 20000 + b"\r\nCAPA\r\n")

        self.assertTrue(
            client.received().startswith(
                b"+ \r\n-ERR Authentication exchange line is too long\r\n+OK "
            )
        )


class EndTests(SynchronousTestCase):
    """
    Tests for the ends that a session may have.
    """

    def setUp(self) -> None:
        self.server = POP3Server()
        self.server.deliver(_SMALL, _SMALL)

    def test_without_quit_nothing_is_deleted(self) -> None:
        """
        RFC 1939 6: a connection that is lost deletes nothing, and the next
        session finds the maildrop free.
        """
        client = self.server.logged_in()
        client.send(b"DELE 1\r\n")

        client.protocol.connectionLost()

        self.assertEqual(self.server.uids(), [1, 2])
        self.assertTrue(self.server.login.sessions[0].logged_out)
        self.server.logged_in()

    def test_silence(self) -> None:
        """
        RFC 1939 3: after 10 minutes of silence, and not before, the session
        ends without a word, and nothing is deleted.
        """
        client = self.server.logged_in()
        client.send(b"DELE 1\r\n")
        client.received()

        self.server.clock.advance(599)
        self.assertFalse(client.closed())
        self.server.clock.advance(1)

        self.assertEqual(client.received(), b"")
        self.assertTrue(client.closed())
        self.assertEqual(self.server.uids(), [1, 2])

    def test_quit_without_waiting(self) -> None:
        """
        A client that says QUIT and goes has its messages deleted; only then
        the maildrop is free.
        """
        client = self.server.logged_in()
        deleting: Deferred[None] = Deferred()
        delete = MemoryMaildrop.delete

        async def slowly(maildrop: MemoryMaildrop, uids: UIDSet) -> UIDSet:
            await deleting
            return await delete(maildrop, uids)

        self.patch(MemoryMaildrop, "delete", slowly)
        client.send(b"DELE 1\r\nQUIT\r\n")
        client.protocol.connectionLost()
        self.assertTrue(self.server.account.maildrop_taken)

        deleting.callback(None)

        self.assertEqual(self.server.uids(), [2])
        self.assertFalse(self.server.account.maildrop_taken)

    def test_failure_after_the_client_went(self) -> None:
        """
        If the deletions then fail, the log has it.
        """
        client = self.server.logged_in()
        deleting: Deferred[None] = Deferred()

        async def fail(maildrop: MemoryMaildrop, uids: UIDSet) -> UIDSet:
            await deleting
            raise StoreUnavailable

        self.patch(MemoryMaildrop, "delete", fail)
        client.send(b"DELE 1\r\nQUIT\r\n")
        client.protocol.connectionLost()

        deleting.callback(None)

        self.assertEqual(len(self.flushLoggedErrors(StoreUnavailable)), 1)
        self.assertFalse(self.server.account.maildrop_taken)

    def test_not_all_deleted(self) -> None:
        """
        RFC 1939 6: QUIT tells of messages that could not be removed.
        """
        client = self.server.logged_in()

        async def one(maildrop: MemoryMaildrop, uids: UIDSet) -> UIDSet:
            return UIDSet.of([1])

        self.patch(MemoryMaildrop, "delete", one)
        client.send(b"DELE 1\r\nDELE 2\r\nQUIT\r\n")

        self.assertTrue(
            client.received().endswith(
                b"-ERR [SYS/TEMP] some deleted messages not removed\r\n"
            )
        )
        self.assertTrue(client.closed())

    def test_too_many_errors(self) -> None:
        """
        A client that only makes mistakes is sent away.
        """
        server = POP3Server(limits=Limits(errors=3))
        client = server.connect()
        client.received()

        client.send(b"X\r\n" * 5)

        self.assertEqual(
            client.received(),
            b"-ERR Command is not recognized\r\n" * 3
            + b"-ERR Too many errors\r\n",
        )
        self.assertTrue(client.closed())


class RetrieveTests(SynchronousTestCase):
    """
    Tests for RETR and TOP.
    """

    def setUp(self) -> None:
        self.server = POP3Server()

    def contents(self) -> list[MemoryContent]:
        """
        Collect what is opened from here on.
        """
        opened: list[MemoryContent] = []
        open_ = MemoryMaildrop.open

        async def collect(drop: MemoryMaildrop, uid: UID) -> MemoryContent:
            opened.append(await open_(drop, uid))
            return opened[-1]

        self.patch(MemoryMaildrop, "open", collect)
        return opened

    def test_small_message_is_one_write(self) -> None:
        """
        A small message leaves in one write, dots doubled, and its content is
        closed.
        """
        self.server.deliver(_SMALL)
        opened = self.contents()
        client = self.server.logged_in()
        writes: list[bytes] = []
        self.patch(client.transport, "write", writes.append)

        client.send(b"RETR 1\r\n")

        self.assertEqual(
            writes,
            [b"+OK 24 octets\r\nSubject: small\r\n\r\n..dot\r\n.\r\n"],
        )
        self.assertTrue(opened[0].closed)

    def test_message_without_an_end_of_line(self) -> None:
        """
        A last line without its end gets one, so that the dot is alone.
        """
        self.server.deliver(b"Subject: x\r\n\r\n.")
        client = self.server.logged_in()

        client.send(b"RETR 1\r\n")

        self.assertEqual(
            client.received(),
            b"+OK 15 octets\r\nSubject: x\r\n\r\n..\r\n.\r\n",
        )

    def test_long_message_waits_for_the_client(self) -> None:
        """
        A long message is read as the client takes it, and comes out whole.
        """
        message = filled(b"Subject: long\r\n\r\n..\r\n", 300_000)
        self.server.deliver(message)
        client = self.server.logged_in()
        client.protocol.pauseProducing()

        client.send(b"RETR 1\r\nNOOP\r\n")
        first = client.received()
        self.assertLess(len(first), 70_000)
        client.protocol.resumeProducing()

        self.assertEqual(
            first + client.received(),
            b"+OK 300000 octets\r\n"
            + message.replace(b"\r\n..", b"\r\n...")
            + b".\r\n+OK\r\n",
        )

    def test_next_message_is_read_ahead(self) -> None:
        """
        While a client fetches messages in their order, the next is read when
        the last has been sent, and is what RETR would have sent.
        """
        self.server.deliver(_SMALL, b"Subject: \xe9\r\n\r\n.", _SMALL)
        opened = self.contents()
        client = self.server.logged_in()
        counts = []
        said = []

        for number in (1, 2, 3):
            client.send(b"RETR %d\r\n" % number)
            said.append(client.received())
            counts.append(len(opened))

        self.assertEqual(counts, [2, 3, 3])
        self.assertTrue(all(content.closed for content in opened))
        self.assertEqual(said[0], said[2])
        self.assertEqual(
            said[1],
            b"+OK 30 octets\r\nSubject: =?utf-8?b?w6k=?=\r\n\r\n..\r\n.\r\n",
        )

    def test_read_ahead_is_for_its_command(self) -> None:
        """
        What was read ahead is sent for nothing else: not for another message,
        TOP, or one that was marked meanwhile.
        """
        self.server.deliver(_SMALL, _SMALL, b"\r\nthird\r\n")
        client = self.server.logged_in()

        client.send(b"RETR 1\r\n")
        client.send(b"TOP 2 0\r\n")
        client.send(b"RETR 3\r\n")
        client.send(b"RETR 1\r\n")
        client.received()
        client.send(b"DELE 2\r\n")
        client.send(b"RETR 2\r\n")
        client.send(b"RETR 3\r\n")

        self.assertEqual(
            client.received(),
            b"+OK message 2 deleted\r\n-ERR No such message\r\n"
            b"+OK 9 octets\r\n\r\nthird\r\n.\r\n",
        )

    def test_no_reading_ahead(self) -> None:
        """
        Nothing is read ahead of a long message, for a client that skips, or
        whose next command is there already.
        """
        self.server.deliver(_SMALL, filled(b"\r\n", 300_000), *[_SMALL] * 3)
        opened = self.contents()
        client = self.server.logged_in()

        client.send(b"RETR 1\r\n")
        self.assertEqual(len(opened), 1)
        client.send(b"RETR 4\r\n")
        self.assertEqual(len(opened), 2)
        client.send(b"RETR 2\r\nRETR 3\r\nNOOP\r\n")
        self.assertEqual(len(opened), 4)

    def test_reading_ahead_fails(self) -> None:
        """
        A failure to read ahead is not told; RETR tries again, and tells.
        """
        self.server.deliver(_SMALL, _SMALL)
        client = self.server.logged_in()
        open_ = MemoryMaildrop.open
        asked: list[int] = []

        async def fail(drop: MemoryMaildrop, uid: UID) -> MemoryContent:
            asked.append(uid)
            if uid == 2:
                raise StoreUnavailable
            return await open_(drop, uid)

        self.patch(MemoryMaildrop, "open", fail)
        client.send(b"RETR 1\r\n")
        self.assertNotIn(b"-ERR", client.received())
        client.send(b"RETR 2\r\n")

        self.assertEqual(asked, [1, 2, 2])
        self.assertTrue(client.received().startswith(b"-ERR [SYS/TEMP] "))

    def test_long_message_in_utf8(self) -> None:
        """
        A long message is downgraded as it passes, its parts too; TOP counts
        the lines of what it sends.
        """
        part = (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            b"%b--b\r\nContent-Description: %b\r\n\r\n\xe9\r\n--b--\r\n"
        )
        filling = b"\xe9..\r\n" * 60_000
        self.server.deliver(b"Subject: \xe9\r\n" + part % (filling, b"\xe9"))
        client = self.server.logged_in()

        client.send(b"RETR 1\r\n")
        sent = client.received()
        client.send(b"TOP 1 59999\r\n")

        encoded = b"=?utf-8?b?w6k=?="
        head, _, octets = sent.partition(b"\r\n")
        self.assertEqual(head, b"+OK 300098 octets")
        self.assertEqual(
            octets,
            b"Subject: %b\r\n" % encoded + part % (filling, encoded) + b".\r\n",
        )
        top = client.received()
        self.assertEqual(top.count(b"\r\n"), 1 + 3 + 59999 + 1)
        self.assertTrue(top.startswith(b"+OK\r\nSubject: " + encoded))

    def test_parts_in_utf8(self) -> None:
        """
        A message that is sent whole is downgraded in all its parts, and its
        size is told as it is sent.
        """
        part = (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            b"%b--b\r\nContent-Description: %b\r\n\r\n\xe9\r\n--b--\r\n"
        )
        filling = b"\xe9..\r\n" * 20_000
        self.server.deliver(b"Subject: a\r\n" + part % (filling, b"\xe9"))
        client = self.server.logged_in()

        client.send(b"RETR 1\r\n")

        octets = b"Subject: a\r\n" + part % (filling, b"=?utf-8?b?w6k=?=")
        self.assertEqual(
            client.received(),
            b"+OK %d octets\r\n" % len(octets) + octets + b".\r\n",
        )

    def test_client_goes_while_a_message_is_sent(self) -> None:
        """
        The content is closed, and the maildrop free.
        """
        self.server.deliver(filled(b"\r\n", 300_000))
        opened = self.contents()
        client = self.server.logged_in()
        client.protocol.pauseProducing()
        client.send(b"RETR 1\r\n")
        self.assertFalse(opened[0].closed)

        client.protocol.connectionLost()

        self.assertTrue(opened[0].closed)
        self.assertFalse(self.server.account.maildrop_taken)

    def test_message_breaks_off(self) -> None:
        """
        If a message cannot be read to its end, the connection ends without
        the dot, so that the client does not take it for whole.
        """
        self.server.deliver(filled(b"\r\n", 300_000))
        client = self.server.logged_in()
        read = MemoryContent.read

        async def read_half(
            content: MemoryContent, offset: int, length: int
        ) -> bytes:
            if offset > 100_000:
                raise StoreUnavailable
            return await read(content, offset, length)

        self.patch(MemoryContent, "read", read_half)
        client.send(b"RETR 1\r\n")

        self.assertFalse(client.received().endswith(b"\r\n"))
        self.assertTrue(client.closed())

    def test_small_message_cannot_be_read(self) -> None:
        """
        A failure before the response has begun is told.
        """
        self.server.deliver(_SMALL)
        client = self.server.logged_in()

        async def fail(
            content: MemoryContent, offset: int, length: int
        ) -> bytes:
            raise StoreUnavailable

        self.patch(MemoryContent, "read", fail)
        client.send(b"RETR 1\r\nNOOP\r\n")

        self.assertEqual(
            client.received(),
            b"-ERR [SYS/TEMP] Mail store is not available\r\n+OK\r\n",
        )

    def test_expunged_by_somebody_else(self) -> None:
        """
        A message that another client expunged meanwhile is refused.
        """
        self.server.deliver(_SMALL)
        client = self.server.logged_in()

        async def fail(maildrop: MemoryMaildrop, uid: UID) -> IContent:
            raise NoSuchMessage

        self.patch(MemoryMaildrop, "open", fail)
        client.send(b"RETR 1\r\n")

        self.assertEqual(
            client.received(),
            b"-ERR Some of the messages no longer exist\r\n",
        )

    def test_top(self) -> None:
        """
        TOP ends after the lines that were asked for, even in a long message.
        """
        self.server.deliver(
            b"A: b\r\n\r\none\r\n.two\r\nthree\r\n" + b"x\r\n" * 100_000
        )
        client = self.server.logged_in()

        client.send(b"TOP 1 2\r\n")

        self.assertEqual(
            client.received(), b"+OK\r\nA: b\r\n\r\none\r\n..two\r\n.\r\n"
        )

    def test_long_listing(self) -> None:
        """
        The listing of a large maildrop comes in pieces, and whole.
        """
        self.server.deliver(*[_SMALL] * 5000)
        client = self.server.logged_in()
        client.protocol.pauseProducing()

        client.send(b"DELE 2\r\nLIST\r\n")
        first = client.received()
        self.assertLess(len(first), 50_000)
        client.protocol.resumeProducing()

        lines = (first + client.received()).split(b"\r\n")
        self.assertEqual(lines[1], b"+OK 4999 messages (119976 octets)")
        self.assertEqual(lines[2:4], [b"1 24", b"3 24"])
        self.assertEqual(lines[-3:], [b"5000 24", b".", b""])
        self.assertEqual(len(lines), 4999 + 4)
