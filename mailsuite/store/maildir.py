"""
Names in a Maildir++ tree: of messages, with their flags, and of folders.

Implementation notes

- A message's base name is all before the colon: it stays as long as the
  message is in this folder, and is what ``dovecot-uidlist`` names.
- After the colon comes ``2,`` and the flags as letters in ASCII's order:
  D F R S T, and a-z for the folder's keywords.  Letters that mean nothing to
  us, and what other programs put behind another comma, stay when flags change.
- Names that are no UTF-8 pass through as Python's file functions give them,
  with surrogates.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from mailsuite.errors import InvalidMailboxName
from mailsuite.mail import mutf7
from mailsuite.mail.flags import (
    ANSWERED_BIT,
    DELETED_BIT,
    DRAFT_BIT,
    FIRST_KEYWORD_BIT,
    FLAGGED_BIT,
    MOST_KEYWORDS,
    SEEN_BIT,
)
from mailsuite.mail.mailboxes import INBOX, SEPARATOR

NEW = "new"
CUR = "cur"
TMP = "tmp"

#: The file that marks a folder of a Maildir++ tree as one of its mailboxes.
MARK = "maildirfolder"

_LEVEL = "."

#: The most octets that a folder's name may have.
_MOST_OCTETS = 255

#: Base names that ``Names`` makes.
_OURS = re.compile(r"[0-9]+\.M[0-9]+P[0-9]+Q[0-9]+R[0-9a-f]{8}\.")

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_BIT_OF = {
    "D": DRAFT_BIT,
    "F": FLAGGED_BIT,
    "R": ANSWERED_BIT,
    "S": SEEN_BIT,
    "T": DELETED_BIT,
} | {
    chr(ord("a") + place): 1 << (FIRST_KEYWORD_BIT + place)
    for place in range(MOST_KEYWORDS)
}

#: Flags of letters and letters of flags met so far: of the many names in a
#: mailbox few differ here.  Emptied when it has grown large.
_bits_known: dict[str, int] = {}
_MOST_KNOWN = 4096


# --- Messages ----------------------------------------------------------------


class MessageName(NamedTuple):
    """
    A message's file name, taken apart.

    :param base: what stays the same when flags change.
    :param letters: of the flags, known to us or not, in the order found.
    :param rest: what stands behind the letters, with its comma; or all behind
        the colon, if that is not of the form with flags.
    :param flagged: whether there is a colon and ``2,``.
    """

    base: str
    letters: str = ""
    rest: str = ""
    flagged: bool = False

    @classmethod
    def parse(cls, name: str) -> MessageName:
        """
        Take a file name apart; there is none that cannot be.
        """
        base, colon, info = name.partition(":")
        if not colon:
            return cls(base)
        if not info.startswith("2,"):
            return cls(base, rest=info)
        letters, comma, rest = info[2:].partition(",")
        return cls(base, letters, comma + rest, True)

    def __str__(self) -> str:
        if self.flagged:
            return f"{self.base}:2,{self.letters}{self.rest}"
        return f"{self.base}:{self.rest}" if self.rest else self.base

    @property
    def flags(self) -> int:
        """
        The flags as the bits of a number (see ``mail.flags``).
        """
        known = _bits_known.get(self.letters)
        if known is None:
            known = 0
            for letter in self.letters:
                known |= _BIT_OF.get(letter, 0)
            if len(_bits_known) > _MOST_KNOWN:
                _bits_known.clear()
            _bits_known[self.letters] = known
        return known

    def with_flags(self, flags: int) -> MessageName:
        """
        The name with these flags; it has the form with flags from here on.
        """
        letters = {x for x in self.letters if x not in _BIT_OF}
        letters.update(x for x, bit in _BIT_OF.items() if flags & bit)
        rest = self.rest
        if not self.flagged and rest:
            rest = f",{rest}"
        return MessageName(self.base, "".join(sorted(letters)), rest, True)

    @property
    def size(self) -> int | None:
        """
        The octets of the file, if the name says (``,S=``); others' names may
        lie.
        """
        return _field(self.base, ",S=")

    def is_torn(self, octets: int) -> bool:
        """
        Whether a file of so many octets is what a crash left of a message of
        ours: all of it is written before it is linked, but not synced.
        """
        size = self.size
        return (
            size is not None and octets < size and bool(_OURS.match(self.base))
        )

    @property
    def arrival(self) -> tuple[int, int, str]:
        """
        The place in the order of arrival, as Dovecot counts it: seconds,
        microseconds, name.
        """
        seconds, _, rest = self.base.partition(".")
        return (
            int(seconds) if _is_number(seconds) else 0,
            _microseconds(rest),
            self.base,
        )

    @property
    def seconds(self) -> int | None:
        """
        When the message came into this folder, seconds since 1970; None if
        the name does not say.
        """
        first = self.base.partition(".")[0]
        return int(first) if _is_number(first) else None


def _is_number(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) <= 18


def _field(base: str, mark: str) -> int | None:
    before, found, after = base.partition(mark)
    digits = after.partition(",")[0]
    return int(digits) if found and _is_number(digits) else None


def _microseconds(rest: str) -> int:
    if not rest.startswith("M"):
        return 0
    digits = 1
    while digits < len(rest) and rest[digits] in "0123456789":
        digits += 1
    return int(rest[1:digits]) if _is_number(rest[1:digits]) else 0


class Names:
    """
    Makes base names that no other process makes.

    :param seconds: the clock, since 1970.
    :param host: this machine's name.
    """

    def __init__(
        self, seconds: Callable[[], float], host: str | None = None
    ) -> None:
        self._seconds = seconds
        self._host = _quoted_host(host or socket.gethostname())
        self._count = count(1)

    def base(self, size: int) -> str:
        """
        The base name for a message of so many octets that arrives now.

        May be called in any thread.
        """
        now = self._seconds()
        # The pid is asked for each time: there may have been a fork.
        return (
            f"{int(now)}.M{int(now * 1_000_000) % 1_000_000}P{os.getpid()}"
            f"Q{next(self._count)}R{secrets.token_hex(4)}"
            f".{self._host},S={size}"
        )


def _quoted_host(host: str) -> str:
    """
    A host's name without what has a meaning in a message's name.
    """
    for character in "/:,":
        host = host.replace(character, f"\\{ord(character):03o}")
    return host


# --- Folders -----------------------------------------------------------------


def folder_of(name: str) -> str:
    """
    The folder of a mailbox, relative to the tree's root; "" is the root.

    :raises InvalidMailboxName: Maildir++ has no folder for it.
    """
    # RFC 9051 5.1: INBOX is one name in any case.
    if name.upper() == INBOX:
        return ""
    levels = name.split(SEPARATOR)
    if any(not level or _LEVEL in level for level in levels):
        raise InvalidMailboxName
    try:
        folder = "".join(_LEVEL + mutf7.encode(level) for level in levels)
    except mutf7.NotModifiedUTF7 as error:
        raise InvalidMailboxName from error
    if len(folder) > _MOST_OCTETS:
        raise InvalidMailboxName
    return folder


def new_folder_of(name: str) -> str:
    """
    As ``folder_of``, for a mailbox that is about to be made.

    :raises InvalidMailboxName: also for control characters, which others may
        have made (RFC 9051 5.1 and RFC 5198 2).
    """
    if _CONTROLS.search(name):
        raise InvalidMailboxName
    return folder_of(name)


def mailbox_of(folder: str) -> str | None:
    """
    The mailbox that a folder of the tree's root is; None if it is none.

    What is not exactly a name of ours is none, so that no mailbox has two
    folders.
    """
    if not folder.startswith(_LEVEL):
        return None
    try:
        levels = [mutf7.decode(x) for x in folder[1:].split(_LEVEL)]
        name = SEPARATOR.join(levels)
        return name if folder_of(name) == folder else None
    except (mutf7.NotModifiedUTF7, InvalidMailboxName):
        return None
