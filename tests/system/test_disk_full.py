"""
A file system that is full, or read-only, and then is not.
"""

from __future__ import annotations

import os
import smtplib
import socket
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest, TestCase

from tests.support.adversary import Adversary, eventually, leftovers
from tests.support.imapaccess import logged_in
from tests.support.suite import RunningSuite

_CONFIGURATION = """
host_name = "mail.test"
default_domain = "localhost"
home = "{mail}/{{local}}"
login.plaintext = true
"""

_PROTOCOLS = ("smtp", "lmtp", "imap", "pop3")


def _message(subject: str, octets: int = 200) -> bytes:
    head = f"From: a@b.test\r\nSubject: {subject}\r\n\r\n".encode()
    return head + b"x" * 70 + b"\r\n" + b"y" * octets + b"\r\n"


class _MountedTestCase(TestCase):
    timeout = 180
    size = "12m"

    def setUp(self) -> None:
        """
        Mount a small file system.
        """
        if os.geteuid() != 0:
            raise SkipTest("needs root, to mount a file system")
        self.folder = Path(self.mktemp()).absolute()
        self.mounted = self.folder / "mounted"
        self.mounted.mkdir(parents=True)
        options = f"size={self.size}"
        command = ["mount", "-t", "tmpfs", "-o", options, "none", self.mounted]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SkipTest(f"cannot mount: {done.stderr.strip()}")
        self.addCleanup(
            subprocess.run, ["umount", "--lazy", self.mounted], check=True
        )

    def fill(self, *, leave: int = 0) -> Path:
        """
        Use up the file system.

        :param leave: so many octets.
        :return: the file to remove again.
        """
        path = self.mounted / "ballast"
        found = os.statvfs(self.mounted)
        with path.open("wb") as file:
            os.posix_fallocate(
                file.fileno(),
                0,
                max(found.f_bavail * found.f_frsize - leave, 1),
            )
        return path

    def assertCalm(self, suite: RunningSuite) -> None:
        """
        It says nothing of a bug, and nothing is half-stored.
        """
        said = suite.output()
        self.assertNotIn("Traceback", said, said[-4000:])
        self.assertNotIn("Unhandled", said)
        self.assertTrue(eventually(lambda: not leftovers(suite)))
        self.assertEqual(list(self.mounted.glob("**/tmp/*")), [])


