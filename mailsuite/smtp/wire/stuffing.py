"""
Content as DATA carries it: dots doubled, and the end (RFC 5321 4.5.2).
"""

from __future__ import annotations


class DotStuffer:
    """
    Doubles each dot that begins a line, wherever the pieces are cut.

    For content whose lines end in CR LF alone: ``ContentRules`` watches that.
    """

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        # What counts of all before: content begins at the beginning of a line.
        self._tail = b"\r\n"

    def feed(self, piece: bytes) -> bytes:
        """
        The piece as it goes out.
        """
        tail = self._tail
        self._tail = piece[-2:] if len(piece) > 1 else (tail + piece)[-2:]
        if piece[:2] in {b"\n.", b"\n"} or piece[:1] == b".":
            stuffed = (tail + piece).replace(b"\r\n.", b"\r\n..")
            return stuffed[len(tail) :]
        if b"\r\n." in piece:
            return piece.replace(b"\r\n.", b"\r\n..")
        return piece

    def end(self) -> bytes:
        """
        The end of data; a last line that has no end is given one.
        """
        return b".\r\n" if self._tail == b"\r\n" else b"\r\n.\r\n"
