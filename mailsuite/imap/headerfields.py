"""
The header fields that clients list, kept so that they are found at once.

A client that opens a mailbox asks for a dozen header fields of each message.
They are kept as they stand in the message, each behind a number for its name,
so that an answer is a few slices joined; and the names of all other fields are
kept too, so that "there is none" needs no look at the message either.

Implementation notes

- The form: an octet with the number of fields; an octet for each, the number
  of its name; 16 bits, little-endian, for where the first begins and where each
  ends; the fields; the other names in lower case, with LF before, between and
  after them.
- Mail of one kind has its fields in one order, so where in the numbers the
  wanted ones stand is worked out once for each order; an answer is then one
  look, and a slice for each run of neighbours.
- The numbers are places in ``_NAMES``: a name may be added at its end, which
  is another version (renderers.py).
- More octets than are worth keeping are not kept: then the message is asked.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

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

#: Orders of fields that are remembered for one request.
_MOST_ORDERS = 4096


@dataclass(frozen=True, slots=True)
class WantedFields:
    """
    Header fields that are asked for, ready to be looked up many times.

    :param numbers: of names that are kept.
    :param others: of other names: lower case, between two LF.
    """

    numbers: frozenset[int]
    others: tuple[bytes, ...]
    _orders: dict[bytes, struct.Struct] = field(
        default_factory=dict, compare=False, repr=False
    )

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

    def bounds(self, order: bytes) -> struct.Struct:
        """
        What reads, of a message's ends of fields, where the runs of wanted
        fields begin and end.

        :param order: the numbers of its fields.
        """
        found = self._orders.get(order)
        if found is None:
            if len(self._orders) >= _MOST_ORDERS:
                self._orders.clear()
            found = self._orders[order] = struct.Struct(self._form(order))
        return found

    def _form(self, order: bytes) -> str:
        wanted = [False, *(number in self.numbers for number in order), False]
        # A place is read if a run begins or ends there.
        return "<" + "".join(
            "H" if here is not before else "2x"
            for before, here in pairwise(wanted)
        )


def encode(section: bytes) -> bytes:
    """
    What is kept of a header section; ``answer`` reads it.
    """
    order = bytearray()
    kept: list[bytes] = []
    octets = 0
    others: dict[bytes, None] = {}
    for each in fields(section):
        name = each.name.lower()
        number = _NUMBER_OF.get(name)
        if number is None:
            if name not in others:
                others[name] = None
                octets += len(name)
        else:
            order.append(number)
            kept.append(section[each.offset : each.end])
            octets += each.length
        if octets > MOST_OCTETS or len(order) > MOST_FIELDS:
            return NOT_KEPT
    if kept and not kept[-1].endswith(b"\n"):
        # A section that ends without a line end: the answer has one.
        kept[-1] += b"\r\n"
    first = 1 + len(order) + 2 * (len(order) + 1)
    ends = accumulate(map(len, kept), initial=first)
    return b"%c%b%b%b\n%b\n" % (
        len(order),
        bytes(order),
        struct.pack(f"<{len(order) + 1}H", *ends),
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
    start = 1 + kept[0]
    bounds = wanted.bounds(kept[1:start]).unpack_from(kept, start)
    if len(bounds) == 4:
        # Two runs, as in nearly all mail.
        a, b, c, d = bounds
        return b"%b%b\r\n" % (kept[a:b], kept[c:d])
    runs = map(kept.__getitem__, map(slice, bounds[::2], bounds[1::2]))
    return b"".join([*runs, b"\r\n"])
