"""
The header fields that clients list, kept so that they are found at once.

A client that opens a mailbox asks for a dozen header fields of each message.
They are kept as they stand in the message, each behind a number for its name,
so that an answer is a few slices joined; and the names of all other fields are
kept too, so that "there is none" needs no look at the message either.

Implementation notes

- The form: one octet with the number of fields; for each a word of 32 bits,
  little-endian, length << 8 | number of the name; the fields; the other names
  in lower case, with LF before, between and after them.
- The numbers are places in ``_NAMES``: a name may be added at its end, which
  is another version (renderers.py).
- More octets than are worth keeping are not kept: then the message is asked.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from mailsuite.mail.headers import fields

_NAMES = (
    b"date",
    b"from",
    b"to",
    b"cc",
    b"bcc",
    b"subject",
    b"message-id",
    b"in-reply-to",
    b"references",
    b"reply-to",
    b"sender",
    b"content-type",
    b"content-transfer-encoding",
    b"content-description",
    b"content-language",
    b"mime-version",
    b"priority",
    b"x-priority",
    b"importance",
    b"newsgroups",
    b"list-id",
    b"list-post",
    b"list-unsubscribe",
    b"user-agent",
    b"x-mailer",
    b"disposition-notification-to",
    b"return-path",
    b"resent-from",
    b"resent-to",
    b"resent-date",
    b"auto-submitted",
    b"precedence",
    b"x-spam-flag",
    b"x-spam-status",
    b"x-original-to",
    b"delivered-to",
    b"mail-followup-to",
    b"lines",
    b"x-label",
    b"x-uniform-type-identifier",
    b"x-universally-unique-identifier",
)
_NUMBER_OF = {name: number for number, name in enumerate(_NAMES)}

#: Octets of listed fields, and of other names, of one message.
MOST_OCTETS = 16_384
#: Listed fields of one message.
MOST_FIELDS = 255

#: What ``encode`` gives for a header section that is not worth keeping.
NOT_KEPT = b""

_WORDS = tuple(struct.Struct(f"<{n}I") for n in range(MOST_FIELDS + 1))


@dataclass(frozen=True, slots=True)
class WantedFields:
    """
    Header fields that are asked for, ready to be looked up many times.

    :param numbers: of names that are kept.
    :param others: of other names: lower case, between two LF.
    """

    numbers: frozenset[int]
    others: tuple[bytes, ...]

    @classmethod
    def of(cls, names: Iterable[bytes]) -> WantedFields:
        """
        Ask for these names, in any case.
        """
        numbers: set[int] = set()
        others: list[bytes] = []
        for name in names:
            number = _NUMBER_OF.get(name.lower())
            if number is None:
                others.append(b"\n%b\n" % name.lower())
            else:
                numbers.add(number)
        return cls(frozenset(numbers), tuple(others))


def encode(section: bytes) -> bytes:
    """
    What is kept of a header section; ``answer`` reads it.
    """
    words: list[int] = []
    kept: list[bytes] = []
    octets = 0
    others: dict[bytes, None] = {}
    for field in fields(section):
        name = field.name.lower()
        number = _NUMBER_OF.get(name)
        if number is None:
            if name not in others:
                others[name] = None
                octets += len(name)
        else:
            words.append(field.length << 8 | number)
            kept.append(section[field.offset : field.end])
            octets += field.length
        if octets > MOST_OCTETS or len(words) > MOST_FIELDS:
            return NOT_KEPT
    if kept and not kept[-1].endswith(b"\n"):
        # A section that ends without a line end: the answer has one.
        words[-1] += 2 << 8
        kept.append(b"\r\n")
    return b"%c%b%b\n%b\n" % (
        len(words),
        _WORDS[len(words)].pack(*words),
        b"".join(kept),
        b"\n".join(others),
    )


def answer(kept: bytes, wanted: WantedFields) -> bytes | None:
    """
    What HEADER.FIELDS asks for: the fields as they stand, in the message's
    order, and an empty line.  None if only the message itself can tell.

    :param kept: from ``encode``.
    """
    if not kept:
        return None
    for other in wanted.others:
        if other in kept:
            return None
    numbers = wanted.numbers
    words = _WORDS[kept[0]]
    at = 1 + words.size
    found: list[bytes] = []
    for word in words.unpack_from(kept, 1):
        end = at + (word >> 8)
        if word & 255 in numbers:
            found.append(kept[at:end])
        at = end
    found.append(b"\r\n")
    return b"".join(found)
