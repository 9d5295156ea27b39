"""
curl's imap:// against the suite.
"""

from __future__ import annotations

import subprocess

from tests.support.imapaccess import append, logged_in, message, subjects
from tests.support.suite import SuiteTestCase, need


class CurlTests(SuiteTestCase):
    """
    The Debian package ``curl``.
    """

    programs = ("curl",)

    def setUp(self) -> None:
        """
        With alice logged in beside it.
        """
        super().setUp()
        self.client = logged_in(self.suite)
        self.addCleanup(self.client.logout)

    def curl(self, *options: str, path: str = "", stdin: bytes = b"") -> bytes:
        """
        What it prints; it must succeed.
        """
        done = subprocess.run(
            [
                need("curl"),
                "--silent",
                "--show-error",
                "--max-time",
                "60",
                "--user",
                f"alice:{self.suite.password('alice')}",
                *options,
                f"imap://127.0.0.1:{self.suite.port('imap')}/{path}",
            ],
            input=stdin,
            capture_output=True,
            timeout=100,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_list(self) -> None:
        """
        Without a path it lists the mailboxes.
        """
        listed = self.curl()

        self.assertIn(b"INBOX", listed)
        self.assertIn(b"\\Drafts", listed)

    def test_fetch(self) -> None:
        """
        A message by UID, its text by section, over STARTTLS too.
        """
        content = message("one")
        uid = append(self.client, content)

        self.assertEqual(self.curl(path=f"INBOX;UID={uid}"), content)
        self.assertEqual(
            self.curl(path=f"INBOX;UID={uid};SECTION=1"), b"Hello.\r\n"
        )
        self.assertEqual(
            self.curl(
                "--ssl-reqd",
                "--insecure",
                path=f"INBOX;UID={uid}",
            ),
            content,
        )

    def test_upload(self) -> None:
        """
        APPEND from a pipe, whose size curl announces.
        """
        content = message("sent up")
        file = self.folder / "message"
        file.write_bytes(content)

        self.curl("--upload-file", str(file), path="Sent")

        self.assertEqual(subjects(self.client, "Sent"), {"sent up": "\\Seen"})

    def test_search(self) -> None:
        """
        The part of a URL behind the question mark.
        """
        append(self.client, message("one"))
        append(self.client, message("two"))

        self.assertEqual(
            self.curl(path="INBOX?SUBJECT%20two").strip(), b"* SEARCH 2"
        )

    def test_any_command(self) -> None:
        """
        ``--request`` sends what it is given.
        """
        append(self.client, message("one"))

        found = self.curl("--request", "STATUS INBOX (MESSAGES)")

        self.assertIn(b"(MESSAGES 1)", found)