class MailTests(_MountedTestCase):
    """
    The file system that mail is kept on; all else is elsewhere.
    """

    def setUp(self) -> None:
        """
        A suite with two accounts, and one message in alice's.
        """
        super().setUp()
        self.kept: list[str] = []
        self.configuration = self.folder / "mailsuite.toml"
        text = _CONFIGURATION.format(mail=self.mounted)
        for protocol in _PROTOCOLS:
            with socket.socket() as one:
                one.bind(("127.0.0.1", 0))
                port = one.getsockname()[1]
            text += f'[[listen]]\nprotocol = "{protocol}"\nport = {port}\n'
            text += 'tls = "none"\n'
        self.configuration.write_text(text)
        self.suite = self.start()
        users = self.folder / "users"
        users.write_text("alice:{PLAIN}secret\nbob:{PLAIN}secret\n")
        self.suite.command("user", "import", str(users))
        self.assertEqual(self.deliver("first"), 250)

    def start(self) -> RunningSuite:
        """
        Start it; ended with the test.
        """
        suite = RunningSuite(self.folder, "--config", str(self.configuration))
        self.addCleanup(suite.stop)
        return suite

    def deliver(self, subject: str, octets: int = 200, *to: str) -> int:
        """
        Hand in a message by SMTP.

        :return: the code of the reply that decided.
        """
        with smtplib.SMTP("127.0.0.1", self.suite.port("smtp"), "x") as client:
            try:
                client.sendmail(
                    "a@b.test",
                    to or ["alice@localhost"],
                    _message(subject, octets),
                )
            except smtplib.SMTPResponseException as refused:
                return refused.smtp_code
            except smtplib.SMTPRecipientsRefused as refused:
                return max(code for code, _ in refused.recipients.values())
        self.kept.append(subject)
        return 250

    def session(self, user: str = "alice") -> Adversary:
        """
        An IMAP session.
        """
        client = Adversary(self.suite, "imap")
        self.addCleanup(client.close)
        client.line()
        client.send(f"a LOGIN {user} secret\r\n".encode())
        self.assertEqual(client.until(b"a ")[-1][:4], b"a OK")
        return client

    def said(self, client: Adversary, command: bytes) -> bytes:
        """
        What a command ends with.
        """
        client.send(b"t " + command + b"\r\n")
        return client.until(b"t ")[-1][2:]

    def append(self, client: Adversary, subject: str, octets: int) -> bytes:
        """
        What an APPEND ends with.
        """
        content = _message(subject, octets)
        client.send(b"t APPEND INBOX {%d+}\r\n%b\r\n" % (len(content), content))
        answer = client.until(b"t ")[-1][2:]
        if answer.startswith(b"OK"):
            self.kept.append(subject)
        return answer

    def assertAllKept(self) -> None:
        """
        What was answered with success is there once, nothing else.
        """
        client = self.session()
        client.send(
            b"s SELECT INBOX\r\n"
            b"f FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n"
        )
        lines = client.until(b"f OK")
        found = [
            line.removeprefix(b"Subject: ").decode()
            for line in lines
            if line.startswith(b"Subject: ")
        ]
        self.assertEqual(sorted(found), sorted(self.kept))

    def test_full(self) -> None:
        """
        452 and NO [OVERQUOTA]; mail can be read and goes; and when there is
        room again, all goes on.
        """
        client = self.session()
        self.assertEqual(self.said(client, b"SELECT INBOX")[:2], b"OK")
        ballast = self.fill()

        self.assertEqual(self.deliver("small"), 452)
        self.assertEqual(self.deliver("large", 2_000_000), 452)
        self.assertEqual(
            self.deliver("two", 200, "alice@localhost", "bob@localhost"), 452
        )
        for octets in (200, 2_000_000):
            answer = self.append(client, "appended", octets)
            self.assertEqual(answer[:14], b"NO [OVERQUOTA]")
        self.assertEqual(
            self.said(client, b"COPY 1 Archive")[:14], b"NO [OVERQUOTA]"
        )
        self.said(client, b"STORE 1 +FLAGS (\\Flagged)")
        self.said(client, b"CREATE Another")
        self.assertEqual(self.said(client, b"FETCH 1 BODY[]")[:2], b"OK")
        other = self.session()
        self.assertEqual(self.said(other, b"SELECT INBOX")[:2], b"OK")
        self.assertEqual(self.said(other, b"FETCH 1 BODY[]")[:2], b"OK")
        self.assertEqual(leftovers(self.suite), [])
        ballast.unlink()

        self.assertEqual(self.deliver("again"), 250)
        answer = self.append(client, "appended again", 2_000_000)
        self.assertEqual(answer[:2], b"OK")
        self.assertEqual(self.said(client, b"COPY 1 Archive")[:2], b"OK")
        self.assertEqual(
            self.said(client, b"STORE 1 +FLAGS (\\Flagged)")[:2], b"OK"
        )
        self.assertEqual(
            self.deliver("both", 200, "alice@localhost", "bob@localhost"), 250
        )
        self.assertAllKept()
        self.assertCalm(self.suite)

    def test_full_in_the_midst(self) -> None:
        """
        A message that is larger than the room leaves nothing, wherever the
        disk ends; small ones go on until it does.
        """
        client = self.session()

        for leave in range(100_000, 1_500_000, 350_000):
            ballast = self.fill(leave=leave)
            self.assertIn(self.deliver(f"d{leave}", 3_000_000), (452,))
            answer = self.append(client, f"a{leave}", 3_000_000)
            self.assertEqual(answer[:14], b"NO [OVERQUOTA]")
            ballast.unlink()
        ballast = self.fill(leave=300_000)
        codes = [self.deliver(f"n{number}", 9_000) for number in range(60)]
        self.assertEqual(set(codes), {250, 452})
        ballast.unlink()

        self.assertEqual(self.deliver("last"), 250)
        self.assertAllKept()
        self.assertCalm(self.suite)

    def test_full_at_the_start(self) -> None:
        """
        It starts, says 452, and needs no other start.
        """
        self.suite.stop()
        ballast = self.fill()
        self.suite = self.start()

        self.assertEqual(self.deliver("early"), 452)
        self.assertEqual(self.deliver("early", 200, "bob@localhost"), 452)
        ballast.unlink()

        self.assertEqual(self.deliver("late"), 250)
        self.assertEqual(
            self.deliver("both", 200, "alice@localhost", "bob@localhost"), 250
        )
        self.assertAllKept()
        self.assertCalm(self.suite)

    def test_read_only(self) -> None:
        """
        451 and NO [UNAVAILABLE]; and when it can be written again, all goes
        on.
        """
        # Nothing may be open there for it to become read-only.
        self.suite.stop()
        self.suite = self.start()
        self._remount("ro")

        self.assertEqual(self.deliver("early"), 451)
        client = Adversary(self.suite, "imap")
        self.addCleanup(client.close)
        client.line()
        said = self.said(client, b"LOGIN alice secret")
        self.assertEqual(said[:16], b"NO [UNAVAILABLE]")
        self._remount("rw")

        self.assertEqual(self.deliver("late"), 250)
        client = self.session()
        self.assertEqual(self.append(client, "appended", 200)[:2], b"OK")
        self.assertAllKept()
        self.assertCalm(self.suite)

    def _remount(self, how: str) -> None:
        done = subprocess.run(
            ["mount", "-o", f"remount,{how}", self.mounted],
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)


class StateTests(_MountedTestCase):
    """
    The file system of all the state, with the queue.
    """

    size = "300m"

    def test_nearly_full(self) -> None:
        """
        New mail is refused while there is still room for what is under way.
        """
        suite = RunningSuite(self.mounted)
        self.addCleanup(suite.stop)
        ballast = self.fill(leave=50 << 20)

        with smtplib.SMTP("127.0.0.1", suite.port("smtp"), "x") as client:
            client.ehlo()
            self.assertEqual(client.mail("a@b.test")[0], 452)
            ballast.unlink()
            self.assertTrue(
                eventually(lambda: client.mail("a@b.test")[0] == 250)
            )
        self.assertCalm(suite)

    def test_quite_full(self) -> None:
        """
        Who has an account can still log in, read, and be suspended later.
        """
        suite = RunningSuite(self.mounted)
        self.addCleanup(suite.stop)
        logged_in(suite).logout()
        ballast = self.fill()

        with smtplib.SMTP("127.0.0.1", suite.port("smtp"), "x") as client:
            client.ehlo()
            self.assertEqual(client.mail("a@b.test")[0], 452)
        reader = Adversary(suite, "imap")
        self.addCleanup(reader.close)
        reader.line()
        password = suite.password("alice").encode()
        reader.send(b"a LOGIN alice %b\r\n" % password)
        self.assertEqual(reader.until(b"a ")[-1][:4], b"a OK")
        ballast.unlink()
        reader.send(b"b SELECT INBOX\r\n")
        self.assertEqual(reader.until(b"b ")[-1][:4], b"b OK")
        suite.command("user", "suspend", "alice")
        self.assertIn(b"* BYE ", reader.rest())
        self.assertCalm(suite)
