"""
Flags and keywords, as names and as the bits of a number.

Implementation notes

- A mailbox of 100,000 messages keeps its flags as an array of numbers: bits
  0-4 are the system flags below, bit 5 + n is the mailbox's nth keyword (there
  are at most 26, RFC 9051 2.3.2 and the maildir's letters a-z).
- Flag names are case-insensitive (RFC 9051 2.3.2); the first spelling seen is
  kept for keywords, and the RFC's for system flags.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

ANSWERED = "\\Answered"
FLAGGED = "\\Flagged"
DELETED = "\\Deleted"
SEEN = "\\Seen"
DRAFT = "\\Draft"

#: In the order of their bits.
SYSTEM_FLAGS = (ANSWERED, FLAGGED, DELETED, SEEN, DRAFT)

ANSWERED_BIT, FLAGGED_BIT, DELETED_BIT, SEEN_BIT, DRAFT_BIT = (
    1 << place for place in range(5)
)
FIRST_KEYWORD_BIT = 5
MOST_KEYWORDS = 26

_SPELLING = {name.lower(): name for name in SYSTEM_FLAGS}


def spelled(flag: str) -> str:
    r"""
    A system flag in the RFC's spelling (``\seen`` is ``\Seen``); else as it is.
    """
    return _SPELLING.get(flag.lower(), flag)


class FlagMode(Enum):
    """
    What a change of flags does with those it names.
    """

    ADD = "add"
    REMOVE = "remove"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class FlagNames:
    """
    What the bits of a mailbox's flag numbers mean.

    :param keywords: the mailbox's keywords in the order of their bits; a place
        that no keyword has is the empty string.
    """

    keywords: tuple[str, ...] = ()

    def names(self, bits: int) -> tuple[str, ...]:
        """
        The flags of one message, system flags first.
        """
        found = [n for i, n in enumerate(SYSTEM_FLAGS) if bits >> i & 1]
        found += [
            name
            for i, name in enumerate(self.keywords, FIRST_KEYWORD_BIT)
            if bits >> i & 1 and name
        ]
        return tuple(found)

    def bit(self, flag: str) -> int | None:
        """
        The flag's bit, or None if this mailbox has no such keyword.
        """
        wanted = flag.lower()
        for i, name in enumerate(SYSTEM_FLAGS):
            if name.lower() == wanted:
                return 1 << i
        for i, name in enumerate(self.keywords, FIRST_KEYWORD_BIT):
            if name and name.lower() == wanted:
                return 1 << i
        return None

    def bits(self, flags: Iterable[str]) -> int:
        """
        The number for these flags; keywords that the mailbox lacks are left
        out.
        """
        total = 0
        for flag in flags:
            total |= self.bit(flag) or 0
        return total

    def missing(self, flags: Iterable[str]) -> tuple[str, ...]:
        """
        Those of ``flags`` that would need a new keyword, each once.
        """
        wanted: dict[str, str] = {}
        for flag in flags:
            if self.bit(flag) is None:
                wanted.setdefault(flag.lower(), flag)
        return tuple(wanted.values())
