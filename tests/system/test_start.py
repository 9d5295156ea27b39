"""
Starting, stopping, and starting again, as an operator sees it.
"""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.support.suite import (
    RunningSuite,
    SuiteDidNotStart,
    environment,
)

_PROTOCOLS = {
    "smtp": "starttls",
    "lmtp": "none",
    "submission": "starttls",
    "submissions": "implicit",
    "imap": "starttls",
    "imaps": "implicit",
    "pop3": "starttls",
    "pop3s": "implicit",
}


class StartTests(TestCase):
    """
    The embedded default.
    """

    timeout = 180

    def setUp(self) -> None:
        """
        A folder for the state.
        """
        self.folder = Path(self.mktemp()).absolute()

    def start(self, *options: str) -> RunningSuite:
        """
        A suite that is ended with the test.
        """
        suite = RunningSuite(self.folder, *options)
        self.addCleanup(suite.stop)
        return suite

    def test_the_file_for_scripts_holds_what_the_table_shows(self) -> None:
        """
        Listeners, accounts, authority and state folder; for us alone.
        """
        suite = self.start()

        self.assertEqual(
            {one["protocol"]: one["tls"] for one in suite.facts["listeners"]},
            _PROTOCOLS,
        )
        self.assertEqual(
            [one["user"] for one in suite.facts["accounts"]],
            ["alice@localhost", "bob@localhost"],
        )
        self.assertEqual(suite.facts["state_folder"], str(suite.state))
        self.assertTrue(Path(suite.facts["ca_file"]).is_file())
        mode = (suite.state / "first-start.json").stat().st_mode
        self.assertEqual(mode & 0o777, 0o600)
        for account in suite.facts["accounts"]:
            self.assertIn(account["password"], suite.output())

    def test_every_listener_accepts(self) -> None:
        """
        When the file is there, all of them do.
        """
        suite = self.start()

        for one in suite.facts["listeners"]:
            with socket.create_connection((one["address"], one["port"]), 5):
                pass

    def test_a_second_start_finds_it_all_again(self) -> None:
        """
        The same accounts and authority; the table shows no passwords.
        """
        first = self.start()
        password = first.password("alice")
        authority = Path(first.facts["ca_file"]).read_bytes()
        first.stop()
        said = len(first.output())

        second = self.start()

        self.assertEqual(second.facts["accounts"], first.facts["accounts"])
        self.assertEqual(Path(second.facts["ca_file"]).read_bytes(), authority)
        self.assertNotIn(password, second.output()[said:])
        self.assertIn("alice@localhost", second.output()[said:])

    def test_a_changed_password_leaves_the_file(self) -> None:
        """
        While it runs, and it stays away.
        """
        suite = self.start()
        suite.command("user", "passwd", "alice@localhost", stdin="another\n")

        until = time.monotonic() + 10
        path = suite.state / "first-start.json"
        while "alice" in path.read_text() and time.monotonic() < until:
            time.sleep(0.05)

        users = [
            one["user"] for one in json.loads(path.read_text())["accounts"]
        ]
        self.assertEqual(users, ["bob@localhost"])

    def test_a_second_suite_on_the_folder_is_refused(self) -> None:
        """
        One suite a state folder; the first goes on.
        """
        self.start()

        with self.assertRaises(SuiteDidNotStart) as caught:
            RunningSuite(self.folder)

        self.assertIn("runs in", str(caught.exception))
        self.assertNotIn("Traceback", str(caught.exception))

    def test_a_taken_port_is_one_error_with_its_option(self) -> None:
        """
        All taken ports are named at once, each with the way out.
        """
        with socket.socket() as one, socket.socket() as other:
            for taken in (one, other):
                taken.bind(("127.0.0.1", 0))
                taken.listen()
            ports = [taken.getsockname()[1] for taken in (one, other)]

            with self.assertRaises(SuiteDidNotStart) as caught:
                RunningSuite(
                    self.folder,
                    f"--port=imap={ports[0]}",
                    f"--port=pop3={ports[1]}",
                )

        said = str(caught.exception)
        self.assertNotIn("Traceback", said)
        self.assertIn(f"port {ports[0]} for imap", said)
        self.assertIn(f"port {ports[1]} for pop3", said)
        self.assertIn("--port imap=", said)

    def test_an_ephemeral_state_goes_at_the_stop(self) -> None:
        """
        A new folder is made and removed; one with content is refused.
        """
        suite = self.start("--ephemeral")
        self.assertTrue(suite.state.exists())
        suite.stop()
        self.assertFalse(suite.state.exists())

        suite.state.mkdir()
        (suite.state / "mine").write_text("precious")
        with self.assertRaises(SuiteDidNotStart) as caught:
            RunningSuite(self.folder, "--ephemeral")
        self.assertIn("--ephemeral would remove it", str(caught.exception))
        self.assertTrue((suite.state / "mine").exists())

    def test_status_tells_the_same_without_passwords(self) -> None:
        """
        From a running suite, as JSON.
        """
        suite = self.start()

        told = json.loads(suite.command("status", "--json"))

        self.assertEqual(set(told), set(suite.facts))
        self.assertEqual(told["listeners"], suite.facts["listeners"])
        self.assertEqual(
            told["accounts"],
            [{"user": one["user"]} for one in suite.facts["accounts"]],
        )

    def test_quota_tells_the_use(self) -> None:
        """
        What an account's mail takes, while the suite runs.
        """
        suite = self.start()
        client = smtplib.SMTP("127.0.0.1", suite.port("smtp"), timeout=10)
        client.sendmail(
            "x@y.test", ["bob@localhost"], b"Subject: x\r\n\r\ny\r\n"
        )
        client.quit()

        told = json.loads(
            suite.command("quota", "show", "bob@localhost", "--json")
        )

        self.assertEqual(told["messages_used"], 1)
        self.assertGreater(told["octets_used"], 20)

    def test_the_transcript_shows_the_conversation(self) -> None:
        """
        In the course's notation, with secrets masked.
        """
        suite = self.start("--transcript")
        client = smtplib.SMTP("127.0.0.1", suite.port("submission"), timeout=10)
        client.ehlo("crepes.fr")
        client.login("alice", suite.password("alice"))
        client.quit()

        said = suite.output()

        self.assertIn("C: ehlo crepes.fr", said)
        self.assertIn("C: AUTH PLAIN <secret>", said)
        self.assertIn("S: 235 ", said)

    def test_sessions_are_told_of_the_stop(self) -> None:
        """
        Each protocol has its last words.
        """
        suite = self.start()
        words = {"smtp": b"421 ", "imap": b"* BYE ", "pop3": b"-ERR "}
        streams = {}
        for protocol in words:
            connection = socket.create_connection(
                ("127.0.0.1", suite.port(protocol)), 10
            )
            self.addCleanup(connection.close)
            streams[protocol] = connection.makefile("rb")
            self.addCleanup(streams[protocol].close)
            streams[protocol].readline()

        suite.stop()

        for protocol, start in words.items():
            self.assertTrue(streams[protocol].readline().startswith(start))

    def test_starts_in_the_background(self) -> None:
        """
        The table is on the terminal; pid and log lie where twistd puts them.
        """
        self.folder.mkdir()
        program = "from twisted.scripts.twistd import run; run()"
        done = subprocess.run(
            [sys.executable, "-c", program, "mailsuite", "start", "--ephemeral",
             "--state", str(self.folder / "state")],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        pid = int((self.folder / "twistd.pid").read_text())
        self.addCleanup(_end, pid)
        ready = self.folder / "state" / "first-start.json"
        until = time.monotonic() + 30
        while not ready.exists() and time.monotonic() < until:
            time.sleep(0.05)

        facts = json.loads(ready.read_text())

        self.assertIn("alice@localhost", done.stdout)
        for account in facts["accounts"]:
            self.assertIn(account["password"], done.stdout)
            log = (self.folder / "twistd.log").read_text()
            self.assertNotIn(account["password"], log)

    def test_the_background_names_its_log(self) -> None:
        """
        Whatever it is called; with --transcript it has the conversations.
        """
        self.folder.mkdir()
        log = self.folder / "suite.log"
        program = "from twisted.scripts.twistd import run; run()"
        done = subprocess.run(
            [sys.executable, "-c", program, "--logfile", "suite.log",
             "mailsuite", "start", "--ephemeral", "--transcript",
             "--state", str(self.folder / "state")],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        pid = int((self.folder / "twistd.pid").read_text())
        self.addCleanup(_end, pid)
        ready = self.folder / "state" / "first-start.json"
        until = time.monotonic() + 30
        while not ready.exists() and time.monotonic() < until:
            time.sleep(0.05)
        ports = {
            one["protocol"]: one["port"]
            for one in json.loads(ready.read_text())["listeners"]
        }

        client = smtplib.SMTP("127.0.0.1", ports["smtp"], timeout=10)
        client.ehlo("crepes.fr")
        client.quit()

        self.assertIn(f"{log} tells more", done.stdout)
        self.assertIn("C: ehlo crepes.fr", log.read_text())
        self.assertFalse((self.folder / "twistd.log").exists())

    def test_help_tells_all(self) -> None:
        """
        twistd mailsuite --help, and start's own.
        """
        program = "from twisted.scripts.twistd import run; run()"
        for words, told in (
            (["--help"], "start"),
            (["start", "--help"], "--ephemeral"),
        ):
            done = subprocess.run(
                [sys.executable, "-c", program, "mailsuite", *words],
                env=environment(),
                capture_output=True,
                text=True,
                timeout=60,
            )
            self.assertEqual(done.returncode, 0)
            self.assertIn(told, done.stdout)
            self.assertIn("xample", done.stdout)


def _end(pid: int) -> None:
    """
    End a process, and wait for that.
    """
    try:
        os.kill(pid, signal.SIGTERM)
        for _ in range(500):
            os.kill(pid, 0)
            time.sleep(0.02)
    except ProcessLookupError:
        return
