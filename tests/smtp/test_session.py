"""
Tests for the SMTP session: what goes wrong, who waits, and how it ends.
"""

from __future__ import annotations

from collections.abc import Awaitable

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import (
    MailError,
    MailLoop,
    OverQuota,
    StoreBusy,
    StoreFull,
    StoreUnavailable,
)
from mailsuite.mail.envelope import Origin, Recipient
from mailsuite.smtp.listener import Limits, Purpose
from tests.support.dialogs import MemoryClient
from tests.support.memory_reception import MemoryReception, MemoryTransaction
from tests.support.smtp_server import MemoryServer

_LOGIN = b"AUTH PLAIN AGFsaWNlQGhhbWJ1cmdlci5lZHUAa2V0Y2h1cA==\r\n"
_ENVELOPE = (
    b"MAIL FROM:<alice@hamburger.edu>\r\nRCPT TO:<bob@hamburger.edu>\r\n"
)


class SessionTestCase(SynchronousTestCase):
    """
    A server, and clients that greeted it.
    """

    def setUp(self) -> None:
        self.reception = MemoryReception(
            "alice@hamburger.edu", "bob@hamburger.edu"
        )

    def server(
        self, purpose: Purpose = Purpose.MX, limits: Limits | None = None
    ) -> MemoryServer:
        """
        A listener.
        """
        return MemoryServer(purpose, self.reception, limits=limits)

    def greeted(
        self, server: MemoryServer, *, tls: bool = False
    ) -> MemoryClient:
        """
        A client that said EHLO.
        """
        client = server.connect(tls=tls)
        client.send(b"EHLO crepes.fr\r\n")
        client.received()
        return client

    def said(self, client: MemoryClient, octets: bytes) -> list[str]:
        """
        The lines that come back.
        """
        client.send(octets)
        return client.received().decode().splitlines()


