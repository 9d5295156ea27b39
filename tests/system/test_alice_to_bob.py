"""
Alice's message reaches Bob's server: two suites, and the DNS between them.
"""

from __future__ import annotations

import poplib
import smtplib
import subprocess
from email import message_from_bytes

from twisted.trial.unittest import SynchronousTestCase

from tests.support.imapaccess import trusting
from tests.support.neighbours import Site, message, neighbours, until
from tests.support.suite import need


class AliceToBobTests(SynchronousTestCase):
    """
    ``alice@a.test`` writes to ``bob@b.test``, and he answers.
    """

    def setUp(self) -> None:
        """
        Two suites run.
        """
        self.a, self.b = neighbours().a, neighbours().b

    def test_from_a_shell_command_to_imap_and_pop3(self) -> None:
        """
        ``mailsuite send`` here; the text in Bob's INBOX there, however he
        reads it.
        """
        self.a.send_by_command(
            "bob@b.test", subject="By command", text="Door is open."
        )

        read = message_from_bytes(self.b.wait_for("bob", "By command"))
        self.assertEqual(read["From"], "alice@a.test")
        self.assertEqual(read.get_payload().strip(), "Door is open.")
        by_pop3 = message_from_bytes(self.by_pop3("By command"))
        self.assertEqual(by_pop3.items(), read.items())
        self.assertEqual(by_pop3.get_payload(), read.get_payload())

    def by_pop3(self, needle: str) -> bytes:
        """
        The one message of Bob's maildrop that contains a text.
        """
        maildrop = poplib.POP3("127.0.0.1", self.b.suite.port("pop3"), 30)
        try:
            maildrop.user("bob@b.test")
            maildrop.pass_(self.b.password)
            count, _ = maildrop.stat()
            contents = [
                b"\r\n".join([*maildrop.retr(number)[1], b""])
                for number in range(1, count + 1)
            ]
        finally:
            maildrop.quit()
        [found] = [one for one in contents if needle.encode() in one]
        return found

    def test_the_connection_is_encrypted(self) -> None:
        """
        Between the hosts goes TLS, since Bob's host offers it.
        """
        self.a.send("bob@b.test", subject="Encrypted")

        read = message_from_bytes(self.b.wait_for("bob", "Encrypted"))
        crossing = read.get_all("Received", [])[0]
        self.assertIn("from mx.a.test ([127.0.0.2])", crossing)
        self.assertIn("with ESMTPS (TLSv1.3", crossing)

    def test_swaks_submits(self) -> None:
        """
        swaks logs in as alice and sends to Bob.
        """
        swaks = need("swaks")

        subprocess.run(
            [
                swaks,
                *("--server", "127.0.0.1"),
                *("--port", str(self.a.suite.port("submission"))),
                *("--auth", "PLAIN", "--auth-user", "alice@a.test"),
                *("--auth-password", self.a.password),
                *("--from", "alice@a.test", "--to", "bob@b.test"),
                *("--header", "Subject: Swaks to Bob"),
            ],
            check=True,
            capture_output=True,
            timeout=60,
        )

        self.b.wait_for("bob", "Swaks to Bob")

    def test_there_and_back_by_submission(self) -> None:
        """
        smtplib logs in on both sides; the answer comes back.
        """
        self.submit(self.a, "alice@a.test", "bob@b.test", "Question")
        self.b.wait_for("bob", "Subject: Question")

        self.submit(self.b, "bob@b.test", "alice@a.test", "Answer")
        self.a.wait_for("alice", "Subject: Answer")

    def submit(self, site: Site, sender: str, to: str, subject: str) -> None:
        """
        Send by submission with TLS and a login.
        """
        port = site.suite.port("submission")
        with smtplib.SMTP("localhost", port, "client.test", 30) as client:
            client.starttls(context=trusting(site.suite))
            client.login(sender, site.password)
            client.sendmail(sender, [to], message(sender, to, subject))

    def test_one_message_for_both_sides(self) -> None:
        """
        One recipient here, two there: one copy for each, one transaction.
        """
        queue_id = self.a.send(
            "bob@a.test", "bob@b.test", "alice@b.test", subject="For all"
        )

        self.a.wait_for("bob", "Subject: For all")
        self.b.wait_for("bob", "Subject: For all")
        self.b.wait_for("alice", "Subject: For all")
        until(lambda: not self.a.waiting(queue_id), self.a.log)
        told = self.a.trace(queue_id)
        self.assertEqual(told.count("taken by mx.b.test [127.0.0.3]"), 1, told)
        self.assertIn("Nothing more is to be done", told)

    def test_large_message(self) -> None:
        """
        20 MB arrive octet for octet.
        """
        lines = "".join(f"{number:060}\n" for number in range(340_000))

        self.a.send("bob@b.test", subject="Large", text=lines)

        read = message_from_bytes(self.b.wait_for("bob", "Subject: Large"))
        text = str(read.get_payload()).replace("\r\n", "\n")
        self.assertEqual(text.rstrip("\n"), lines.rstrip("\n"))

    def test_eight_bits_and_an_address_in_utf_8(self) -> None:
        """
        BODY=8BITMIME and SMTPUTF8 go from suite to suite.
        """
        self.b.command("user", "add", "žofie@b.test", stdin=self.b.password)

        self.a.send_by_command(
            "žofie@b.test", subject="Žofie", text="Dobrý den."
        )

        folder = self.b.suite.state / "mail/b.test/žofie/Maildir/new"
        [path] = until(lambda: list(folder.glob("*")), self.a.log)
        self.assertIn(b"Dobr\xc3\xbd den.", path.read_bytes())
