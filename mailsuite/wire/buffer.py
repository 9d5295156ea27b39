"""
Octets that have arrived and are not yet understood.

Implementation notes

- Only CR LF ends a line.  A bare LF or CR is part of the line, for the
  protocol to refuse: lenience here is how one command is smuggled inside
  another's argument.
- A line over the limit is discarded to its true end, and only then reported,
  so that the rest of it never becomes a command.
"""

from __future__ import annotations

from typing import Final


class NeedData:
    """
    The type of ``NEED_DATA``.
    """

    def __repr__(self) -> str:
        return "NEED_DATA"


class LineTooLong:
    """
    The type of ``LINE_TOO_LONG``.
    """

    def __repr__(self) -> str:
        return "LINE_TOO_LONG"


#: No whole event has arrived yet.
NEED_DATA: Final = NeedData()

#: A line was longer than it may be; all of it has been discarded.
LINE_TOO_LONG: Final = LineTooLong()

#: Octets kept of each end of a discarded line.
_KEPT = 64


class InputBuffer:
    """
    Input as lines and as counted octets, whatever the network cut.

    After ``LINE_TOO_LONG``, ``discarded`` has the first and the last octets of
    that line: IMAP's tag stands at the one end, a literal's size at the other.
    """

    def __init__(self) -> None:
        self.discarded = (b"", b"")
        self._data = bytearray()
        self._looked = 0
        self._discarding = False

    def __len__(self) -> int:
        """
        How many octets wait here.
        """
        return len(self._data)

    def __contains__(self, octets: bytes) -> bool:
        """
        Whether these octets stand somewhere in what waits.
        """
        return octets in self._data

    def feed(self, octets: bytes) -> None:
        """
        Add what the network brought.
        """
        self._data += octets

    def line(self, limit: int) -> bytes | NeedData | LineTooLong:
        """
        Take one line, without its CR LF.

        :param limit: the most octets it may have, CR LF counted.
        """
        if not self._data:
            return NEED_DATA
        end = self._data.find(b"\r\n", self._looked)
        if end < 0:
            self._looked = max(len(self._data) - 1, 0)
            if self._discarding or len(self._data) > limit:
                # A CR may be the first half of the line's end.
                keep = 1 if self._data.endswith(b"\r") else 0
                self._discard(len(self._data) - keep)
                del self._data[: len(self._data) - keep]
                self._looked = 0
            return NEED_DATA
        if self._discarding or end + 2 > limit:
            self._discard(end)
            del self._data[: end + 2]
            self._looked = 0
            self._discarding = False
            return LINE_TOO_LONG
        line = bytes(self._data[:end])
        del self._data[: end + 2]
        self._looked = 0
        return line

    def _discard(self, length: int) -> None:
        """
        Keep the ends of a line of which so many octets are about to go.
        """
        start, end = self.discarded if self._discarding else (b"", b"")
        start += self._data[: min(length, _KEPT - len(start))]
        end += self._data[max(length - _KEPT, 0) : length]
        self.discarded = (start, end[-_KEPT:])
        self._discarding = True

    def take(self, most: int) -> bytes:
        """
        Take up to ``most`` octets, whatever they are.
        """
        if most >= len(self._data):
            octets = bytes(self._data)
            self._data.clear()
        else:
            octets = bytes(self._data[:most])
            del self._data[:most]
        self._looked = 0
        return octets

    def take_through(self, mark: bytes) -> bytes:
        """
        Take all up to the first ``mark`` and with it; all, if it is not here.
        """
        place = self._data.find(mark)
        return self.take(len(self._data) if place < 0 else place + len(mark))

    def put_back(self, octets: bytes) -> None:
        """
        Make ``octets`` the next to be taken.
        """
        self._data[:0] = octets
        self._looked = 0

    def clear(self) -> int:
        """
        Forget all that waits.

        :return: how many octets that were.
        """
        waiting = len(self._data)
        self._data.clear()
        self._looked = 0
        self._discarding = False
        return waiting