class ErrorsTests(SessionTestCase):
    """
    What reception may raise, and where.
    """

    def test_begin_is_refused(self) -> None:
        """
        A store without room is told at MAIL, and another try is allowed.
        """

        class Full(MemoryReception):
            async def begin(self, *_: object) -> MemoryTransaction:
                raise StoreFull

        self.reception = Full()
        client = self.greeted(self.server())

        self.assertEqual(
            self.said(client, b"MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\n"),
            ["452 4.3.1 Insufficient system storage"] * 2,
        )

    def test_recipient_is_refused(self) -> None:
        """
        Each error has its code; the others of the transaction go on.
        """
        refusals: dict[str, MailError] = {
            "full@hamburger.edu": OverQuota(),
            "busy@hamburger.edu": StoreBusy(),
        }
        self.reception.refusals = refusals
        client = self.greeted(self.server())

        lines = self.said(
            client,
            _ENVELOPE
            + b"RCPT TO:<full@hamburger.edu>\r\n"
            + b"RCPT TO:<busy@hamburger.edu>\r\nDATA\r\na\r\n.\r\n",
        )

        self.assertEqual(
            lines[2:],
            [
                "452 4.2.2 Quota exceeded",
                "451 4.3.0 Mail store is busy",
                '354 Enter mail, end with "." on a line by itself',
                "250 2.0.0 Message accepted for delivery as Q1",
            ],
        )

    def test_write_fails(self) -> None:
        """
        The rest is read to the true end, then the error is told and the
        session goes on.
        """
        self.reception.write_error = StoreFull()
        client = self.greeted(self.server())
        client.send(_ENVELOPE + b"DATA\r\n")
        client.received()

        during = self.said(client, b"one\r\nNOOP\r\n")
        after = self.said(client, b"two\n\r\n.\r\nNOOP\r\n")

        self.assertEqual(during, [])
        self.assertEqual(
            after, ["452 4.3.1 Insufficient system storage", "250 2.0.0 OK"]
        )
        self.assertEqual(self.reception.aborted, 1)
        self.assertEqual(self.reception.accepted, [])

    def test_commit_fails(self) -> None:
        """
        What is found at the end is told at the end.
        """

        def fail() -> tuple[MailError | None, ...]:
            raise MailLoop

        self.reception.results = fail
        client = self.greeted(self.server())

        lines = self.said(client, _ENVELOPE + b"DATA\r\na\r\n.\r\nNOOP\r\n")

        self.assertEqual(
            lines[3:],
            [
                "554 5.4.6 Too many hops, this looks like a mail loop",
                "250 2.0.0 OK",
            ],
        )
        self.assertEqual(self.reception.aborted, 1)

    def test_one_result_speaks_for_all(self) -> None:
        """
        SMTP has one reply: an error, if there is one.
        """
        self.reception.results = lambda: (None, StoreUnavailable())
        client = self.greeted(self.server())

        lines = self.said(
            client,
            _ENVELOPE + b"RCPT TO:<alice@hamburger.edu>\r\nDATA\r\na\r\n.\r\n",
        )

        self.assertEqual(lines[4:], ["451 4.3.0 Mail store is not available"])

    def test_expansion_fails(self) -> None:
        """
        EXPN tells what the directory could not do.
        """

        class Busy(MemoryReception):
            async def expand(self, _: object) -> tuple[str, ...]:
                raise StoreBusy

        self.reception = Busy()
        client = self.greeted(self.server(Purpose.SUBMISSION), tls=True)
        client.send(_LOGIN)
        client.received()

        self.assertEqual(
            self.said(client, b"EXPN staff\r\n"),
            ["451 4.3.0 Mail store is busy"],
        )

    def test_a_bug(self) -> None:
        """
        Whatever else is raised is logged, told as a constant, and the end.
        """

        def fail() -> tuple[MailError | None, ...]:
            raise ZeroDivisionError("secret")

        self.reception.results = fail
        client = self.greeted(self.server())

        client.send(_ENVELOPE + b"DATA\r\n")
        client.received()
        lines = self.said(client, b"a\r\n.\r\nNOOP\r\n")

        self.assertEqual(
            lines,
            ["421 4.3.0 hamburger.edu Internal error, closing connection"],
        )
        self.assertTrue(client.closed())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class ResetTests(SessionTestCase):
    """
    How a transaction is forgotten.
    """

    def test_hello_resets(self) -> None:
        """
        EHLO in a transaction is RSET and a greeting (RFC 5321 4.1.4).
        """
        client = self.greeted(self.server())
        client.send(_ENVELOPE)
        client.send(b"EHLO crepes.fr\r\n")
        client.received()

        self.assertEqual(
            self.said(client, b"DATA\r\n"),
            ["503 5.5.1 No mail transaction has begun"],
        )
        self.assertEqual(self.reception.aborted, 1)

    def test_a_refused_greeting_changes_nothing(self) -> None:
        """
        LHLO on SMTP ends no transaction.
        """
        client = self.greeted(self.server())
        client.send(_ENVELOPE + b"LHLO crepes.fr\r\n")
        client.received()

        self.assertEqual(self.said(client, b"DATA\r\n")[0][:3], "354")

    def test_lost_connection_aborts(self) -> None:
        """
        Nothing is left of a message whose client went away.
        """
        client = self.greeted(self.server())
        client.send(_ENVELOPE + b"DATA\r\nhalf a mess")

        client.protocol.connectionLost(None)  # type: ignore[arg-type]

        self.assertEqual(self.reception.aborted, 1)
        self.assertEqual(self.reception.accepted, [])

    def test_quit_aborts(self) -> None:
        """
        QUIT in a transaction keeps nothing either (RFC 5321 4.1.1.10).
        """
        client = self.greeted(self.server())
        client.send(_ENVELOPE + b"QUIT\r\n")

        client.protocol.connectionLost(None)  # type: ignore[arg-type]

        self.assertEqual(self.reception.aborted, 1)


