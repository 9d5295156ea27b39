"""
What a server answers: its replies, out of the octets that arrive.

Implementation notes

- The last line's code decides where the lines of a reply differ (RFC 5321
  4.2.1).  An enhanced code of another class than the reply's is given the
  reply's: it is the reply code that a client goes by (RFC 5321 4.2).
- A line may end in a bare LF: no reply is content, and nothing hides in it.
- Most of what servers say is one short line that was said before: it is looked
  up.
- What a server says is shown to people and written to logs: control
  characters do not get so far.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from mailsuite.smtp.wire.failures import BadReply

#: Bounds of one reply.
MOST_OCTETS = 8192
MOST_LINES = 100

_MOST_SHOWN = 1000

#: Lines that are kept as replies, and the octets of the longest.
_MOST_KNOWN = 256
_LONGEST_KNOWN = 128

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
# RFC 3463 2
_ENHANCED = re.compile(r"([245])(\.[0-9]{1,3}\.[0-9]{1,3})(?:[ \t]+|\Z)")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class PeerReply:
    """
    One reply.

    :param enhanced: the enhanced code; ``X.0.0`` of the reply's class if the
        server gave none.
    :param lines: texts without their codes.
    """

    code: int
    enhanced: str
    lines: tuple[str, ...]

    @property
    def taken(self) -> bool:
        """
        Whether it is a 2yz.
        """
        return 200 <= self.code < 300

    @property
    def temporary(self) -> bool:
        """
        Whether it is a 4yz.
        """
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        """
        Whether it is a 5yz.
        """
        return self.code >= 500

    @property
    def refuses(self) -> bool:
        """
        Whether it is one of the two.
        """
        return self.code >= 400

    @property
    def text(self) -> str:
        """
        All it says in one line, cut where it is very long.
        """
        text = " ".join(self.lines)
        if len(text) > _MOST_SHOWN:
            return text[: _MOST_SHOWN - 4] + " ..."
        return text

    def __str__(self) -> str:
        """
        As a log or a notification has it.
        """
        return f"{self.code} {self.enhanced} {self.text}".rstrip()


class ReplyReader:
    """
    Cuts replies out of what arrives.
    """

    def __init__(self) -> None:
        self._held = b""
        self._lines: list[tuple[int, str]] = []
        self._octets = 0

    @property
    def begun(self) -> bool:
        """
        Whether part of a reply waits for its rest.
        """
        return bool(self._held or self._lines)

    def feed(self, octets: bytes) -> list[PeerReply]:
        """
        The replies that these octets complete.

        :raises BadReply: it is no reply, or over the bounds; nothing further
            can be understood.
        """
        *lines, self._held = (self._held + octets).split(b"\n")
        replies = []
        for line in lines:
            line = line.removesuffix(b"\r")
            reply = None
            if not self._lines and len(line) <= _LONGEST_KNOWN:
                reply = _alone(line)
            if reply is None:
                reply = self._line(line)
            if reply is not None:
                replies.append(reply)
        if self._octets + len(self._held) > MOST_OCTETS:
            raise BadReply("reply too long")
        return replies

    def _line(self, line: bytes) -> PeerReply | None:
        self._octets += len(line) + 2
        if self._octets > MOST_OCTETS or len(self._lines) >= MOST_LINES:
            raise BadReply("reply too long")
        found = _LINE.fullmatch(line)
        if found is None:
            raise BadReply(f"not a reply: {_shown(line)[:100]!r}")
        text = found[3]
        self._lines.append((int(found[1]), _shown(text) if text else ""))
        if found[2] == b"-":
            return None
        reply = _reply(self._lines)
        self._lines = []
        self._octets = 0
        return reply


@lru_cache(_MOST_KNOWN)
def _alone(line: bytes) -> PeerReply | None:
    """
    The reply of this line alone; None if it is none.
    """
    found = _LINE.fullmatch(line)
    if found is None or found[2] == b"-":
        return None
    return _reply([(int(found[1]), _shown(found[3]) if found[3] else "")])


def _reply(lines: list[tuple[int, str]]) -> PeerReply:
    code = lines[-1][0]
    enhanced: str | None = None
    texts = []
    for _, text in lines:
        found = _ENHANCED.match(text)
        if found is not None:
            enhanced = found[2]
            text = text[found.end() :]
        texts.append(text)
    return PeerReply(code, f"{code // 100}{enhanced or '.0.0'}", tuple(texts))


def _shown(octets: bytes) -> str:
    text = octets.decode("utf-8", "replace")
    return _CONTROL.sub(" ", text).strip()
