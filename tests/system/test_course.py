"""
Plays ``docs/course.md``: every line is as one sees it.
"""

from __future__ import annotations

import re
import socket
from pathlib import Path

from tests.support.suite import SuiteTestCase

_COURSE = Path(__file__).parents[2] / "docs" / "course.md"
_BLOCK = re.compile(
    r"^```(smtp|pop3|imap)\n(.*?)^```", re.MULTILINE | re.DOTALL
)
_SECONDS = 20.0


def _dialogues() -> list[tuple[str, list[str]]]:
    text = _COURSE.read_text(encoding="utf-8")
    return [(kind, body.splitlines()) for kind, body in _BLOCK.findall(text)]


class CourseTests(SuiteTestCase):
    """
    The course's dialogues on a fresh start.
    """

    def test_each_dialogue_goes_as_written(self) -> None:
        """
        In the order of the page; the message is sent once more before IMAP.
        """
        dialogues = _dialogues()
        self.assertEqual(
            [kind for kind, _ in dialogues], ["smtp", "pop3", "pop3", "imap"]
        )
        for kind, lines in dialogues:
            if kind == "imap":
                self._play("smtp", dialogues[0][1])
            self._play(kind, lines)

    def _play(self, kind: str, lines: list[str]) -> None:
        password = self.suite.password("bob")
        address = ("127.0.0.1", self.suite.port(kind))
        with socket.create_connection(address, _SECONDS) as connection:
            stream = connection.makefile("rwb")
            anything = False
            for line in lines:
                said = line.replace("<bob's password>", password)
                if line == "...":
                    anything = True
                elif said.startswith("C: "):
                    stream.write(said[3:].encode() + b"\r\n")
                    stream.flush()
                else:
                    self._expect(stream.readline, said[3:], anything)
                    anything = False
            if lines[-1].startswith("S: "):
                self.assertEqual(stream.readline(), b"")

    def _expect(self, readline: object, wanted: str, anything: bool) -> None:
        assert callable(readline)
        start, tilde, _ = wanted.partition("~")
        while True:
            octets = readline()
            assert octets.endswith(b"\r\n"), (wanted, octets)
            line = octets[:-2].decode()
            fits = line.startswith(start) if tilde else line == wanted
            if fits:
                return
            if not anything:
                self.fail(f"expected {wanted!r}, got {line!r}")