class SlowTransaction(MemoryTransaction):
    """
    Waits for the test at each step.
    """

    waiting: list[Deferred[None]]

    async def add_recipient(self, recipient: Recipient) -> None:
        """
        Wait, then accept.
        """
        await self._wait()
        await super().add_recipient(recipient)

    def write(self, octets: bytes) -> Awaitable[None] | None:  # type: ignore[override]
        """
        Accept, then make the session wait.
        """
        super().write(octets)
        return self._wait()

    async def commit(self) -> tuple[MailError | None, ...]:
        """
        Wait, then accept.
        """
        await self._wait()
        return await super().commit()

    async def _wait(self) -> None:
        self.waiting.append(step := Deferred())
        await step


class SlowReception(MemoryReception):
    """
    Makes slow transactions.
    """

    def __init__(self, *addresses: str) -> None:
        super().__init__(*addresses)
        self.waiting: list[Deferred[None]] = []

    async def begin(self, *arguments: object) -> SlowTransaction:
        """
        Start a transaction.
        """
        begun = await super().begin(*arguments)  # type: ignore[arg-type]
        slow = SlowTransaction(self, begun._envelope)
        slow.waiting = self.waiting
        return slow

    def go_on(self) -> None:
        """
        Let the step that waits finish.
        """
        self.waiting.pop(0).callback(None)


class WaitingTests(SessionTestCase):
    """
    A store that takes its time.
    """

    def setUp(self) -> None:
        self.reception = SlowReception("bob@hamburger.edu")

    def test_replies_stay_in_order(self) -> None:
        """
        What a client sent together is answered one after another.
        """
        slow = self.reception
        client = self.greeted(self.server())

        at_once = self.said(
            client, _ENVELOPE + b"DATA\r\na\r\n.\r\nNOOP\r\nQUIT\r\n"
        )
        slow.go_on()
        after_rcpt = client.received().decode().splitlines()
        slow.go_on()
        after_write = client.received()
        slow.go_on()
        after_commit = client.received().decode().splitlines()

        self.assertEqual(
            at_once, ["250 2.1.0 alice@hamburger.edu... Sender ok"]
        )
        self.assertEqual(
            after_rcpt,
            [
                "250 2.1.5 bob@hamburger.edu ... Recipient ok",
                '354 Enter mail, end with "." on a line by itself',
            ],
        )
        self.assertEqual(after_write, b"")
        self.assertEqual(
            after_commit,
            [
                "250 2.0.0 Message accepted for delivery as Q1",
                "250 2.0.0 OK",
                "221 2.0.0 hamburger.edu closing connection",
            ],
        )
        self.assertEqual(self.reception.accepted[0].content, b"a\r\n")

    def test_lost_while_committing(self) -> None:
        """
        A client that goes cancels what is under way.
        """
        slow = self.reception
        client = self.greeted(self.server())
        client.send(_ENVELOPE + b"DATA\r\na\r\n.\r\n")
        slow.go_on()
        slow.go_on()

        client.protocol.connectionLost(None)  # type: ignore[arg-type]

        self.assertEqual(self.reception.accepted, [])
        self.assertEqual(self.reception.aborted, 1)


