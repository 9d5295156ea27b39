"""
Tests for ``mailsuite.imap.protocol``: a connection's life.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import LoginUnavailable, StoreUnavailable
from mailsuite.mail.changes import Overflowed
from mailsuite.mail.flags import SEEN
from tests.support.imap_server import IMAPServer
from tests.support.memory_login import MemoryLoginSession


class Bug(Exception):
    """
    A mistake of ours.
    """


class ConnectionTests(SynchronousTestCase):
    """
    From greeting to goodbye.
    """

    def setUp(self) -> None:
        self.server = IMAPServer()

    def test_silence_before_the_login(self) -> None:
        """
        Who does not log in within three minutes is told goodbye.
        """
        client = self.server.connect()
        client.received()

        self.server.clock.advance(179)
        self.assertFalse(client.closed())
        self.server.clock.advance(2)

        self.assertIn(b"* BYE Autologout", client.received())
        self.assertTrue(client.closed())

    def test_silence_after_the_login(self) -> None:
        """
        Who has logged in may be silent for 30 minutes (RFC 9051 5.4).
        """
        client = self.server.logged_in("INBOX")
        client.received()

        self.server.clock.pump([60] * 30)
        self.assertFalse(client.closed())
        self.server.clock.pump([60] * 3)

        self.assertIn(b"* BYE Autologout", client.received())

    def test_idle_is_kept_alive(self) -> None:
        """
        In IDLE something is sent every two minutes, and 29 minutes, after which
        clients begin anew, pass.
        """
        client = self.server.logged_in("INBOX")
        client.send(b"a IDLE\r\n")
        client.received()

        self.server.clock.pump([10] * 6 * 29)

        self.assertEqual(client.received(), b"* OK Still here\r\n" * 14)
        self.assertEqual(client.ask(b"x")[:5], b"a BAD")

    def test_stop_says_goodbye(self) -> None:
        """
        When the suite stops, clients are told BYE.
        """
        client = self.server.logged_in("INBOX")

        client.protocol.stop()

        self.assertTrue(client.received().startswith(b"* BYE "))
        self.assertTrue(client.closed())

    def test_suspended_account(self) -> None:
        """
        Suspending an account ends its sessions.
        """
        client = self.server.logged_in("INBOX")

        self.server.login.sessions[0].suspend()

        self.assertTrue(client.received().startswith(b"* BYE "))
        self.assertTrue(client.closed())

    def test_twenty_errors(self) -> None:
        """
        Twenty senseless commands in a row end the connection.
        """
        client = self.server.connect()
        for _ in range(19):
            self.assertIn(b"BAD", client.ask(b"nonsense"))

        last = client.ask(b"nonsense")

        self.assertIn(b"* BYE Too many errors\r\n", last)
        self.assertTrue(client.closed())

    def test_errors_are_forgiven(self) -> None:
        """
        A command that makes sense in between begins a new count.
        """
        client = self.server.connect()

        for _ in range(30):
            client.ask(b"nonsense")
            client.ask(b"NOOP")

        self.assertFalse(client.closed())

    def test_guessing_passwords(self) -> None:
        """
        Failed logins count as errors.
        """
        client = self.server.connect()

        for _ in range(20):
            client.ask(b"LOGIN alice guess")

        self.assertTrue(client.closed())

    def test_login_service_fails(self) -> None:
        """
        A login that cannot be judged is told as temporary.
        """
        self.server.login.error = LoginUnavailable()
        client = self.server.connect()

        self.assertIn(b"t NO [UNAVAILABLE]", client.ask(b"LOGIN alice secret"))

    def test_account_cannot_be_opened(self) -> None:
        """
        Then the login is undone, and may be tried again.
        """

        async def refuse(login: MemoryLoginSession) -> None:
            raise StoreUnavailable

        client = self.server.connect()
        patcher = self.patch(MemoryLoginSession, "account", refuse)

        answer = client.ask(b"LOGIN alice secret")

        self.assertIn(b"t NO [UNAVAILABLE]", answer)
        self.assertTrue(self.server.login.sessions[0].logged_out)
        patcher.restore()
        self.assertIn(b"t OK", client.ask(b"LOGIN alice secret"))

    def test_bug_of_ours(self) -> None:
        """
        A bug is logged whole, told with a constant, and ends the session.
        """

        async def broken(name: str) -> None:
            raise Bug("inner detail")

        client = self.server.logged_in()
        self.server.account.status = broken

        answer = client.ask(b"STATUS INBOX (MESSAGES)")

        self.assertEqual(answer, b"* BYE Internal error\r\n")
        self.assertTrue(client.closed())
        self.assertEqual(len(self.flushLoggedErrors(Bug)), 1)

    def test_lost_connection_gives_everything_back(self) -> None:
        """
        Whatever was under way, nothing is held once the connection is gone.
        """
        idler = self.server.logged_in("INBOX")
        idler.send(b"a IDLE\r\n")
        appender = self.server.logged_in("Sent")
        appender.send(b"a APPEND INBOX {10+}\r\nHalf")
        waiter = self.server.logged_in("Trash")

        async def never(name: str) -> None:
            await Deferred()

        self.server.account.status = never
        waiter.send(b"a STATUS INBOX (MESSAGES)\r\n")

        for client in (idler, appender, waiter):
            client.disconnect()

        self.assertEqual(self.server.held(), [])

    def test_pipelined_commands_are_answered_in_order(self) -> None:
        """
        Commands in one segment are answered one after another.
        """
        client = self.server.connect()
        client.received()

        client.send(
            b"a LOGIN alice secret\r\nb SELECT INBOX\r\nc NOOP\r\nd LOGOUT\r\n"
        )

        lines = client.received().split(b"\r\n")
        tagged = [line[:4] for line in lines if line[:1] in b"abcd"]
        self.assertEqual(
            [line for line in tagged if line],
            [b"a OK", b"b OK", b"c OK", b"d OK"],
        )

    def test_half_closed(self) -> None:
        """
        A client that sends no more gets its answers, then the end.
        """
        client = self.server.connect()
        client.send(b"a NOOP\r\n")
        client.protocol.readConnectionLost()

        self.assertIn(b"a OK", client.received())
        self.assertTrue(client.closed())


class StartTLSTests(SynchronousTestCase):
    """
    STARTTLS, as far as it is the session's.
    """

    def setUp(self) -> None:
        self.server = IMAPServer()
        self.server.settings.tls = object()
        self.client = self.server.connect("192.0.2.1")
        self.started: list[object] = []
        self.client.transport.startTLS = self.started.append

    def test_is_announced_and_begins(self) -> None:
        """
        It is announced where it can be had; after it nothing is known of what
        came before.
        """
        self.assertIn(b" STARTTLS LOGINDISABLED]", self.client.received())

        self.client.send(b"a STARTTLS\r\n")

        self.assertEqual(
            self.client.received(), b"a OK Begin TLS negotiation now\r\n"
        )
        self.assertEqual(self.started, [self.server.settings.tls])

    def test_injected_commands(self) -> None:
        """
        What came in clear behind it is never carried out.
        """
        self.client.received()

        self.client.send(b"a STARTTLS\r\nb NOOP\r\n")

        self.assertTrue(self.client.received().startswith(b"* BYE "))
        self.assertTrue(self.client.closed())
        self.assertEqual(self.started, [])

    def test_not_after_the_login(self) -> None:
        """
        Who has logged in cannot begin TLS any more.
        """
        client = self.server.connect()
        client.ask(b"LOGIN alice secret")

        self.assertIn(b"t BAD", client.ask(b"STARTTLS"))


class NewsTests(SynchronousTestCase):
    """
    What is told of a mailbox that is selected.
    """

    def setUp(self) -> None:
        self.server = IMAPServer()
        self.uid = self.server.append()
        self.client = self.server.logged_in("INBOX")

    def test_overflow_is_caught_up(self) -> None:
        """
        A session that was too slow reads the changes itself, in IDLE too.
        """
        box = self.server.account.found("INBOX")
        (listener,) = box.listeners
        since = box.highestmodseq
        self.client.send(b"a IDLE\r\n")
        self.client.received()
        box.listeners.remove(listener)
        self.server.append(flags=[SEEN])
        box.listeners.append(listener)

        listener.changed(Overflowed(since))
        self.server.clock.pump([0, 0, 0])

        self.assertIn(b"* 2 EXISTS\r\n", self.client.received())

    def test_slow_client_in_idle(self) -> None:
        """
        News wait while the client takes nothing, and are not piled up.
        """
        self.client.send(b"a IDLE\r\n")
        self.client.received()
        self.client.protocol.pauseProducing()
        for _ in range(3):
            self.server.append()
            self.server.clock.advance(0.1)
        self.assertEqual(self.client.received(), b"")

        self.client.protocol.resumeProducing()
        self.server.clock.advance(0.5)
        self.server.clock.advance(0.5)

        self.assertEqual(
            self.client.received(), b"* 4 EXISTS\r\n* 4 RECENT\r\n"
        )
