"""
Tests for ``mailsuite.app.welcome``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.welcome import (
    AccountFacts,
    Facts,
    ListenerFacts,
    Welcome,
    read_facts,
)
from mailsuite.disk import Disk


class WelcomeTests(SynchronousTestCase):
    """
    Tests for ``Welcome``.
    """

    def setUp(self) -> None:
        """
        A suite with three listeners and one account.
        """
        self.state = Path(self.mktemp()).absolute()
        self.state.mkdir()
        self.welcome = Welcome(
            Facts(
                listeners=[
                    ListenerFacts("smtp", "127.0.0.1", 2525, "starttls"),
                    ListenerFacts("imap", "127.0.0.1", 2143, "starttls"),
                    ListenerFacts("imaps", "127.0.0.1", 2993, "implicit"),
                ],
                accounts=[AccountFacts("bob@localhost", "hungry")],
                ca_file="/state/ca/ca.pem",
                state_folder=str(self.state),
            ),
            server_name="localhost",
            mail_folder="/state/mail",
            new=True,
        )

    def test_the_table_says_what_to_type(self) -> None:
        """
        Server, port, security, user, password; where things lie.
        """
        rows = [line.split() for line in self.welcome.table().splitlines()]

        self.assertIn(["IMAP", "localhost", "2143", "STARTTLS"], rows)
        self.assertIn(["IMAP", "localhost", "2993", "SSL/TLS"], rows)
        self.assertIn(["bob@localhost", "hungry"], rows)
        table = self.welcome.table()
        for told in ("127.0.0.1 port 2525", "/state/ca/ca.pem", "/state/mail"):
            self.assertIn(told, table)

    def test_a_later_start_shows_no_password(self) -> None:
        """
        It says where the first ones are.
        """
        table = Welcome(
            self.welcome.facts, "localhost", "/state/mail", new=False
        ).table()

        self.assertNotIn("hungry", table)
        self.assertIn("first-start.json", table)

    def test_the_file_is_read_again(self) -> None:
        """
        What was written is found by the next start, and is for us alone.
        """
        disk = Disk()
        self.addCleanup(disk.close)

        self.welcome.write(disk)

        self.assertEqual(read_facts(self.state), self.welcome.facts)
        path = self.state / "first-start.json"
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(
            set(json.loads(path.read_text())),
            {"listeners", "accounts", "ca_file", "state_folder"},
        )

    def test_a_broken_file_is_none(self) -> None:
        """
        A start does not fail over it.
        """
        self.assertIsNone(read_facts(self.state))
        (self.state / "first-start.json").write_text("half of i")
        self.assertIsNone(read_facts(self.state))

    def test_status_has_no_passwords(self) -> None:
        """
        The same keys otherwise.
        """
        self.assertNotIn("hungry", json.dumps(self.welcome.status()))
