"""
poplib, curl's pop3:// and fetchmail against the suite.
"""

from __future__ import annotations

import poplib
import subprocess

from tests.support.imapaccess import append, logged_in, message, trusting
from tests.support.suite import SuiteTestCase, need


class POP3ClientsTests(SuiteTestCase):
    """
    Alice has two messages.
    """

    def setUp(self) -> None:
        """
        Put them there.
        """
        super().setUp()
        self.password = self.suite.password("alice")
        self.contents = [message("one", ".\n..\nx\n"), message("two")]
        client = logged_in(self.suite)
        for content in self.contents:
            append(client, content)
        client.logout()

    def left(self) -> int:
        """
        How many messages there are.
        """
        client = poplib.POP3("127.0.0.1", self.suite.port("pop3"), 30)
        client.user("alice")
        client.pass_(self.password)
        count, _ = client.stat()
        client.quit()
        return count

    def test_poplib(self) -> None:
        """
        Over STLS: what is there comes back, goes when it is deleted, and has
        the same unique id the next time.
        """
        client = poplib.POP3("localhost", self.suite.port("pop3"), 30)
        client.stls(trusting(self.suite))
        client.user("alice")
        client.pass_(self.password)

        for number, content in enumerate(self.contents, 1):
            _, lines, _ = client.retr(number)
            self.assertEqual(b"\r\n".join([*lines, b""]), content)
        _, ids, _ = client.uidl()
        client.dele(1)
        client.quit()

        client = poplib.POP3_SSL(
            "localhost",
            self.suite.port("pop3s"),
            timeout=30,
            context=trusting(self.suite),
        )
        client.user("alice@localhost")
        client.pass_(self.password)
        _, again, _ = client.uidl()
        client.quit()
        self.assertEqual(
            [line.split()[1] for line in again], [ids[1].split()[1]]
        )

    def test_curl(self) -> None:
        """
        pop3:// and pop3s://, verified against the suite's own authority.
        """
        for scheme, protocol in (("pop3", "pop3"), ("pop3s", "pop3s")):
            done = subprocess.run(
                [
                    need("curl"),
                    "--silent",
                    "--show-error",
                    "--ssl-reqd",
                    *("--cacert", self.suite.facts["ca_file"]),
                    *("--user", f"alice:{self.password}"),
                    f"{scheme}://localhost:{self.suite.port(protocol)}/1",
                ],
                capture_output=True,
                timeout=60,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout, self.contents[0])

    def test_fetchmail_keeps_then_deletes(self) -> None:
        """
        With --keep --uidl it fetches each once; then it takes all away.
        """
        self.assertEqual(
            self.fetched("--keep", "--uidl").count(b"\nSubject:"), 2
        )
        self.assertEqual(self.fetched("--keep", "--uidl"), b"")
        self.assertEqual(self.left(), 2)

        self.assertEqual(self.fetched("--all").count(b"\nSubject:"), 2)
        self.assertEqual(self.left(), 0)

    def test_fetchmail_takes_a_surrogate(self) -> None:
        """
        What it fetches has header fields in ASCII, though the message came
        with UTF-8 in them; its body is as it was.
        """
        client = logged_in(self.suite)
        content = (
            "From: Hélène <h@example.org>\r\nSubject: Grüße\r\n\r\nKöln\r\n"
        )
        append(client, content.encode())
        client.logout()

        taken = self.fetched("--all")

        self.assertEqual(taken.count(b"\nSubject:"), 3)
        self.assertIn(b"\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\n", taken)
        self.assertIn(
            b"\nFrom: =?utf-8?b?SMOpbMOobmU=?=\n <h@example.org>", taken
        )
        self.assertIn("\nKöln\n".encode(), taken)
        self.assertEqual(self.left(), 0)

    def fetched(self, *options: str) -> bytes:
        """
        What fetchmail hands to its delivery agent.
        """
        taken = self.folder / "taken"
        taken.write_bytes(b"")
        configuration = self.folder / "fetchmailrc"
        configuration.touch(0o600)
        configuration.write_text(
            f"poll localhost protocol pop3 port {self.suite.port('pop3s')}\n"
            f' user alice password "{self.password}"\n'
            f" ssl sslcertck sslcertfile {self.suite.facts['ca_file']}\n"
            f" mda \"sh -c 'cat >> {taken}'\"\n"
        )
        done = subprocess.run(
            [
                need("fetchmail"),
                *("--fetchmailrc", str(configuration)),
                "--nodetach",
                *("--pidfile", str(self.folder / "fetchmail.pid")),
                *("--idfile", str(self.folder / "fetchids")),
                *options,
            ],
            capture_output=True,
            timeout=60,
        )
        # 1 is "there is no new mail".
        self.assertIn(done.returncode, (0, 1), done.stdout + done.stderr)
        return taken.read_bytes()
