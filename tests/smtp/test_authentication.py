"""
Tests for AUTH's rarer courses; tests/dialogs/smtp has the others.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import LoginUnavailable
from mailsuite.smtp.listener import Purpose
from tests.support.dialogs import MemoryClient
from tests.support.memory_reception import MemoryReception
from tests.support.smtp_server import MemoryServer

_LOGIN = b"AUTH PLAIN AGFsaWNlQGhhbWJ1cmdlci5lZHUAa2V0Y2h1cA==\r\n"


class AuthenticationTests(SynchronousTestCase):
    """
    Tests for AUTH.
    """

    def setUp(self) -> None:
        self.server = MemoryServer(
            Purpose.SUBMISSION,
            MemoryReception("alice@hamburger.edu"),
            can_start_tls=True,
        )

    def greeted(self, *, tls: bool) -> MemoryClient:
        """
        A client that said EHLO.
        """
        client = self.server.connect(tls=tls)
        client.send(b"EHLO crepes.fr\r\n")
        return client

    def test_not_available(self) -> None:
        """
        An attempt that cannot be judged may be made again (RFC 4954 6), and
        is no failed one.
        """
        self.server.login.error = LoginUnavailable()
        client = self.greeted(tls=True)
        client.received()

        client.send(_LOGIN * 5)

        self.assertEqual(
            client.received(),
            b"454 4.7.0 Authentication is not available now\r\n" * 5,
        )
        self.assertFalse(client.closed())

    def test_loopback_needs_no_tls(self) -> None:
        """
        On this machine a password may be sent in clear.
        """
        self.server.peer = "127.0.0.1"
        client = self.greeted(tls=False)

        self.assertIn(b"250-AUTH PLAIN LOGIN\r\n", client.received())

    def test_elsewhere_needs_tls(self) -> None:
        """
        From elsewhere it may not, and AUTH is not even offered.
        """
        client = self.greeted(tls=False)

        self.assertNotIn(b"AUTH", client.received())

    def test_tls_forgets_the_login(self) -> None:
        """
        A login in clear does not count behind STARTTLS (RFC 3207 4.2).
        """
        self.server.peer = "127.0.0.1"
        client = self.greeted(tls=False)
        client.send(_LOGIN)
        client.send(b"STARTTLS\r\n")
        client.send(b"EHLO crepes.fr\r\n")
        client.received()

        client.send(b"MAIL FROM:<alice@hamburger.edu>\r\n")

        self.assertEqual(
            client.received(), b"530 5.7.0 Authentication required\r\n"
        )
        self.assertTrue(self.server.login.sessions[0].logged_out)

    def test_a_response_too_long(self) -> None:
        """
        It ends the exchange, and the next line is a command.
        """
        client = self.greeted(tls=True)
        client.send(b"AUTH PLAIN\r\n")
        client.received()

        client.send(b"x" * 20000 + b"\r\nNOOP\r\n")

        self.assertEqual(
            client.received(),
            b"500 5.5.6 Authentication exchange line is too long\r\n"
            b"250 2.0.0 OK\r\n",
        )

    def test_base64_is_taken_strictly(self) -> None:
        """
        Nothing is guessed: padding, white space, letters of other alphabets.
        """
        client = self.greeted(tls=True)
        client.received()

        for response in (b"AGE", b"AGE= x", b"AG-_", b"=A==", b"AGEA\xc3\xbc"):
            client.send(b"AUTH PLAIN " + response + b"\r\n")
            self.assertEqual(client.received()[:4], b"501 ", response)

    def test_every_submission_listener_wants_a_login(self) -> None:
        """
        Without one there is no transaction, however often it is tried.
        """
        client = self.greeted(tls=True)
        client.received()

        client.send(b"MAIL FROM:<>\r\nRCPT TO:<alice@hamburger.edu>\r\n")

        self.assertEqual(
            client.received(),
            b"530 5.7.0 Authentication required\r\n"
            b"503 5.5.1 No mail transaction has begun\r\n",
        )
