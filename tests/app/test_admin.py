"""
Tests for the command ``mailsuite``, with no suite running.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.admin import main
from mailsuite.app.statelock import StateLock


def _commands(
    command: click.Command, words: tuple[str, ...] = ()
) -> list[tuple[str, ...]]:
    """
    Every command and group there is.
    """
    found = [words]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found += _commands(inner, (*words, name))
    return found


class CommandTests(SynchronousTestCase):
    """
    Each command does what it says.
    """

    def setUp(self) -> None:
        """
        A state folder that is not there yet.
        """
        self.state = Path(self.mktemp()).absolute()
        self.run_one("domain", "add", "example.org")

    def run_one(self, *words: str, stdin: str = "", status: int = 0) -> str:
        """
        What a command says.
        """
        result = CliRunner().invoke(
            main, ["--state", str(self.state), *words], input=stdin
        )
        self.assertEqual(result.exit_code, status, result.output)
        said: str = result.output
        self.assertNotIn("Traceback", said)
        return said

    def json(self, *words: str, stdin: str = "") -> Any:
        """
        What a command says to scripts.
        """
        return json.loads(self.run_one(*words, "--json", stdin=stdin))

    def add(self, address: str, *options: str) -> Any:
        """
        Add a user.
        """
        return self.json("user", "add", address, *options, stdin="secret\n")

    def test_users(self) -> None:
        """
        Added, listed, suspended, resumed, removed.
        """
        self.add("ann@example.org", "--quota", "2G", "--messages", "500")
        self.run_one("user", "suspend", "ann@example.org")

        [ann] = self.json("user", "list", "example.org")
        self.assertEqual(ann["octets_limit"], 2 * 1024**3)
        self.assertEqual(ann["messages_limit"], 500)
        self.assertTrue(ann["suspended"])

        self.run_one("user", "resume", "ann@example.org")
        self.assertIn("active", self.run_one("user", "list"))
        self.run_one("user", "passwd", "ann@example.org", stdin="new\n")
        removed = self.json("user", "remove", "ann@example.org")
        self.assertEqual(
            removed["home"], str(self.state / "mail/example.org/ann")
        )
        self.assertEqual(self.json("user", "list"), [])

    def test_import(self) -> None:
        """
        A passwd-file from stdin; who is there already is skipped.
        """
        self.add("ann@example.org")
        lines = "bob:{PLAIN}x\nann:{PLAIN}y\ncid@example.org:{PLAIN}z\n"

        said = self.run_one(
            "user", "import", "--domain", "example.org", "-", stdin=lines
        )

        self.assertIn("ann@example.org: is there already", said)
        self.assertIn("Imported 2 accounts", said)
        self.assertEqual(len(self.json("user", "list")), 3)

    def test_import_of_what_is_no_text(self) -> None:
        """
        A line in another encoding is told with what to do, the others are
        imported, and the status says that something is left.
        """
        file = Path(self.mktemp())
        file.write_bytes(
            b"bob:{PLAIN}x\nj\xfcrgen:{PLAIN}y\n"
            b"ann:{PLAIN}x:::J\xfcrgen::\ncid::::::\n"
        )

        said = self.run_one(
            "user", "import", "--domain", "example.org", str(file), status=1
        )

        self.assertEqual(
            said.splitlines(),
            [
                "line 4: cid@example.org: there is no password: suspended",
                "Imported 3 accounts",
                "Not imported: 1 lines",
                "line 2: j\ufffdrgen: it is not UTF-8"
                " (convert the file to UTF-8)",
            ],
        )
        self.assertEqual(len(self.json("user", "list")), 3)

    def test_import_as_json(self) -> None:
        """
        A script is told what was taken and what was not.
        """
        found = json.loads(
            self.run_one(
                "user", "import", "--domain", "example.org", "--json", "-",
                stdin="bob:{PLAIN}x\nann\n", status=1,
            )
        )  # fmt: skip

        self.assertEqual(found["added"], ["bob@example.org"])
        self.assertEqual(
            found["refused"],
            [
                {
                    "line": 2,
                    "user": "ann",
                    "reason": "there is no password",
                    "remedy": "write it after the user and a colon",
                }
            ],
        )

    def test_list_without_password(self) -> None:
        """
        An account without a password is seen as such once it is resumed.
        """
        self.run_one(
            "user", "import", "--domain", "example.org", "-", stdin="bob:!\n"
        )
        self.assertIn("suspended", self.run_one("user", "list"))
        self.run_one("user", "resume", "bob@example.org")
        self.assertIn("no password", self.run_one("user", "list"))

    def test_import_from_another_system(self) -> None:
        """
        CR LF ends a line, and what only looks like a line end does not.
        """
        said = self.run_one(
            "user", "import", "--domain", "example.org", "-",
            stdin="bob:{PLAIN}x\u2028y\r\nann:{PLAIN}z\r\n",
        )  # fmt: skip

        self.assertIn("Imported 2 accounts", said)

    def test_aliases(self) -> None:
        """
        To one or many, outside too; not to an address that does not exist.
        """
        self.add("ann@example.org")
        self.add("bob@example.org")
        self.run_one(
            "alias", "add", "info@example.org",
            "ann@example.org", "bob@example.org",
        )  # fmt: skip
        self.assertIn("bob@example.org", self.run_one("alias", "list"))
        self.run_one("alias", "remove", "info@example.org")
        self.assertEqual(self.json("alias", "list"), [])

        said = self.run_one(
            "alias", "add", "out@example.org", "X@elsewhere.test"
        )
        self.assertEqual(said, "out@example.org -> X@elsewhere.test\n")
        said = self.run_one(
            "alias", "add", "us@example.org", "no@example.org", status=1
        )
        self.assertIn("no@example.org does not exist here", said)

    def test_domains(self) -> None:
        """
        Alias domains and the catch-all; none goes that is in use.
        """
        self.add("ann@example.org")
        self.run_one(
            "domain", "add", "example.net", "--alias-of", "example.org"
        )
        self.run_one("domain", "catch-all", "example.org", "ann@example.org")

        listed = {one["name"]: one for one in self.json("domain", "list")}
        self.assertEqual(listed["example.net"]["alias_of"], "example.org")
        self.assertEqual(listed["example.org"]["catch_all"], "ann@example.org")

        self.run_one("domain", "remove", "example.org", status=1)
        self.run_one("domain", "remove", "example.net")

    def test_app_passwords(self) -> None:
        """
        Shown once, listed by name.
        """
        self.add("ann@example.org")
        shown = self.json("app-password", "add", "ann@example.org", "phone")
        self.assertGreater(len(shown["password"]), 15)

        listed = self.run_one("app-password", "list", "ann@example.org")
        self.assertIn("phone", listed)
        self.assertNotIn(shown["password"], listed)
        self.run_one("app-password", "remove", "ann@example.org", "phone")

    def test_quota(self) -> None:
        """
        Set, shown, and taken away.
        """
        self.add("ann@example.org")
        self.run_one("quota", "set", "ann@example.org", "--octets", "500M")
        self.assertIn("500M", self.run_one("quota", "show", "ann@example.org"))
        self.run_one("quota", "set", "ann@example.org", "--octets", "none")
        self.assertIn(
            "no limit", self.run_one("quota", "show", "ann@example.org")
        )
        self.run_one(
            "quota", "set", "ann@example.org", "--octets", "lots", status=2
        )

    def test_a_password_is_never_on_the_command_line(self) -> None:
        """
        Nor is an empty one taken from stdin.
        """
        said = self.run_one("user", "add", "ann@example.org", status=1)
        self.assertIn("no password on standard input", said)

    def test_a_folder_in_use_is_left_alone(self) -> None:
        """
        Another command has the lock; nothing is done behind its back.
        """
        lock = StateLock(self.state)
        self.addCleanup(lock.release)

        said = self.run_one("user", "list", status=1)

        self.assertIn("in use", said)

    def test_the_folder_may_be_named_at_the_end(self) -> None:
        """
        --state and --config are every command's, and the last word counts.
        """
        other = str(Path(self.mktemp()).absolute())

        self.run_one(
            "user", "add", "bob@localhost", "--state", other, stdin="x\n"
        )

        self.assertIn("bob", self.run_one("user", "list", "-s", other))
        self.assertNotIn("bob", self.run_one("user", "list"))

    def test_a_mistyped_folder_is_noticed(self) -> None:
        """
        Looking makes nothing; only what begins something does.
        """
        missing = Path(self.mktemp()).absolute()

        said = self.run_one("user", "list", "-s", str(missing), status=1)

        self.assertIn("no such state folder", said)
        self.assertFalse(missing.exists())

    def test_status_without_a_suite(self) -> None:
        """
        A script sees it by the status.
        """
        self.assertIn("no suite runs", self.run_one("status", status=1))

    def test_every_command_has_help_with_an_example(self) -> None:
        """
        Groups too.
        """
        for words in _commands(main):
            said = self.run_one(*words, "--help")
            self.assertIn("Example:", said, words)
