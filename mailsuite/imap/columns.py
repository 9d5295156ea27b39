r"""
FETCH items that need no message: whole columns from the mailbox's arrays and
from renderings.

Implementation notes

- A batch of rows is printed by one template, applied to its columns side by
  side: nothing is decided row by row.
- What has to be waited for (renderings) comes first.  Then flags and numbers
  are read in one go, so that a row is true at one moment.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

from mailsuite.errors import MailError, NoSuchMessage
from mailsuite.imap import headerfields, renderers, sections
from mailsuite.imap.bodies import header_fields, literal
from mailsuite.imap.headerfields import WantedFields
from mailsuite.imap.selected import Selected
from mailsuite.imap.wire.datetimes import printed_moment
from mailsuite.imap.wire.fetchitems import (
    BodySection,
    MessageItem,
    SectionText,
)
from mailsuite.mail.mailboxes import Messages

_RENDERED = {
    MessageItem.ENVELOPE: renderers.ENVELOPE,
    MessageItem.BODY: renderers.BODY,
    MessageItem.BODYSTRUCTURE: renderers.BODY_STRUCTURE,
}

#: What stands in a template for an item's value.
_TEMPLATES = {
    MessageItem.UID: b"UID %d",
    MessageItem.FLAGS: b"FLAGS %b",
    MessageItem.INTERNALDATE: b"INTERNALDATE %b",
    MessageItem.SIZE: b"RFC822.SIZE %d",
    MessageItem.MODSEQ: b"MODSEQ (%d)",
    MessageItem.ENVELOPE: b"ENVELOPE %b",
    MessageItem.BODY: b"BODY %b",
    MessageItem.BODYSTRUCTURE: b"BODYSTRUCTURE %b",
}


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Some messages of the client's view, side by side and in order.
    """

    seqs: Sequence[int]
    uids: array[int]


@dataclass(frozen=True, slots=True)
class Filled:
    """
    The messages of a batch that are still there.

    :param columns: the template's values, their numbers first.
    """

    uids: Sequence[int]
    columns: list[Sequence[object]]


@dataclass(frozen=True, slots=True)
class KeptFields:
    """
    A column of HEADER.FIELDS, answered from what is kept of the header.
    """

    section: BodySection
    wanted: WantedFields

    @classmethod
    def of(cls, item: BodySection) -> KeptFields | None:
        """
        The column for a section, if it can be one.
        """
        if item.part or item.text is not SectionText.HEADER_FIELDS:
            return None
        return cls(item, WantedFields.of(item.fields))


ColumnItem = MessageItem | KeptFields


