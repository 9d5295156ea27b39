"""
Messages as multi-line responses: dot-stuffing, and the lines that TOP asks for.

Implementation notes

- Content comes in pieces cut anywhere; a CR LF or a dot at a border counts as
  it would inside a piece.
- Only CR LF ends a line, as in all that the store holds.
- Few messages have a line that begins with a dot, and to look for one takes
  half the time of a replacement that finds none; in base64, which most octets
  of long messages are, there is no dot at all, which takes a tenth to see.
"""

from __future__ import annotations

import re

#: The end of a multi-line response (RFC 1939 3).
END = b".\r\n"

_DOT = ord(b".")
_LINE_DOT = re.compile(rb"\r\n\.")


def whole(status: bytes, octets: bytes) -> bytes:
    """
    A multi-line response in one piece.

    :param status: its first line.
    :param octets: what follows, not yet dot-stuffed.
    """
    last = octets.rfind(b".")
    if last >= 0:
        if _LINE_DOT.search(octets, 0, last + 1):
            octets = octets.replace(b"\r\n.", b"\r\n..")
        if octets[0] == _DOT:
            octets = b"." + octets
    if octets.endswith(b"\r\n") or not octets:
        return b"".join((status, octets, END))
    return b"".join((status, octets, b"\r\n", END))


class DotStuffer:
    """
    Doubles the dot at a line's start (RFC 1939 3).
    """

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b"\r\n"

    def feed(self, piece: bytes) -> bytes:
        """
        The piece as it is sent.
        """
        stuffed = piece
        last = piece.rfind(b".")
        if last >= 0 and _LINE_DOT.search(piece, 0, last + 1):
            stuffed = piece.replace(b"\r\n.", b"\r\n..")
        at_border = (self._tail + piece[:2]).find(b"\r\n.")
        if at_border >= 0:
            place = at_border + 2 - len(self._tail)
            stuffed = stuffed[:place] + b"." + stuffed[place:]
        self._tail = (self._tail + piece[-2:])[-2:]
        return stuffed

    def end(self) -> bytes:
        """
        What ends the response: the last line's own end, if it has none, and
        the dot.
        """
        return END if self._tail == b"\r\n" else b"\r\n" + END


class TopLines:
    """
    The header section, the empty line, and so many lines of the body
    (RFC 1939 7, TOP).

    :ivar complete: there is no use in more pieces.
    """

    __slots__ = ("_in_body", "_left", "_tail", "complete")

    def __init__(self, lines: int) -> None:
        self.complete = False
        self._left = lines
        self._in_body = False
        self._tail = b"\r\n"

    def feed(self, piece: bytes) -> bytes:
        """
        What of the piece belongs to it.
        """
        start = 0 if self._in_body else self._end_of_header(piece)
        if not self._in_body:
            return piece
        return piece[: start + self._take_lines(piece[start:])]

    def _end_of_header(self, piece: bytes) -> int:
        """
        Where the body begins in the piece, if it does.
        """
        behind = self._tail + piece
        end = behind.find(b"\r\n\r\n")
        if end < 0:
            self._tail = behind[-3:]
            return len(piece)
        start = end + 4 - len(self._tail)
        self._in_body = True
        self._tail = b""
        return start

    def _take_lines(self, body: bytes) -> int:
        """
        How many octets of a piece of the body belong to the lines asked for.
        """
        behind = self._tail + body
        lines = behind.count(b"\r\n")
        if lines < self._left:
            self._left -= lines
            self._tail = b"\r" if behind.endswith(b"\r") else b""
            return len(body)
        self.complete = True
        end = 0
        for _ in range(self._left):
            end = behind.index(b"\r\n", end) + 2
        return max(end - len(self._tail), 0)