class EndingTests(SessionTestCase):
    """
    Timeouts, stops and clients that are too much.
    """

    def test_silence(self) -> None:
        """
        Five minutes of silence end the connection, and no less do (RFC 5321
        4.5.3.2.7).
        """
        server = self.server()
        client = self.greeted(server)

        server.clock.advance(299)
        before = client.received()
        server.clock.advance(2)

        self.assertEqual(before, b"")
        self.assertEqual(
            client.received(),
            b"421 4.4.2 hamburger.edu Timeout, closing connection\r\n",
        )
        self.assertTrue(client.closed())

    def test_silence_in_data(self) -> None:
        """
        So does silence within a message; every octet begins it anew.
        """
        server = self.server()
        client = self.greeted(server)
        client.send(_ENVELOPE + b"DATA\r\n")
        client.received()

        server.clock.advance(200)
        client.send(b"a")
        server.clock.advance(200)
        before = client.received()
        server.clock.advance(101)

        self.assertEqual(before, b"")
        self.assertEqual(client.received()[:9], b"421 4.4.2")

    def test_stop(self) -> None:
        """
        A stop is told (RFC 5321 3.8).
        """
        server = self.server()
        client = self.greeted(server)

        for conversation in tuple(server.settings.open_conversations):
            conversation.stop()

        self.assertEqual(
            client.received(),
            b"421 4.3.2 hamburger.edu Service not available, "
            b"closing transmission channel\r\n",
        )
        self.assertTrue(client.closed())

    def test_account_ended(self) -> None:
        """
        A suspended account's session ends, and is logged out.
        """
        server = self.server(Purpose.SUBMISSION)
        client = self.greeted(server, tls=True)
        client.send(_LOGIN)
        client.received()
        (session,) = server.login.sessions

        session.suspend()
        said = client.received()
        client.protocol.connectionLost(None)  # type: ignore[arg-type]

        self.assertEqual(said[:9], b"421 4.3.2")
        self.assertTrue(client.closed())
        self.assertTrue(session.logged_out)

    def test_idle_commands(self) -> None:
        """
        A client that never sends mail is sent away; one that does is not.
        """
        server = self.server(limits=Limits(idle_commands=3))
        idle, busy = self.greeted(server), self.greeted(server)
        for _ in range(5):
            busy.send(b"NOOP\r\n" + _ENVELOPE + b"DATA\r\na\r\n.\r\n")

        lines = self.said(idle, b"NOOP\r\nRSET\r\nHELP\r\nNOOP\r\n")

        self.assertEqual(
            lines[-1],
            "421 4.7.0 hamburger.edu Too many commands without mail",
        )
        self.assertTrue(idle.closed())
        self.assertFalse(busy.closed())

    def test_bad_recipients(self) -> None:
        """
        A client that tries names is sent away.
        """
        server = self.server(limits=Limits(refused_recipients=2))
        client = self.greeted(server)

        lines = self.said(
            client, _ENVELOPE + b"RCPT TO:<nobody@hamburger.edu>\r\n" * 4
        )

        self.assertEqual(
            lines[2:],
            ["550 5.1.1 No such user here"] * 3
            + ["421 4.7.0 hamburger.edu Too many bad recipients"],
        )
        self.assertTrue(client.closed())

    def test_endless_message(self) -> None:
        """
        A message far beyond the limit is not read for ever.
        """
        client = self.greeted(self.server())
        client.send(_ENVELOPE + b"DATA\r\n")
        client.received()

        for _ in range(100):
            client.send(b"x" * 98 + b"\r\n")

        self.assertEqual(
            client.received(),
            b"552 5.3.4 Message is too large\r\n"
            b"421 4.7.0 hamburger.edu Too much was sent that is refused\r\n",
        )
        self.assertTrue(client.closed())

    def test_endless_chunk(self) -> None:
        """
        Nor is a refused chunk.
        """
        client = self.greeted(self.server())

        lines = self.said(client, b"BDAT 4294967296\r\n" + b"x" * 5000)

        self.assertEqual(
            lines, ["421 4.7.0 hamburger.edu Too much was sent that is refused"]
        )
        self.assertTrue(client.closed())

    def test_a_text_line_of_any_length(self) -> None:
        """
        It is content, and so is what stands behind it.
        """
        self.reception.size_limit = 100000
        client = self.greeted(self.server())
        client.send(_ENVELOPE + b"DATA\r\n")
        client.received()
        content = b"A" * 17000 + b"\r\nMAIL FROM:<mallory@crepes.fr>\r\n"

        lines = self.said(client, content + b".\r\n")

        self.assertEqual(
            lines, ["250 2.0.0 Message accepted for delivery as Q1"]
        )
        self.assertEqual(self.reception.accepted[0].content, content)

    def test_lines_that_end_with_lf(self) -> None:
        """
        A client that ends its lines with LF alone is told so, at once.
        """
        client = self.server().connect()
        client.received()

        lines = self.said(client, b"EHLO crepes.fr\n")

        self.assertEqual(lines, ["421 hamburger.edu Lines must end with CR LF"])
        self.assertTrue(client.closed())

    def test_a_line_too_long(self) -> None:
        """
        It is refused, and nothing of it is a command.
        """
        client = self.greeted(self.server())

        lines = self.said(client, b"NOOP " + b"x" * 20000 + b"QUIT\r\nNOOP\r\n")

        self.assertEqual(lines, ["500 5.5.2 Line too long", "250 2.0.0 OK"])