class Columns:
    r"""
    Prints the columns of one FETCH.

    :param recent: whether \Recent is a flag here (RFC 3501).
    :ivar failure: why a message was left out that is there.
    """

    def __init__(
        self, selected: Selected, items: Iterable[ColumnItem], *, recent: bool
    ) -> None:
        self._selected = selected
        self._items = tuple(items)
        self._recent = recent
        self.failure: MailError | None = None

    @property
    def waits(self) -> bool:
        """
        Whether any column has to be asked for.
        """
        return any(
            isinstance(item, KeptFields) or item in _RENDERED
            for item in self._items
        )

    @property
    def template(self) -> bytes:
        """
        The items, with a place for each value.
        """
        return b" ".join(
            [
                _TEMPLATES[item]
                if isinstance(item, MessageItem)
                else item.section.label.replace(b"%", b"%%") + b" %b"
                for item in self._items
            ]
        )

    async def fill(self, batch: Batch) -> Filled:
        """
        The values for a batch, as they are when this returns.
        """
        waited: dict[ColumnItem, Sequence[bytes | None]] = {}
        for item in self._items:
            if isinstance(item, KeptFields):
                waited[item] = await self._header_fields(item, batch.uids)
            elif item in _RENDERED:
                waited[item] = await self._selected.mailbox.renderings(
                    _RENDERED[item], batch.uids
                )
        messages = self._selected.mailbox.messages
        places = _places(messages, batch.uids)
        if _GONE in places or any(None in them for them in waited.values()):
            there = [
                place != _GONE and None not in row
                for place, *row in zip(places, *waited.values(), strict=True)
            ]
            batch = Batch(
                list(compress(batch.seqs, there)),
                array("I", compress(batch.uids, there)),
            )
            places = list(compress(places, there))
            for item, them in waited.items():
                waited[item] = list(compress(them, there))
        columns: list[Sequence[object]] = [batch.seqs]
        columns += [
            waited[item]
            if item in waited
            else self._column(item, messages, batch.uids, places)
            for item in self._items
        ]
        return Filled(batch.uids, columns)

    def _column(
        self,
        item: ColumnItem,
        messages: Messages,
        uids: Sequence[int],
        places: Sequence[int],
    ) -> Sequence[object]:
        """
        One column from the arrays.
        """
        match item:
            case MessageItem.UID:
                return uids
            case MessageItem.FLAGS:
                return self._flags(_picked(messages.flags, places), uids)
            case MessageItem.INTERNALDATE:
                dates = _picked(messages.dates, places)
                return [printed_moment(date) for date in dates]
            case MessageItem.SIZE:
                return _picked(messages.sizes, places)
            case MessageItem.MODSEQ:
                return _picked(messages.modseqs, places)
            case _:
                raise AssertionError(f"{item} is no number of a message")

    def _flags(
        self, flags: Sequence[int], uids: Sequence[int]
    ) -> Sequence[bytes]:
        lists, different = self._selected.flag_lists, set(flags)
        printed = {bits: lists.of(bits) for bits in different}
        column = [printed[bits] for bits in flags]
        if not self._recent or not uids:
            return column
        for first, last in self._selected.view.recent.ranges:
            start, end = bisect_left(uids, first), bisect_right(uids, last)
            if start < end:
                printed = {b: lists.of(b, recent=True) for b in different}
                column[start:end] = [printed[bits] for bits in flags[start:end]]
        return column

    async def _header_fields(
        self, column: KeptFields, uids: Sequence[int]
    ) -> list[bytes | None]:
        """
        HEADER.FIELDS of each message; from the message itself where a field is
        asked for that is not kept.
        """
        mailbox, wanted = self._selected.mailbox, column.wanted
        kept = await mailbox.renderings(renderers.HEADER_FIELDS, uids)
        found = [
            None if each is None else headerfields.answer(each, wanted)
            for each in kept
        ]
        if None in found:
            for at, each in enumerate(found):
                if each is None and kept[at] is not None:
                    found[at] = await self._read_fields(column, uids[at])
        partial = column.section.partial
        if partial is None:
            # The empty line is there at least: so it is never "".
            return [
                None if each is None else b"{%d}\r\n%b" % (len(each), each)
                for each in found
            ]
        return [
            None if each is None else literal(sections.clipped(each, partial))
            for each in found
        ]

    async def _read_fields(self, column: KeptFields, uid: int) -> bytes | None:
        try:
            return await header_fields(
                self._selected.mailbox, uid, column.section
            )
        except NoSuchMessage:
            return None
        except MailError as failure:
            self.failure = failure
            return None


#: The place of a message that is not there.
_GONE = -1


def _places(messages: Messages, uids: array[int]) -> Sequence[int]:
    """
    Where in the arrays each of these UIDs stands, ``_GONE`` if nowhere.
    """
    first = messages.place(uids[0])
    if first is not None:
        last = first + len(uids)
        if messages.uids[first:last] == uids:
            return range(first, last)
    found = [messages.place(uid) for uid in uids]
    return [_GONE if place is None else place for place in found]


def _picked(column: Sequence[int], places: Sequence[int]) -> Sequence[int]:
    if isinstance(places, range):
        return column[places.start : places.stop]
    return [column[place] for place in places]
