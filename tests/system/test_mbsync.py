"""
mbsync (isync) against the suite: two copies of one account kept alike.
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
    uids,
)
from tests.support.suite import SuiteTestCase, need

_CONFIGURATION = """\
IMAPAccount suite
Host localhost
Port {port}
User alice
Pass {password}
SSLType {security}
CertificateFile {authority}
AuthMechs {mechanism}

IMAPStore far
Account suite

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Remove Both
Expunge Both
CopyArrivalDate yes
SyncState *
"""


class MbsyncTests(SuiteTestCase):
    """
    The Debian package ``isync``.
    """

    programs = ("mbsync",)

    def setUp(self) -> None:
        """
        With a configuration, and alice logged in beside it.
        """
        super().setUp()
        self.client = logged_in(self.suite)
        self.addCleanup(self.client.logout)
        self.mail = self.folder / "mail"
        self.mail.mkdir()
        self.configure()

    def configure(
        self,
        mechanism: str = "PLAIN",
        security: str = "None",
        protocol: str = "imap",
    ) -> None:
        """
        Write mbsyncrc.
        """
        self.mbsyncrc = self.folder / "mbsyncrc"
        self.mbsyncrc.write_text(
            _CONFIGURATION.format(
                port=self.suite.port(protocol),
                password=self.suite.password("alice"),
                mechanism=mechanism,
                security=security,
                authority=self.suite.facts["ca_file"],
                folder=self.folder,
            )
        )

    def sync(self) -> None:
        """
        One run; it must succeed.
        """
        done = subprocess.run(
            [need("mbsync"), "-c", str(self.mbsyncrc), "all"],
            capture_output=True,
            text=True,
            timeout=100,
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def files(self, mailbox: str = "INBOX") -> list[Path]:
        """
        The messages of a mailbox of the local copy.
        """
        folder = self.mail / mailbox
        return sorted(
            [*(folder / "cur").iterdir(), *(folder / "new").iterdir()]
        )

    def test_down(self) -> None:
        """
        Messages, mailboxes and flags arrive in the local copy.
        """
        content = message("one")
        append(self.client, content, flags="(\\Seen \\Flagged)")
        append(self.client, message("two"))
        checked(self.client.create("Work/2026"))
        append(self.client, message("three"), "Work/2026")

        self.sync()

        self.assertEqual(len(self.files()), 2)
        [seen] = [f for f in self.files() if f.name.endswith("FS")]
        octets = seen.read_bytes()
        self.assertIn(b"Subject: one\n", octets)
        self.assertEqual(len(self.files("Work/2026")), 1)

    def test_up(self) -> None:
        """
        A message and a mailbox of the local copy arrive at the suite.
        """
        self.sync()
        folder = self.mail / "Plans"
        for name in ("cur", "new", "tmp"):
            (folder / name).mkdir(parents=True)
        octets = message("from here").replace(b"\r\n", b"\n")
        (folder / "cur" / "1.2.three:2,FS").write_bytes(octets)

        self.sync()

        self.assertEqual(
            subjects(self.client, "Plans"), {"from here": "\\Flagged \\Seen"}
        )

    def test_changes_on_both_sides(self) -> None:
        """
        Flags and deletions travel either way, and a third run does nothing.
        """
        for name in ("one", "two", "three"):
            append(self.client, message(name))
        self.sync()
        uids(self.client)
        checked(self.client.uid("STORE", "1", "+FLAGS", "(\\Answered)"))
        checked(self.client.uid("STORE", "2", "+FLAGS", "(\\Deleted)"))
        checked(self.client.expunge())
        [third] = [
            f for f in self.files() if b"Subject: three" in f.read_bytes()
        ]
        moved = f"{third.name.partition(':')[0]}:2,S"
        third.rename(self.mail / "INBOX" / "cur" / moved)

        self.sync()
        self.sync()

        self.assertEqual(
            subjects(self.client), {"one": "\\Answered", "three": "\\Seen"}
        )
        self.assertEqual(len(self.files()), 2)

    def test_login(self) -> None:
        """
        With the LOGIN command instead of AUTHENTICATE.
        """
        self.configure(mechanism="LOGIN")
        append(self.client, message("one"))

        self.sync()

        self.assertEqual(len(self.files()), 1)

    def test_tls(self) -> None:
        """
        Over STARTTLS and over implicit TLS, the certificate checked.
        """
        append(self.client, message("one"))
        self.configure(security="STARTTLS")
        self.sync()
        append(self.client, message("two"))
        self.configure(security="IMAPS", protocol="imaps")

        self.sync()

        self.assertEqual(len(self.files()), 2)
