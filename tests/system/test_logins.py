"""
Logins to the running suite, as clients and operators see them.
"""

from __future__ import annotations

import base64
import imaplib
import poplib
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from OpenSSL import SSL

from tests.support.scram_client import ScramClient
from tests.support.suite import SuiteTestCase

#: Made by Debian's ``doveadm pw`` of "hungry pass".
SHA512_CRYPT = (
    "{SHA512-CRYPT}$6$R//RqKoA4ESUaMr.$EeKcEruHfZ1szwauw4k.tlJEUZe3UDQEjgB//YD"
    "3NoeqX4TgYos/yEC/7dpkG0hiODn2dqCnW5cZ4JqyhuWNo/"
)


class LoginTests(SuiteTestCase):
    """
    Logins by IMAP, POP3 and submission.
    """

    def trusting(self) -> ssl.SSLContext:
        """
        TLS with the suite's own authority.
        """
        return ssl.create_default_context(cafile=self.suite.facts["ca_file"])

    def imap(self) -> imaplib.IMAP4:
        """
        A connection by TLS.
        """
        client = imaplib.IMAP4_SSL(
            "localhost", self.suite.port("imaps"), ssl_context=self.trusting()
        )
        self.addCleanup(client.shutdown)
        return client

    def imap_login(self, user: str, password: str) -> imaplib.IMAP4:
        """
        A session by LOGIN.
        """
        client = self.imap()
        client.login(user, password)
        return client

    def pop3_login(self, user: str, password: str) -> poplib.POP3:
        """
        A session by USER and PASS.
        """
        client = poplib.POP3_SSL(
            "localhost", self.suite.port("pop3s"), context=self.trusting()
        )
        self.addCleanup(client.close)
        client.user(user)
        client.pass_(password)
        return client

    def smtp_login(self, user: str, password: str) -> smtplib.SMTP:
        """
        A session by AUTH PLAIN.
        """
        client = smtplib.SMTP_SSL(
            "localhost",
            self.suite.port("submissions"),
            context=self.trusting(),
        )
        self.addCleanup(client.close)
        client.ehlo()
        client.user, client.password = user, password
        client.auth("PLAIN", client.auth_plain)
        return client

    def refusal(
        self, login: Callable[[str, str], object], user: str, password: str
    ) -> str:
        """
        What a refused login is told; it comes after two seconds.
        """
        began = time.monotonic()
        try:
            login(user, password)
        except (
            imaplib.IMAP4.error,
            poplib.error_proto,
            smtplib.SMTPAuthenticationError,
        ) as error:
            waited = time.monotonic() - began
            self.assertGreater(waited, 1.99)
            return repr(error)
        self.fail("the login succeeded")
        return ""

    def test_refusals_are_alike(self) -> None:
        """
        Wrong password, unknown user and suspended account are told alike.
        """
        self.suite.command("user", "add", "carol", stdin="hungry\n")
        self.suite.command("user", "suspend", "carol")
        for login in (self.imap_login, self.pop3_login, self.smtp_login):
            told = {
                self.refusal(login, "bob", "wrong"),
                self.refusal(login, "nobody", "wrong"),
                self.refusal(login, "bob@elsewhere.example", "wrong"),
                self.refusal(login, "carol", "hungry"),
            }
            self.assertEqual(len(told), 1, told)

    def test_suspending_ends_sessions(self) -> None:
        """
        Open sessions of each protocol end with the suspension, and logins
        succeed again when it ends.
        """
        password = self.suite.password("bob")
        imap = self.imap_login("bob", password)
        imap.send(b"a IDLE\r\n")
        self.assertEqual(imap.readline(), b"+ idling\r\n")
        pop3 = self.pop3_login("bob", password)
        smtp = self.smtp_login("bob", password)

        self.suite.command("user", "suspend", "bob")

        self.assertTrue(imap.readline().startswith(b"* BYE "))
        self.assertEqual(imap.readline(), b"")
        self.assertRaises(poplib.error_proto, pop3.stat)
        self.assertEqual(smtp.noop()[0], 421)
        self.suite.command("user", "resume", "bob")
        self.imap_login("bob", password)

    def test_new_password(self) -> None:
        """
        A new password ends sessions, and is the only one from then on.
        """
        old = self.suite.password("bob")
        imap = self.imap_login("bob", old)

        self.suite.command("user", "passwd", "bob", stdin="thirsty\n")

        self.assertTrue(imap.readline().startswith(b"* BYE "))
        self.imap_login("bob", "thirsty")
        self.refusal(self.imap_login, "bob", old)

    def test_app_password(self) -> None:
        """
        An app password logs in everywhere, until it is removed.
        """
        phone = self.suite.command("app-password", "add", "bob", "phone")
        phone = phone.strip()
        self.imap_login("bob", phone)
        self.pop3_login("bob", phone).quit()
        self.smtp_login("bob", phone)
        self.suite.command("app-password", "remove", "bob", "phone")
        self.refusal(self.smtp_login, "bob", phone)

    def test_import(self) -> None:
        """
        10,000 users of Dovecot are imported in seconds, log in with their
        passwords, and SCRAM is announced while all have their keys.
        """
        self.assertIn("AUTH=SCRAM-SHA-256", self.imap().capabilities)
        users = Path(self.mktemp()).absolute()
        users.write_text(
            "".join(
                f"user{number}:{SHA512_CRYPT}::::::\n"
                for number in range(10_000)
            )
        )
        began = time.monotonic()
        self.suite.command("user", "import", str(users))
        self.assertLess(time.monotonic() - began, 30)

        self.assertNotIn("AUTH=SCRAM-SHA-256", self.imap().capabilities)
        self.imap_login("user9999", "hungry pass")
        self.imap_login("user9999", "hungry pass")

    def test_imap_mechanisms(self) -> None:
        """
        PLAIN, LOGIN and SCRAM-SHA-256 log in by AUTHENTICATE.
        """
        password = self.suite.password("bob")
        plain = f"\0bob\0{password}".encode()
        self.assertEqual(
            self.imap().authenticate("PLAIN", lambda _: plain)[0], "OK"
        )
        answers = iter([b"bob", password.encode()])
        self.assertEqual(
            self.imap().authenticate("LOGIN", lambda _: next(answers))[0], "OK"
        )
        client = ScramClient("bob@localhost", password)
        steps = iter([lambda _: client.first, client.final, lambda _: b""])
        self.assertEqual(
            self.imap().authenticate(
                "SCRAM-SHA-256", lambda challenge: next(steps)(challenge)
            )[0],
            "OK",
        )

    def test_bound_to_the_channel(self) -> None:
        """
        SCRAM-SHA-256-PLUS is bound by tls-exporter; another channel's octets
        are refused.
        """
        self.assertEqual(self.scram_plus(lambda octets: octets), b"OK")
        self.assertEqual(self.scram_plus(lambda octets: b"x" * 32), b"NO")

    def scram_plus(self, seen: Callable[[bytes], bytes]) -> bytes:
        """
        What an exchange ends with, by a client that sees the channel so.
        """
        tcp = socket.create_connection(
            ("localhost", self.suite.port("imaps")), 30
        )
        self.addCleanup(tcp.close)
        tcp.settimeout(None)
        tls = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), tcp)
        tls.set_connect_state()
        tls.do_handshake()
        self.assertIn(b"AUTH=SCRAM-SHA-256-PLUS", tls.recv(4096))
        octets = tls.export_keying_material(
            b"EXPORTER-Channel-Binding", 32, b""
        )
        client = ScramClient(
            "bob",
            self.suite.password("bob"),
            gs2_header="p=tls-exporter,,",
            binding=seen(octets),
        )
        answer = b""
        for step in (lambda _: client.first, client.final, lambda _: b""):
            challenge = base64.b64decode(answer[2:])
            line = base64.b64encode(step(challenge))
            start = b"" if answer else b"a AUTHENTICATE SCRAM-SHA-256-PLUS "
            tls.send(start + line + b"\r\n")
            answer = tls.recv(4096)
            if not answer.startswith(b"+"):
                break
        return bytes(answer.split()[1])
