"""
offlineimap against the suite: a mailbox and a maildir kept alike.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.imapaccess import (
    append,
    checked,
    logged_in,
    message,
    subjects,
)
from tests.support.suite import SuiteTestCase, need

_CONFIGURATION = """\
[general]
accounts = suite
metadata = {folder}/metadata
maxsyncaccounts = 1
socktimeout = 60

[Account suite]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = {folder}/mail

[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = {port}
remoteuser = alice
remotepass = {password}
ssl = no
starttls = no
auth_mechanisms = PLAIN, LOGIN
"""


class OfflineimapTests(SuiteTestCase):
    """
    The Debian package ``offlineimap3``.
    """

    programs = ("offlineimap",)

    def setUp(self) -> None:
        """
        With a configuration, and alice logged in beside it.
        """
        super().setUp()
        self.client = logged_in(self.suite)
        self.addCleanup(self.client.logout)
        self.configuration = self.folder / "offlineimaprc"
        self.configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder,
                port=self.suite.port("imap"),
                password=self.suite.password("alice"),
            )
        )

    def sync(self) -> None:
        """
        One run; it must succeed.
        """
        done = subprocess.run(
            [need("offlineimap"), "-c", str(self.configuration), "-o", "-u",
             "basic"],
            capture_output=True,
            text=True,
            timeout=150,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def files(self, mailbox: str = "INBOX") -> list[Path]:
        """
        The messages of a mailbox of the local copy.
        """
        folder = self.folder / "mail" / mailbox
        return sorted(
            [*(folder / "cur").iterdir(), *(folder / "new").iterdir()]
        )

    def test_both_ways(self) -> None:
        """
        Down with a flag; up with another, with a new message and a deletion.
        """
        append(self.client, message("one"), flags="(\\Flagged)")
        append(self.client, message("two"))
        self.sync()
        one, two = sorted(
            self.files(), key=lambda f: b"Subject: two" in f.read_bytes()
        )
        self.assertTrue(one.name.endswith(":2,F"))

        two.unlink()
        one.rename(one.parent.parent / "cur" / (one.name + "S"))
        octets = message("three").replace(b"\r\n", b"\n")
        (one.parent.parent / "new" / "1.2.three").write_bytes(octets)
        self.sync()

        self.assertEqual(
            subjects(self.client), {"one": "\\Flagged \\Seen", "three": ""}
        )

    def test_mailboxes(self) -> None:
        """
        A mailbox made on the suite is made here.
        """
        checked(self.client.create("Work"))
        append(self.client, message("one"), "Work")

        self.sync()

        self.assertEqual(len(self.files("Work")), 1)
