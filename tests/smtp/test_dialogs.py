"""
Golden conversations with the SMTP server (tests/dialogs/smtp).
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import OverQuota
from mailsuite.mail.address import Address
from mailsuite.smtp.listener import Limits, Purpose
from tests.support.dialogs import Client, dialog, play
from tests.support.memory_reception import MemoryReception
from tests.support.smtp_server import MemoryServer


class DialogsTests(SynchronousTestCase):
    """
    Conversations, word for word.
    """

    def setUp(self) -> None:
        self.reception = MemoryReception(
            "alice@hamburger.edu", "bob@hamburger.edu"
        )

    def play(self, name: str, connect: Callable[[], Client]) -> None:
        """
        Play ``tests/dialogs/smtp/<name>.dialog`` to its end.
        """
        self.successResultOf(
            ensureDeferred(play(dialog(f"smtp/{name}"), connect))
        )

    def contents(self) -> list[bytes]:
        """
        What was accepted.
        """
        return [accepted.content for accepted in self.reception.accepted]

    def test_course(self) -> None:
        """
        The course's dialogue goes as the course has it.
        """
        server = MemoryServer(Purpose.MX, self.reception)

        self.play("course", server.connect)

        (accepted,) = self.reception.accepted
        self.assertEqual(
            accepted.content, b"Do you like ketchup?\r\nHow about pickles?\r\n"
        )
        envelope = accepted.envelope
        self.assertEqual(
            envelope.sender.reverse_path, Address("alice", "crepes.fr")
        )
        self.assertEqual(
            [r.forward_path for r in envelope.recipients],
            [Address("bob", "hamburger.edu")],
        )
        self.assertEqual(
            (envelope.origin.protocol, envelope.origin.listener), ("SMTP", "mx")
        )
        self.assertEqual(
            (envelope.origin.helo, envelope.origin.peer),
            ("crepes.fr", "192.0.2.1"),
        )

    def test_pipelining(self) -> None:
        """
        Commands sent together are answered in order.
        """
        server = MemoryServer(Purpose.MX, self.reception)

        self.play("pipelining", server.connect)

        self.assertEqual(self.contents(), [b"first\r\n", b"second\r\n"])
        first, second = self.reception.accepted
        self.assertEqual(first.envelope.sender.size, 7)
        self.assertEqual(first.envelope.sender.body, "8BITMIME")
        self.assertIsNone(second.envelope.sender.reverse_path)
        self.assertEqual(first.envelope.origin.protocol, "ESMTP")

    def test_starttls(self) -> None:
        """
        STARTTLS makes a new start, and a login possible.
        """
        server = MemoryServer(
            Purpose.SUBMISSION, self.reception, can_start_tls=True
        )

        self.play("starttls", server.connect)

    def test_starttls_injection(self) -> None:
        """
        A command in clear behind STARTTLS ends the connection.
        """
        server = MemoryServer(Purpose.MX, self.reception, can_start_tls=True)

        self.play("starttls_injection", server.connect)

    def test_auth(self) -> None:
        """
        AUTH in all its courses.
        """
        server = MemoryServer(Purpose.SUBMISSION, self.reception)
        self.reception.aliases["staff@hamburger.edu"] = (
            "alice@hamburger.edu",
            "bob@hamburger.edu",
            "jürgen@hamburger.edu",
        )

        self.play("auth", lambda: server.connect(tls=True))

    def test_auth_failures(self) -> None:
        """
        Guessing passwords ends the connection.
        """
        server = MemoryServer(
            Purpose.SUBMISSION, self.reception, clear_passwords=True
        )

        self.play("auth_failures", server.connect)

    def test_smuggling(self) -> None:
        """
        No form of bare CR or LF hides a second message.
        """
        server = MemoryServer(Purpose.MX, self.reception)

        self.play("smuggling", server.connect)

        self.assertEqual(self.contents(), [])

    def test_chunking(self) -> None:
        """
        BDAT takes exactly its octets, refused or not.
        """
        server = MemoryServer(Purpose.MX, self.reception)

        self.play("chunking", server.connect)

        self.assertEqual(self.contents(), [b".\r\n.\r\n..\r\n"])

    def test_lmtp(self) -> None:
        """
        LMTP answers for each recipient.
        """
        self.reception.addresses.add("carol@hamburger.edu")
        self.reception.results = lambda: (None, OverQuota())
        server = MemoryServer(Purpose.LMTP, self.reception)

        self.play("lmtp", server.connect)

    def test_dsn(self) -> None:
        """
        A peer that is trusted may say what it wants to be told of.
        """
        server = MemoryServer(
            Purpose.MX,
            self.reception,
            limits=Limits(errors=100),
            trusted=("192.0.2.0/24",),
        )

        self.play("dsn", server.connect)

        (accepted,) = self.reception.accepted
        envelope = accepted.envelope
        self.assertTrue(envelope.origin.trusted)
        self.assertEqual(envelope.sender.returned, "HDRS")
        self.assertEqual(envelope.sender.envelope_id, "QQ+314159")
        self.assertEqual(
            [(r.notify, r.original) for r in envelope.recipients],
            [
                ({"SUCCESS"}, ("rfc822", "Bob@hamburger.edu")),
                ({"FAILURE", "DELAY"}, None),
                ({"NEVER"}, ("utf-8", "über@hamburger.edu")),
            ],
        )

    def test_dsn_example(self) -> None:
        """
        The RFC's own example arrives as it was meant.
        """
        reception = MemoryReception(
            "Bob@example.com",
            "Carol@ivory.edu",
            "Dana@ivory.edu",
            "Eric@bombs.af.mil",
            "Fred@bombs.af.mil",
            "George@tax-me.gov",
        )
        server = MemoryServer(Purpose.MX, reception, trusted=("192.0.2.1",))

        self.play("dsn_example", server.connect)

        (accepted,) = reception.accepted
        sender = accepted.envelope.sender
        self.assertEqual(
            (sender.returned, sender.envelope_id), ("HDRS", "QQ314159")
        )
        failure = {"FAILURE"}
        self.assertEqual(
            [(r.notify, r.original) for r in accepted.envelope.recipients],
            [
                ({"SUCCESS"}, ("rfc822", "Bob@Example.COM")),
                (failure, ("rfc822", "Carol@Ivory.EDU")),
                ({"SUCCESS", "FAILURE"}, ("rfc822", "Dana@Ivory.EDU")),
                (failure, ("rfc822", "Eric@Bombs.AF.MIL")),
                ({"NEVER"}, None),
                (failure, ("rfc822", "George@Tax-ME.GOV")),
            ],
        )

    def test_dsn_to_strangers(self) -> None:
        """
        A stranger is offered REQUIRETLS over TLS, and no notifications.
        """
        server = MemoryServer(
            Purpose.MX, self.reception, trusted=("198.51.100.0/24",)
        )

        self.play("dsn_to_strangers", lambda: server.connect(tls=True))

        (accepted,) = self.reception.accepted
        self.assertFalse(accepted.envelope.origin.trusted)
        self.assertTrue(accepted.envelope.sender.requiretls)

    def test_futurerelease(self) -> None:
        """
        A submitted message may be held for a while.
        """
        server = MemoryServer(
            Purpose.SUBMISSION,
            self.reception,
            limits=Limits(errors=100, hold_seconds=86400),
            clear_passwords=True,
        )

        self.play("futurerelease", server.connect)

        self.assertEqual(
            [a.envelope.sender.hold_until for a in self.reception.accepted],
            [86400.0, 43200.0],
        )

    def test_errors(self) -> None:
        """
        Each mistake has its reply.
        """
        server = MemoryServer(
            Purpose.MX, self.reception, limits=Limits(errors=100)
        )

        self.play("errors", server.connect)

    def test_too_many_errors(self) -> None:
        """
        A client that makes errors only is sent away.
        """
        server = MemoryServer(Purpose.MX, self.reception)

        self.play("too_many_errors", server.connect)

    def test_relaying(self) -> None:
        """
        No address makes a relay of us.
        """
        server = MemoryServer(Purpose.MX, self.reception)

        self.play("relaying", server.connect)

    def test_verification(self) -> None:
        """
        VRFY, EXPN and HELP.
        """
        server = MemoryServer(Purpose.MX, self.reception)

        self.play("verification", server.connect)

    def test_smtputf8(self) -> None:
        """
        Addresses beyond ASCII need SMTPUTF8.
        """
        self.reception.addresses.add("jürgen@hamburger.edu")
        server = MemoryServer(Purpose.MX, self.reception)

        self.play("smtputf8", server.connect)

        (accepted,) = self.reception.accepted
        self.assertEqual(accepted.content, "Schöne Grüße\r\n".encode())
        self.assertEqual(accepted.envelope.origin.protocol, "UTF8SMTP")
        self.assertTrue(accepted.envelope.sender.smtputf8)

    def test_size(self) -> None:
        """
        Too large is too large, by word or by deed.
        """
        self.reception.size_limit = 30
        server = MemoryServer(Purpose.MX, self.reception)

        self.play("size", server.connect)

        self.assertEqual(self.contents(), [])

    def test_limits(self) -> None:
        """
        LIMITS tells what is enforced.
        """
        limits = Limits(recipients=2, transactions=2)
        server = MemoryServer(Purpose.MX, self.reception, limits=limits)

        self.play("limits", server.connect)
