"""
Messages whose header sections are ASCII, made piece by piece (RFC 6858).

Implementation notes

- The header sections are the message's, its parts', and those of messages
  inside it; bodies pass as they are, whatever their octets.
- Pieces are cut anywhere.  Of a body only the beginning of a line that may be
  a delimiter is kept until its end has come; of a header section all, up to a
  limit, after which its octets outside ASCII are marked as they pass.
- Delimiters of all multiparts that are open or closed count alike: what is
  nested wrongly has header sections as well.
"""

from __future__ import annotations

import re

from mailsuite.mail import headers, mimefields
from mailsuite.pop3.surrogate import ascii_section, marked

#: Octets of a header section that are kept until its end has come.
_LONGEST_SECTION = 1 << 17

#: RFC 2046 5.1.1 has 70 octets of boundary; spaces may follow it.
_LONGEST_DELIMITER = 256

#: Multiparts of one message whose delimiters are known.
_MOST_BOUNDARIES = 1000

_MESSAGES = (b"rfc822", b"global")

# It takes half the time of ``bytes.find``.
_HYPHENS = re.compile(rb"\r\n--")

_FIELD = re.compile(rb"(?m)^[!-9;-~]++[ \t]*+:")


class Downgrader:
    """
    Makes header sections ASCII, as the message passes.
    """

    __slots__ = (
        "_boundaries",
        "_in_header",
        "_kept",
        "_line_start",
        "_marking",
    )

    def __init__(self) -> None:
        self._kept = b""
        self._in_header = True
        self._marking = False
        self._line_start = True
        self._boundaries: set[bytes] = set()

    def feed(self, piece: bytes) -> bytes:
        """
        What can be sent of the message so far.
        """
        if not (self._in_header or self._boundaries):
            return piece
        self._kept += piece
        done: list[bytes] = []
        while self._section(done) if self._in_header else self._body(done):
            pass
        return b"".join(done)

    def end(self) -> bytes:
        """
        What was still kept: the message has ended.
        """
        kept, self._kept = self._kept, b""
        if not self._in_header:
            return kept
        if self._marking:
            return marked(kept)
        return ascii_section(kept) if _is_section(kept) else kept

    def _take(self, length: int) -> bytes:
        taken, self._kept = self._kept[:length], self._kept[length:]
        if taken:
            self._line_start = taken.endswith(b"\n")
        return taken

    # Header sections

    def _section(self, done: list[bytes]) -> bool:
        """
        Take a header section out of what is kept.

        :return: whether what follows can be looked at.
        """
        end = self._section_end()
        if end < 0:
            return self._without_end(done)
        if self._marking:
            done.append(marked(self._take(end)))
            self._in_header = self._marking = False
        elif not _is_section(self._kept[:end]):
            self._in_header = False
        else:
            done.append(self._ended(self._take(end)))
        return True

    def _without_end(self, done: list[bytes]) -> bool:
        """
        The same of a section whose end has not come.
        """
        if not self._marking:
            if len(self._kept) <= _LONGEST_SECTION:
                return False
            if not _is_section(self._kept):
                self._in_header = False
                return True
            self._marking = True
        # The end may have begun.
        done.append(marked(self._take(max(len(self._kept) - 3, 0))))
        return False

    def _section_end(self) -> int:
        kept = self._kept
        if kept.startswith(b"\r\n") and not self._marking:
            return 2
        blank = kept.find(b"\r\n\r\n")
        end = -1 if blank < 0 else blank + 4
        # A part may end within its header section.
        delimiter = self._delimiter(len(kept) if end < 0 else end)
        return end if delimiter is None else delimiter[0]

    def _ended(self, section: bytes) -> bytes:
        """
        What a whole section is sent as; it tells what follows it.
        """
        value = headers.first(section, b"content-type")
        found = mimefields.parse_content_type(value) if value else None
        kind = found.type.lower() if found else b""
        self._in_header = (
            kind == b"message"
            and found is not None
            and (found.subtype.lower() in _MESSAGES)
        )
        if kind == b"multipart" and found is not None:
            boundary = mimefields.parameter(found.parameters, b"boundary")
            if boundary and len(self._boundaries) < _MOST_BOUNDARIES:
                self._boundaries.add(boundary.rstrip(b" "))
        return ascii_section(section)

    # Bodies

    def _body(self, done: list[bytes]) -> bool:
        """
        Take what is kept of a body, up to the end of the next delimiter.

        :return: whether there was one.
        """
        delimiter = self._delimiter(len(self._kept))
        if delimiter is not None:
            _, end, closing = delimiter
            done.append(self._take(end))
            self._in_header = not closing
            return True
        done.append(self._take(self._certain_length()))
        return False

    def _certain_length(self) -> int:
        """
        How much of what is kept belongs to no delimiter, whatever comes.
        """
        kept = self._kept
        if not self._boundaries:
            return len(kept)
        last = kept.rfind(b"\n") + 1
        if (
            (last or self._line_start)
            and b"--".startswith(kept[last : last + 2])
            and len(kept) - last < _LONGEST_DELIMITER
        ):
            return last
        return len(kept) - kept.endswith(b"\r")

    def _delimiter(self, before: int) -> tuple[int, int, bool] | None:
        """
        The next delimiter that is all there.

        :param before: it begins before this place.
        :return: where it begins and ends, and whether it is a closing one.
        """
        kept, boundaries = self._kept, self._boundaries
        if not boundaries:
            return None
        at = (
            0
            if self._line_start and kept.startswith(b"--")
            else _next(kept, 0, before)
        )
        while at >= 0:
            end = kept.find(b"\r\n", at, at + _LONGEST_DELIMITER)
            if end >= 0:
                boundary = kept[at + 2 : end].rstrip(b" \t")
                if boundary in boundaries:
                    return at, end + 2, False
                if boundary.endswith(b"--") and boundary[:-2] in boundaries:
                    return at, end + 2, True
            at = _next(kept, at, before)
        return None


def _next(octets: bytes, start: int, before: int) -> int:
    """
    Where the next line begins that begins with two hyphens; else -1.
    """
    # In base64 there is no hyphen, which is seen quickly.
    if octets.find(b"-", start, before) < 0:
        return -1
    found = _HYPHENS.search(octets, start, before)
    return found.start() + 2 if found else -1


def _is_section(octets: bytes) -> bool:
    """
    Whether it is a header section: without any field it is none.
    """
    return octets.startswith(b"\r\n") or bool(_FIELD.search(octets))
