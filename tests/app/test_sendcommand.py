"""
Tests for ``mailsuite send``, ``mailsuite sendmail`` and ``mailsuite-sendmail``
where no suite runs, and for what they would send.
"""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stderr
from email import message_from_bytes, policy
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app import admin, localmail
from mailsuite.app.commands import sending
from mailsuite.app.localmail import CannotSubmit, Submitted


class CommandTestCase(SynchronousTestCase):
    """
    Calls commands; nobody takes what they send but the test.
    """

    def setUp(self) -> None:
        self.state = Path(self.mktemp())
        self.sent: list[tuple[str, tuple[str, ...], bytes]] = []
        self.answer: Submitted | CannotSubmit = Submitted("65a1b2c3001", {})

    def submit(
        self,
        state: Path,
        sender: str,
        recipients: list[str],
        content: bytes,
        *options: object,
    ) -> Submitted:
        """
        Keep it.
        """
        self.sent.append((sender, tuple(recipients), content))
        if isinstance(self.answer, CannotSubmit):
            raise self.answer
        return self.answer

    def run_with(
        self, *arguments: str, text: bytes = b"Hello.\n", taken: bool = True
    ) -> Result:
        """
        What a command does.

        :param taken: there is somebody who takes mail.
        """
        submit = self.submit if taken else localmail.submit
        with patch.object(localmail, "submit", submit):
            return CliRunner().invoke(
                admin.main, ["-s", str(self.state), *arguments], input=text
            )


class SendTests(CommandTestCase):
    """
    Tests for ``mailsuite send``.
    """

    def test_not_running(self) -> None:
        """
        One line, and a status.
        """
        result = self.run_with("send", "bob@x.example", taken=False)
        self.assertEqual(result.exit_code, 1)
        self.assertIn("is it running?", result.output)
        self.assertEqual(result.output.count("\n"), 1)

    def test_attachments(self) -> None:
        """
        Octets arrive as they are, under a type that may be in base64.
        """
        names = ("a.tar.gz", "m.eml", "p.png", "none", "t.txt")
        octets = bytes(range(256))
        arguments = []
        self.state.mkdir()
        for name in names:
            (self.state / name).write_bytes(octets)
            arguments += ["--attach", str(self.state / name)]
        self.run_with("send", "bob@x.example", "--subject", "Hé", *arguments)

        ((_, recipients, content),) = self.sent
        self.assertEqual(recipients, ("bob@x.example",))
        message = message_from_bytes(content, policy=policy.default)
        self.assertEqual(message["Subject"], "Hé")
        found = list(message.iter_attachments())
        self.assertEqual(
            [one.get_content_type() for one in found],
            [
                "application/octet-stream",
                "application/octet-stream",
                "image/png",
                "application/octet-stream",
                "text/plain",
            ],
        )
        for name, one in zip(names, found, strict=True):
            self.assertEqual(one.get_filename(), name)
            self.assertEqual(one.get_payload(decode=True), octets)

    def test_text_of_another_charset(self) -> None:
        """
        What is no UTF-8 is sent as far as it can be read.
        """
        self.run_with("send", "bob@x.example", text=b"caf\xe9\n")
        message = message_from_bytes(self.sent[0][2], policy=policy.default)
        self.assertEqual(message.get_content().rstrip(), "caf\ufffd")

    def test_line_ends_in_fields(self) -> None:
        """
        They are refused in one line.
        """
        for arguments in (
            ["bob@x.example", "--subject", "a\nBcc: eve@x.example"],
            ["bob@x.example\nBcc: eve@x.example"],
        ):
            result = self.run_with("send", *arguments)
            self.assertEqual(result.exit_code, 1)
            self.assertEqual(result.output.count("\n"), 1)
        self.assertEqual(self.sent, [])

    def test_partly_refused(self) -> None:
        """
        Who gets nothing is told, with a status.
        """
        self.answer = Submitted("65a1b2c3001", {"x@x.example": "550 no"})
        result = self.run_with("send", "bob@x.example", "x@x.example")
        self.assertEqual(result.exit_code, 1)
        self.assertIn("Not to x@x.example: 550 no", result.output)
        self.assertIn("mailsuite trace 65a1b2c3001", result.output)


class SendmailTests(CommandTestCase):
    """
    Tests for ``mailsuite sendmail``.
    """

    def test_statuses(self) -> None:
        """
        Callers look at sysexits(3).
        """
        for answer, arguments, status in (
            (Submitted("1", {}), ["bob"], 0),
            (Submitted("1", {"bob": "550 no"}), ["bob"], 69),
            (CannotSubmit("no room", temporary=True), ["bob"], 75),
            (CannotSubmit("too large", temporary=False), ["bob"], 69),
            (Submitted("1", {}), ["-t"], 64),
            (Submitted("1", {}), ["-N", "x", "bob"], 64),
            (Submitted("1", {}), ["-bi"], 0),
        ):
            self.answer = answer
            result = self.run_with("sendmail", *arguments)
            self.assertEqual(result.exit_code, status, arguments)

    def test_not_running(self) -> None:
        """
        Each mode says to try again later.
        """
        for arguments in (["bob"], ["-bs"], ["-bp"]):
            result = self.run_with("sendmail", *arguments, taken=False)
            self.assertEqual(result.exit_code, 75, arguments)
            self.assertTrue(result.output.startswith("sendmail: "))
            self.assertEqual(result.output.count("\n"), 1)

    def test_by_itself(self) -> None:
        """
        A link to the program fails as clearly, whatever is wrong.
        """
        faulty = Path(self.mktemp())
        faulty.write_text("nonsense")
        with (
            patch.dict(os.environ, MAILSUITE_CONFIG=str(faulty)),
            patch.object(sys, "argv", ["sendmail", "-bs"]),
            redirect_stderr(StringIO()) as said,
            self.assertRaises(SystemExit) as ended,
        ):
            sending.main()
        self.assertEqual(ended.exception.code, 75)
        self.assertEqual(said.getvalue().count("\n"), 1)
