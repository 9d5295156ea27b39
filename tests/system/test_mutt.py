"""
mutt against the suite, without its screen: it sends, and keeps a copy.
"""

from __future__ import annotations

import subprocess

from tests.support.imapaccess import logged_in, subjects
from tests.support.suite import SuiteTestCase, need


class MuttTests(SuiteTestCase):
    """
    The Debian package ``mutt``.
    """

    programs = ("mutt",)

    def test_send_and_keep(self) -> None:
        """
        The message is submitted to bob; the copy is appended to Sent.
        """
        password = self.suite.password("alice")
        configuration = self.folder / "muttrc"
        configuration.write_text(
            "set from=alice@localhost realname=Alice\n"
            f"set smtp_url=smtp://alice@127.0.0.1:{self.suite.port('submission')}/\n"
            f"set smtp_pass={password}\n"
            f"set folder=imap://alice@127.0.0.1:{self.suite.port('imap')}/\n"
            f"set imap_pass={password}\n"
            "set record=+Sent copy=yes\n"
            "set ssl_starttls=no ssl_force_tls=no\n"
        )

        done = subprocess.run(
            [
                need("mutt"),
                "-n",
                "-F",
                str(configuration),
                "-s",
                "from mutt",
                "-a",
                str(configuration),
                "--",
                "bob@localhost",
            ],
            input="Hello Bob.\n",
            capture_output=True,
            text=True,
            timeout=100,
        )

        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for user, mailbox, flags in (
            ("alice", "Sent", "\\Seen"),
            ("bob", "INBOX", ""),
        ):
            client = logged_in(self.suite, user)
            self.addCleanup(client.logout)
            self.assertEqual(subjects(client, mailbox), {"from mutt": flags})
