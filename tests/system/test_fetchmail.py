"""
fetchmail over IMAP against the suite.
"""

from __future__ import annotations

import subprocess

from tests.support.imapaccess import append, logged_in, message, subjects
from tests.support.suite import SuiteTestCase, need


class FetchmailTests(SuiteTestCase):
    """
    The Debian package ``fetchmail``.
    """

    programs = ("fetchmail",)

    def setUp(self) -> None:
        """
        With alice logged in beside it, and two messages, one of them seen.
        """
        super().setUp()
        self.client = logged_in(self.suite)
        self.addCleanup(self.client.logout)
        append(self.client, message("one"))
        append(self.client, message("two"), flags="(\\Seen)")

    def fetch(self, *options: str) -> bytes:
        """
        What it hands to its delivery agent, all messages in one file.
        """
        taken = self.folder / "taken"
        taken.write_bytes(b"")
        configuration = self.folder / "fetchmailrc"
        configuration.touch(0o600)
        configuration.write_text(
            f"poll 127.0.0.1 protocol imap port {self.suite.port('imap')}\n"
            f' user alice password "{self.suite.password("alice")}"\n'
            f" sslproto ''\n mda \"sh -c 'cat >> {taken}'\"\n"
        )
        done = subprocess.run(
            [
                need("fetchmail"),
                "--fetchmailrc",
                str(configuration),
                "--nodetach",
                "--pidfile",
                str(self.folder / "fetchmail.pid"),
                "--idfile",
                str(self.folder / "fetchids"),
                *options,
            ],
            capture_output=True,
            timeout=100,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return taken.read_bytes()

    def test_unseen_are_taken_and_go(self) -> None:
        """
        As it is by default: the new message is fetched and expunged.
        """
        taken = self.fetch()

        self.assertIn(b"Subject: one", taken)
        self.assertNotIn(b"Subject: two", taken)
        self.assertEqual(subjects(self.client), {"two": "\\Seen"})

    def test_all_are_taken_and_stay(self) -> None:
        """
        ``--all --keep`` fetches both and marks them seen.
        """
        taken = self.fetch("--all", "--keep")

        self.assertIn(b"Subject: one", taken)
        self.assertIn(b"Subject: two", taken)
        self.assertEqual(
            subjects(self.client), {"one": "\\Seen", "two": "\\Seen"}
        )
