"""
The operator's view of mail that goes out, and programs that hand it in.
"""

from __future__ import annotations

import os
import pwd
import smtplib
import subprocess
import sys

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mailsuite.app.asking import short_path
from tests.support.imapaccess import trusting
from tests.support.neighbours import (
    message,
    neighbours,
    peer_address,
    until,
)
from tests.support.scripted_peer import ScriptedPeer, Session
from tests.support.suite import environment


class OperatorTestCase(SynchronousTestCase):
    """
    A suite that sends.
    """

    def setUp(self) -> None:
        """
        It runs.
        """
        self.site = neighbours().a

    def program(self, *words: str, stdin: str) -> str:
        """
        What ``mailsuite sendmail`` says to a program; it must succeed.
        """
        done = subprocess.run(
            [sys.executable, "-m", "mailsuite.app"]
            + ["--config", str(self.site.file), "sendmail", *words],
            input=stdin,
            capture_output=True,
            text=True,
            cwd="/",
            env=environment(),
            timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


class SendmailTests(OperatorTestCase):
    """
    What programs know as ``/usr/sbin/sendmail``.
    """

    def test_recipients_of_the_header(self) -> None:
        """
        ``-t -i``: To and Bcc get it, Bcc is not told, and a line of one dot
        is text.
        """
        self.program(
            *("-t", "-i", "-f", "alice@a.test"),
            stdin="From: alice@a.test\nTo: bob@b.test\nBcc: alice@b.test\n"
            "Subject: From a program\n\nabove\n.\nbelow\n",
        )

        site = neighbours().b
        read = site.wait_for("bob", "From a program")
        self.assertIn(b"above\r\n.\r\nbelow\r\n", read)
        hidden = site.wait_for("alice", "From a program")
        self.assertNotIn(b"Bcc", read + hidden)

    def test_speaks_smtp(self) -> None:
        """
        ``-bs``: SMTP over standard input and output.
        """
        said = self.program(
            "-bs",
            stdin="EHLO localhost\r\nMAIL FROM:<alice@a.test>\r\n"
            "RCPT TO:<bob@b.test>\r\nDATA\r\nFrom: alice@a.test\r\n"
            "Subject: Spoken\r\n\r\nHello.\r\n.\r\nQUIT\r\n",
        )

        self.assertIn("250 2.0.0", said)
        self.assertIn("\n221 ", said)
        neighbours().b.wait_for("bob", "Subject: Spoken")

    def test_other_user(self) -> None:
        """
        A program of any user may send, and Received says whose it was.
        """
        if os.geteuid() != 0:
            raise SkipTest("only root can be somebody else")
        number = pwd.getpwnam("nobody").pw_uid
        client = """
import smtplib, socket, sys
class Local(smtplib.SMTP):
    def _get_socket(self, host, port, timeout):
        made = socket.socket(socket.AF_UNIX)
        made.connect(host)
        return made
with Local(timeout=30) as client:
    client.connect(sys.argv[1], 0)
    client.sendmail("alice@a.test", ["bob@b.test"], sys.stdin.read())
"""
        # The system's Python: nobody may read that of these tests.
        subprocess.run(
            [
                "/usr/bin/python3",
                *("-c", client),
                short_path(self.site.suite.state / "submit.socket"),
            ],
            input="From: alice@a.test\nSubject: Of nobody\n\nHello.\n",
            text=True,
            check=True,
            cwd="/",
            user="nobody",
            timeout=60,
        )

        read = neighbours().b.wait_for("bob", "Of nobody")
        self.assertIn(f"from uid{number}".encode(), read)

    def test_nobody_runs(self) -> None:
        """
        Without a suite the status is that of "try again".
        """
        done = subprocess.run(
            [sys.executable, "-m", "mailsuite.app"]
            + ["--state", self.mktemp(), "sendmail", "bob@b.test"],
            input="Subject: x\n\n",
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
        )

        self.assertEqual(done.returncode, os.EX_TEMPFAIL, done.stderr)


class QueueTests(OperatorTestCase):
    """
    ``mailsuite queue`` while the suite runs.
    """

    def test_hold_and_release(self) -> None:
        """
        What is held is not tried; released, it goes at once.
        """
        ready = False

        def script(command: str, session: Session) -> str | None:
            if command.startswith("RCPT") and not ready:
                return "451 4.3.0 Not yet"
            return None

        peer = ScriptedPeer(peer_address(71), neighbours().port, script)
        self.addCleanup(peer.stop)
        queue_id = self.site.send("carol@p71.test", subject="Held")
        until(lambda: peer.commands("RCPT"), self.site.log)
        self.site.command("queue", "hold", queue_id)
        ready = True
        listed = self.site.command("queue", "list", "--held")
        self.assertIn(queue_id, listed)
        self.assertIn("alice@a.test", listed)
        self.assertEqual(peer.taken, [])

        self.site.command("queue", "release", queue_id)

        until(lambda: peer.taken, self.site.log)
        until(lambda: not self.site.waiting(queue_id), self.site.log)

    def test_retry_show_and_drop(self) -> None:
        """
        A message is shown with its reason, tried when it is told to, and
        dropped without a bounce; its story remains.
        """
        queue_id = self.site.send("carol@p72.test", subject="To be dropped")
        until(
            lambda: "refused" in self.site.command("queue", "show", queue_id),
            self.site.log,
        )
        shown = self.site.command("queue", "show", queue_id)
        self.assertIn("Subject: To be dropped", shown)
        listed = self.site.json("queue", "list", "--domain", "p72.test")
        self.assertEqual([one["queue_id"] for one in listed], [queue_id])
        self.assertEqual(
            self.site.json("queue", "list", "--error", "greylist"), []
        )

        dropped = self.site.command("queue", "drop", "--to", "carol@p72.test")

        self.assertIn("1 message", dropped)
        self.assertEqual(self.site.waiting(queue_id), [])
        told = self.site.trace(queue_id)
        self.assertIn("Accepted from <alice@a.test>", told)
        self.assertIn("refused", told)
        self.assertIn("Dropped", told)
        self.assertEqual(self.site.arrived("alice", "To be dropped"), [])

    def test_trace_of_an_address(self) -> None:
        """
        All messages of an address, each from acceptance to its end.
        """
        peer = ScriptedPeer(peer_address(73), neighbours().port)
        self.addCleanup(peer.stop)
        sent = [
            self.site.send("carol@p73.test", subject=f"Traced {number}")
            for number in range(2)
        ]
        until(lambda: len(peer.taken) == 2, self.site.log)
        for queue_id in sent:
            until(
                lambda one=queue_id: not self.site.waiting(one), self.site.log
            )

        told = self.site.trace("carol@p73.test")

        for queue_id in sent:
            self.assertIn(queue_id, told)
        self.assertEqual(told.count("Sent to carol@p73.test"), 2, told)

    def test_suspended_account(self) -> None:
        """
        What a suspended account sent is held, and goes when it is no more.
        """
        ready = False

        def script(command: str, session: Session) -> str | None:
            if command.startswith("RCPT") and not ready:
                return "451 4.3.0 Not yet"
            return None

        peer = ScriptedPeer(peer_address(74), neighbours().port, script)
        self.addCleanup(peer.stop)
        self.submit("carol@p74.test")
        until(lambda: peer.commands("RCPT"), self.site.log)
        self.site.command("user", "suspend", "bob@a.test")
        ready = True
        until(lambda: self.site.json("queue", "list", "--held"), self.site.log)
        self.assertEqual(peer.taken, [])

        self.site.command("user", "resume", "bob@a.test")

        until(lambda: peer.taken, self.site.log)

    def submit(self, to: str) -> None:
        """
        Have bob send, with his login.
        """
        port = self.site.suite.port("submission")
        with smtplib.SMTP("localhost", port, "client.test", 30) as client:
            client.starttls(context=trusting(self.site.suite))
            client.login("bob@a.test", self.site.password)
            client.sendmail(
                "bob@a.test", [to], message("bob@a.test", to, "Suspended")
            )


class DNSTests(OperatorTestCase):
    """
    ``mailsuite dns`` against a real zone.
    """

    def test_printed_and_checked(self) -> None:
        """
        A check of a domain that published nothing fails and says what is
        missing; what is printed can be published as it is, and then the check
        passes.
        """
        site = neighbours().site("e.test", "127.0.0.8")
        site.command("dkim", "new", "e.test")
        options = ("--config", str(site.file), "e.test")
        before = self.checked(*options, "--address", site.address)
        self.assertEqual(before.returncode, 1, before.stdout)
        self.assertIn("missing", before.stdout.lower())

        printed = site.command("dns", "e.test", "--address", site.address)
        lines = [line for line in printed.splitlines() if " IN " in line]
        neighbours().publish(
            *(line for line in lines if not line.startswith(";"))
        )

        after = self.checked(*options, "--address", site.address)
        self.assertEqual(after.returncode, 0, after.stdout)
        self.assertNotIn("missing", after.stdout.lower())

    def checked(self, *options: str) -> subprocess.CompletedProcess[str]:
        """
        A check's run, however it ended.
        """
        return subprocess.run(
            [sys.executable, "-m", "mailsuite.app", "dns", "--check", *options],
            capture_output=True,
            text=True,
            env=environment(),
            timeout=120,
        )
