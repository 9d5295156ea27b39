"""
The body of SMTP's DATA command: dot-stuffing, its end, and what no content
may have.

Implementation notes

- Only CR LF . CR LF ends the data.  A bare CR or LF is an error, never a line
  end: lenience here is how one message is smuggled inside another.
- On an error we read on to the true end, and only then complain; stopping
  early would make the rest of the message a list of commands.
- NUL is refused with them: no RFC 5322 message has it, and IMAP has no way to
  give it back.
- No step is taken per line.  All that the network brought is searched twice,
  and twice more if there is a dot in it, as there is not in base64.
"""

from __future__ import annotations

import re

from mailsuite.wire.buffer import InputBuffer

_END = b"\r\n.\r\n"

#: What of the end may stand at the end of a piece, the longest first.
_BEGINNINGS = tuple(_END[:n] for n in range(4, 0, -1))


# Two patterns: each begins with one octet, which is found at memory's speed.
_BARE_CR = re.compile(rb"\r[^\n]")
_BARE_LF = re.compile(rb"\n(?<!\r\n)")


class ContentRules:
    """
    Watches that content has lines that end in CR LF, no other CR or LF, and
    no NUL.
    """

    __slots__ = ("_after_cr", "_broken")

    def __init__(self) -> None:
        self._broken = False
        self._after_cr = False

    def look(self, piece: bytes) -> None:
        """
        See the next piece, wherever it was cut.
        """
        if self._broken or not piece:
            return
        if self._after_cr:
            piece = b"\r" + piece
        self._after_cr = piece[-1] == 0x0D
        self._broken = (
            _BARE_CR.search(piece) is not None
            or _BARE_LF.search(piece) is not None
            or 0 in piece
        )

    @property
    def violated(self) -> bool:
        """
        Whether a rule is broken whatever follows.
        """
        return self._broken

    def broken(self) -> bool:
        """
        Whether what was seen, as a whole, breaks a rule.
        """
        return self._broken or self._after_cr


class DataDecoder:
    """
    Undoes dot-stuffing (RFC 5321 4.5.2) up to the end of the data.
    """

    __slots__ = ("_begun", "_held", "ended")

    def __init__(self) -> None:
        # The end may come at once; then the CR LF of it was DATA's own.
        self._held = b"\r\n"
        self._begun = False
        self.ended = False

    def read(self, source: InputBuffer) -> bytes:
        """
        Take what has arrived, up to the end of the data.

        :return: content; empty also where it is not yet clear whether it is
            content.
        """
        if b"." in source:
            octets = self._held + source.take_through(_END)
        else:
            octets = self._held + source.take(len(source))
        # The end may have begun in what was held.
        end = octets.find(_END, 0, len(self._held) + 4)
        if end >= 0:
            source.put_back(octets[end + 5 :])
        elif octets.endswith(_END):
            end = len(octets) - 5
        self.ended = end >= 0
        if self.ended:
            content = octets[: end + 2]
        else:
            self._held = _beginning_of_end(octets)
            content = octets[: len(octets) - len(self._held)]
        if b"." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        if not self._begun and content:
            self._begun = True
            content = content[2:]
        return content


def _beginning_of_end(octets: bytes) -> bytes:
    """
    What at the end of ``octets`` may become the end of the data.
    """
    for beginning in _BEGINNINGS:
        if octets.endswith(beginning):
            return beginning
    return b""