class OriginTests(SessionTestCase):
    """
    What is told of where a message came in.
    """

    def origin(self, client: MemoryClient, mail: bytes = b"") -> Origin:
        """
        The origin of a message that this client sends.
        """
        client.send((mail or _ENVELOPE) + b"DATA\r\na\r\n.\r\n")
        return self.reception.accepted[-1].envelope.origin

    def test_submission(self) -> None:
        """
        Who logged in, and over what.
        """
        client = self.greeted(self.server(Purpose.SUBMISSION), tls=True)
        client.send(_LOGIN)

        origin = self.origin(client)

        self.assertEqual(origin.protocol, "ESMTPSA")
        self.assertEqual(origin.listener, "submission")
        self.assertEqual(origin.user, "alice@hamburger.edu")

    def test_lmtp(self) -> None:
        """
        LMTP has a word of its own.
        """
        client = self.server(Purpose.LMTP).connect()
        client.send(b"LHLO crepes.fr\r\n")

        origin = self.origin(client)

        self.assertEqual((origin.protocol, origin.listener), ("LMTP", "lmtp"))

    def test_greeting_again(self) -> None:
        """
        The last greeting counts.
        """
        client = self.greeted(self.server())
        first = self.origin(client)
        client.send(b"HELO hamburger.edu\r\n")

        second = self.origin(client)

        self.assertEqual((first.helo, first.protocol), ("crepes.fr", "ESMTP"))
        self.assertEqual(
            (second.helo, second.protocol), ("hamburger.edu", "SMTP")
        )

    def test_utf8(self) -> None:
        """
        Only the transaction that asked for SMTPUTF8 is named so.
        """
        client = self.greeted(self.server())
        utf8 = b"MAIL FROM:<a@b> SMTPUTF8\r\nRCPT TO:<bob@hamburger.edu>\r\n"

        first, second = self.origin(client, utf8), self.origin(client)

        self.assertEqual(
            (first.protocol, second.protocol), ("UTF8SMTP", "ESMTP")
        )


class ReplyTests(SessionTestCase):
    """
    What a client reads.
    """

    def test_a_long_address_is_not_repeated(self) -> None:
        """
        No reply has more than 512 octets (RFC 5321 4.5.3.1.5).
        """
        client = self.greeted(self.server())
        local_part = b"a" * 1000

        lines = self.said(client, b"MAIL FROM:<" + local_part + b"@b>\r\n")

        self.assertEqual(lines, ["250 2.1.0 Sender ok"])

    def test_parameters_are_handed_on(self) -> None:
        """
        What MAIL said counts further on.
        """
        client = self.greeted(self.server())

        client.send(
            b"MAIL FROM:<a@b> SIZE=9 body=8bitmime\r\n"
            b"RCPT TO:<bob@hamburger.edu>\r\nDATA\r\na\r\n.\r\n"
        )

        sender = self.reception.accepted[0].envelope.sender
        self.assertEqual((sender.size, sender.body), (9, "8BITMIME"))
        self.assertEqual(
            sender.parameters, (("SIZE", "9"), ("BODY", "8bitmime"))
        )
