"""
swaks, curl and smtplib hand mail in: to a mail server, by submission, by LMTP.
"""

from __future__ import annotations

import smtplib
import subprocess
from email import message_from_bytes
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.support.adversary import HardenedTestCase
from tests.support.imapaccess import trusting
from tests.support.suite import need

_CONTENT = b"From: Alice <alice@localhost>\r\nSubject: %b\r\n\r\n.\r\n..x\r\n"


class SendingTestCase(HardenedTestCase):
    """
    What came is looked at where it lies.
    """

    def setUp(self) -> None:
        """
        With the messages known that are there already.
        """
        super().setUp()
        self.before = set(self.files())

    def files(self, user: str = "bob") -> list[Path]:
        """
        A user's messages.
        """
        maildir = self.suite.state / f"mail/localhost/{user}/Maildir"
        return [*maildir.glob("new/*"), *maildir.glob("cur/*")]

    def came(self, user: str = "bob") -> bytes:
        """
        The one message that came.
        """
        [path] = set(self.files(user)) - self.before
        return path.read_bytes()

    def ran(self, program: str, *options: str, stdin: bytes = b"") -> bytes:
        """
        What a program says that succeeds.
        """
        done = self.tried(program, *options, stdin=stdin)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said.decode("utf-8", "replace"))
        return said

    def tried(
        self, program: str, *options: str, stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        """
        A program's run, however it ended.
        """
        return subprocess.run(
            [need(program), *options],
            input=stdin,
            capture_output=True,
            timeout=100,
        )


class SwaksTests(SendingTestCase):
    """
    The Debian package ``swaks``.
    """

    def swaks(self, protocol: str, *options: str) -> bytes:
        """
        What it says when all went well.
        """
        if any(option.startswith("--tls") for option in options):
            done = self.tried("swaks", "--support")
            if b"TLS supported" not in done.stdout:
                raise SkipTest("swaks has no TLS; it wants libnet-ssleay-perl")
        return self.ran(
            "swaks",
            *("--server", "127.0.0.1"),
            *("--port", str(self.suite.port(protocol))),
            *("--to", "bob@localhost"),
            *("--from", "alice@localhost"),
            *("--header", "Subject: by swaks"),
            *options,
        )

    def login(self, mechanism: str) -> tuple[str, ...]:
        """
        The options for alice's login.
        """
        password = self.suite.password("alice")
        return (
            *("--auth", mechanism),
            *("--auth-user", "alice@localhost"),
            *("--auth-password", password),
        )

    def test_to_a_mail_server(self) -> None:
        """
        In clear: the message has its trace, in its order.
        """
        self.swaks("smtp")

        message = message_from_bytes(self.came())
        self.assertEqual(message.keys()[:2], ["Return-Path", "Received"])
        self.assertEqual(message["Return-Path"], "<alice@localhost>")
        self.assertEqual(message["Subject"], "by swaks")

    def test_starttls_to_a_mail_server(self) -> None:
        """
        Received tells of TLS.
        """
        self.swaks("smtp", "--tls")

        self.assertIn(b"with ESMTPS", self.came())

    def test_submission_by_starttls(self) -> None:
        """
        AUTH PLAIN behind STARTTLS.
        """
        self.swaks("submission", "--tls", *self.login("PLAIN"))

        self.assertIn(b"with ESMTPSA", self.came())

    def test_submission_by_tls(self) -> None:
        """
        AUTH LOGIN on the port that is TLS throughout.
        """
        options = ("--tls-on-connect", *self.login("LOGIN"))
        self.swaks("submissions", *options)

        self.assertIn(b"with ESMTPSA", self.came())

    def test_lmtp(self) -> None:
        """
        A reply for each recipient.
        """
        to = ("--to", "bob@localhost,nobody@localhost,alice@localhost")
        said = self.swaks("lmtp", "--protocol", "LMTP", *to)

        self.assertEqual(said.count(b"<-  250 2.0.0 "), 2)
        self.assertIn(b"with LMTP", self.came())


class CurlTests(SendingTestCase):
    """
    The Debian package ``curl``.
    """

    def test_submission(self) -> None:
        """
        smtp:// and smtps://, verified against the suite's own authority.
        """
        for scheme, protocol in (
            ("smtp", "submission"),
            ("smtps", "submissions"),
        ):
            self.before = set(self.files())
            self.ran(
                "curl",
                "--silent",
                "--show-error",
                "--ssl-reqd",
                *("--cacert", self.suite.facts["ca_file"]),
                *("--user", f"alice:{self.suite.password('alice')}"),
                *("--mail-from", "alice@localhost"),
                *("--mail-rcpt", "bob@localhost"),
                *("--upload-file", "-"),
                f"{scheme}://localhost:{self.suite.port(protocol)}/client.test",
                stdin=_CONTENT % b"by curl",
            )

            message = message_from_bytes(self.came())
            self.assertEqual(message["Subject"], "by curl")
            self.assertTrue(message["Date"])
            self.assertTrue(message["Message-ID"])
            self.assertTrue(self.came().endswith(b"\r\n\r\n.\r\n..x\r\n"))

    def test_a_wrong_password(self) -> None:
        """
        Is "login denied", which is curl's 67.
        """
        done = self.tried(
            "curl",
            "--silent",
            *("--user", "alice:wrong"),
            *("--mail-from", "alice@localhost"),
            *("--mail-rcpt", "bob@localhost"),
            *("--upload-file", "-"),
            f"smtp://127.0.0.1:{self.suite.port('submission')}",
            stdin=_CONTENT % b"never",
        )

        self.assertEqual(done.returncode, 67)


class SmtplibTests(SendingTestCase):
    """
    Python's own client, and who may send what.
    """

    def smtp(self) -> smtplib.SMTP:
        """
        A connection that is greeted, as other hosts make it.
        """
        client = smtplib.SMTP("127.0.0.1", self.suite.port("smtp"), "x.test")
        self.addCleanup(client.close)
        client.ehlo()
        return client

    def submission(self) -> smtplib.SMTP:
        """
        Alice's connection.
        """
        client = smtplib.SMTP("localhost", self.suite.port("submission"), "x")
        self.addCleanup(client.close)
        client.starttls(context=trusting(self.suite))
        client.login("alice", self.suite.password("alice"))
        return client

    def test_lmtp(self) -> None:
        """
        Each recipient has its own reply.
        """
        client = smtplib.LMTP("127.0.0.1", self.suite.port("lmtp"), "x.test")
        self.addCleanup(client.close)

        refused = client.sendmail(
            "x@y.test",
            ["bob@localhost", "nobody@localhost"],
            _CONTENT % b"by LMTP",
        )

        self.assertEqual(list(refused), ["nobody@localhost"])
        self.assertIn(b"Subject: by LMTP", self.came())

    def test_nothing_is_relayed(self) -> None:
        """
        Whatever the address of another domain looks like.
        """
        client = self.smtp()
        client.mail("x@y.test")

        for address in (
            "a@example.org",
            "a%example.org@localhost",
            "example.org!a@localhost",
            "@localhost:a@example.org",
            "@localhost,@example.org:a@example.net",
            '"a@example.org"@localhost',
            '"a%example.org"',
            "a@[127.0.0.2]",
            "a@[192.0.2.1]",
            "a@[IPv6:2001:db8::1]",
            "a@localhost.example.org",
            "a@localhost@example.org",
            "a@example.org@localhost",
            "a%example.org",
            "example.org!a",
            "a@",
        ):
            code, text = client.docmd(f"RCPT TO:<{address}>")
            self.assertGreaterEqual(code, 500, (address, text))
        self.assertEqual(client.docmd("DATA")[0], 503)

    def test_our_own_domain_in_every_form(self) -> None:
        """
        A source route is passed over, case is not looked at, detail is kept
        off; postmaster needs no domain.
        """
        client = self.smtp()
        client.mail("x@y.test")

        for address in (
            "bob@localhost",
            "BOB@LOCALHOST",
            "@a.test,@b.test:bob@localhost",
            '"bob"@localhost',
            "bob+shopping@localhost",
            "postmaster",
            "Postmaster@localhost",
            "abuse@localhost",
        ):
            code, text = client.docmd(f"RCPT TO:<{address}>")
            self.assertEqual(code, 250, (address, text))

    def test_who_may_say_what(self) -> None:
        """
        The reverse-path and From are the login's own, or the path is null.
        """
        client = self.submission()

        for path, sender, code in (
            ("alice@localhost", "alice@localhost", 250),
            ("ALICE@LOCALHOST", "Alice <Alice@Localhost>", 250),
            ("alice+tag@localhost", "alice+tag@localhost", 250),
            ("", "alice@localhost", 250),
            ("bob@localhost", "alice@localhost", 553),
            ("alice@example.org", "alice@localhost", 553),
            ("alice@localhost", "bob@localhost", 553),
            ("alice@localhost", "alice@localhost, bob@localhost", 553),
            ("", "bob@localhost", 553),
        ):
            self.assertEqual(
                self.answer(client, path, sender), code, (path, sender)
            )

    def test_mail_for_others(self) -> None:
        """
        Is taken from who is logged in, and from nobody else.
        """
        client = self.submission()
        client.mail("alice@localhost")
        self.assertEqual(client.rcpt("a@example.invalid")[0], 250)
        client.rset()

        stranger = smtplib.SMTP("127.0.0.1", self.suite.port("smtp"))
        self.addCleanup(stranger.close)
        stranger.ehlo()
        stranger.mail("alice@localhost")
        code, text = stranger.rcpt("a@example.invalid")
        self.assertEqual(code, 550)
        self.assertIn(b"Relaying", text)

    def answer(self, client: smtplib.SMTP, path: str, sender: str) -> int:
        """
        The code that a message of that sender ends with.
        """
        code, _ = client.mail(path)
        if code == 250:
            client.rcpt("bob@localhost")
            content = f"From: {sender}\r\nSubject: x\r\n\r\n"
            code, _ = client.data(content.encode())
        client.rset()
        return code
