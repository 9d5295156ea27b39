"""
Tests for ``mailsuite.wire.transcript``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.wire.transcript import Transcript
from tests.support.slicing import every_slicing


class TranscriptTests(SynchronousTestCase):
    """
    Tests for ``Transcript``.
    """

    def _play(self, protocol: str, *said: bytes) -> list[str]:
        """
        The lines of a conversation; what begins with ``<`` is the server's.
        """
        transcript = Transcript(protocol)
        lines: list[str] = []
        for octets in said:
            if octets.startswith(b"<"):
                lines += transcript.server(octets[1:] + b"\r\n")
            else:
                lines += transcript.client(octets + b"\r\n")
        return lines

    def test_any_slicing_shows_the_same_lines(self) -> None:
        """
        Lines are shown when they are whole.
        """
        octets = b"HELO crepes.fr\r\nQUIT\r\n"
        for pieces in every_slicing(octets):
            transcript = Transcript("smtp")
            lines = [line for p in pieces for line in transcript.client(p)]
            self.assertEqual(lines, ["C: HELO crepes.fr", "C: QUIT"])

    def test_smtp_secrets_are_masked(self) -> None:
        """
        With an initial response, and without.
        """
        self.assertEqual(
            self._play("smtp", b"AUTH PLAIN AGJvYg==", b"<235 ok", b"QUIT"),
            ["C: AUTH PLAIN <secret>", "S: 235 ok", "C: QUIT"],
        )
        self.assertEqual(
            self._play(
                "smtp", b"auth login", b"<334 VXNlcg==", b"Ym9i",
                b"<334 UGFzcw==", b"aHVuZ3J5", b"<535 no", b"NOOP",
            ),
            ["C: auth login", "S: 334 <secret>", "C: <secret>",
             "S: 334 <secret>", "C: <secret>", "S: 535 no", "C: NOOP"],
        )  # fmt: skip

    def test_pop3_secrets_are_masked(self) -> None:
        """
        PASS, whatever its case, and AUTH.
        """
        self.assertEqual(
            self._play("pop3", b"user bob", b"<+OK", b"pass hungry", b"<+OK x"),
            ["C: user bob", "S: +OK", "C: pass <secret>", "S: +OK x"],
        )

    def test_imap_secrets_are_masked(self) -> None:
        """
        LOGIN's arguments, its literals, and AUTHENTICATE.
        """
        self.assertEqual(
            self._play("imap", b'a login bob "hungry"', b"<a OK in", b"b NOOP"),
            ["C: a login <secret>", "S: a OK in", "C: b NOOP"],
        )
        self.assertEqual(
            self._play(
                "imap", b"a LOGIN {3}", b"<+ go", b"bob {6}", b"<+ go",
                b"hungry", b"<a OK in", b"b NOOP",
            ),
            ["C: a LOGIN <secret>", "S: + <secret>", "C: <secret>",
             "S: + <secret>", "C: <secret>", "S: a OK in", "C: b NOOP"],
        )  # fmt: skip

    def test_mistyped_commands_are_masked(self) -> None:
        """
        A password behind a word that is almost a command is one all the same.
        """
        self.assertEqual(
            self._play("imap", b"LOGIN bob hungry", b"a LOGINN bob hungry"),
            ["C: LOGIN <secret>", "C: a LOGINN <secret>"],
        )
        self.assertEqual(
            self._play("pop3", b"xPASS hungry"), ["C: xPASS <secret>"]
        )

    def test_a_message_is_shown_as_it_is(self) -> None:
        """
        Between 354 and the lone dot nothing is a command.
        """
        self.assertEqual(
            self._play(
                "smtp", b"DATA", b"<354 go", b"Pass the ketchup", b".",
                b"<250 ok", b"AUTH PLAIN x",
            ),
            ["C: DATA", "S: 354 go", "C: Pass the ketchup", "C: .",
             "S: 250 ok", "C: AUTH PLAIN <secret>"],
        )  # fmt: skip

    def test_what_is_not_printable_is_escaped(self) -> None:
        """
        A terminal is safe from what a peer sends.
        """
        [line] = Transcript("smtp").client(b"\x1b[2J\xff\r\n")
        self.assertEqual(line, "C: \\x1b[2J\\xff")
