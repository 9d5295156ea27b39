"""
What FETCH can be asked for (RFC 9051 6.4.5, RFC 3501 6.4.5, RFC 7162).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from mailsuite.imap.wire.lexer import BadSyntax, Cursor


class MessageItem(Enum):
    """
    Items without an argument; the value is the name on the wire.
    """

    UID = b"UID"
    FLAGS = b"FLAGS"
    INTERNALDATE = b"INTERNALDATE"
    SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    MODSEQ = b"MODSEQ"


class SectionText(Enum):
    """
    Which octets of a part a section means; the value is the wire's name.
    """

    HEADER = b"HEADER"
    HEADER_FIELDS = b"HEADER.FIELDS"
    HEADER_FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"


@dataclass(frozen=True, slots=True)
class Partial:
    """
    ``<offset.length>``: at most ``length`` octets from ``offset`` on.
    """

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class BodySection:
    r"""
    ``BODY[...]``, or RFC822, RFC822.HEADER, RFC822.TEXT.

    :param part: part numbers from the outermost in; empty for the message.
    :param text: None is the whole message or the part's body.
    :param fields: names of header fields, for HEADER.FIELDS and its NOT.
    :param label: what names the item in the response, ``<offset>`` included;
        the names of fields are echoed letter for letter.
    :param sets_seen: whether fetching it sets ``\Seen``.
    """

    part: tuple[int, ...]
    text: SectionText | None
    fields: tuple[bytes, ...]
    partial: Partial | None
    label: bytes
    sets_seen: bool


@dataclass(frozen=True, slots=True)
class BinarySection:
    r"""
    ``BINARY[...]``: a part with its transfer encoding undone (RFC 9051 6.4.5,
    RFC 3516); an empty part is the whole message.

    :param label: what names the item in the response, ``<offset>`` included.
    :param sets_seen: whether fetching it sets ``\Seen``.
    """

    part: tuple[int, ...]
    partial: Partial | None
    label: bytes
    sets_seen: bool


@dataclass(frozen=True, slots=True)
class BinarySize:
    """
    ``BINARY.SIZE[...]``: octets of the part with its encoding undone.
    """

    part: tuple[int, ...]
    label: bytes


FetchItem = MessageItem | BodySection | BinarySection | BinarySize


# --- Parsing -----------------------------------------------------------------

#: Part numbers that a section may have; no real message nests as deep.
_MOST_PARTS = 50

_UID, _FLAGS = MessageItem.UID, MessageItem.FLAGS
_MACROS = {
    b"FAST": (_FLAGS, MessageItem.INTERNALDATE, MessageItem.SIZE),
    b"ALL": (
        _FLAGS,
        MessageItem.INTERNALDATE,
        MessageItem.SIZE,
        MessageItem.ENVELOPE,
    ),
    b"FULL": (
        _FLAGS,
        MessageItem.INTERNALDATE,
        MessageItem.SIZE,
        MessageItem.ENVELOPE,
        MessageItem.BODY,
    ),
}
_PLAIN = {item.value: item for item in MessageItem}
_OLD = {
    b"RFC822": (None, True),
    b"RFC822.HEADER": (SectionText.HEADER, False),
    b"RFC822.TEXT": (SectionText.TEXT, True),
}
# ``[`` is an atom's character, yet ends the name of an item.
_NAME = re.compile(rb"[A-Za-z0-9.]+")
_PART = re.compile(rb"[1-9][0-9]{0,9}(?:\.[1-9][0-9]{0,9})*")
_TEXT = re.compile(rb"[A-Za-z.]+")
_FIELD_NAME = re.compile(rb"[!-9;-~]+")
_TEXTS = {text.value: text for text in SectionText}
_WITH_FIELDS = (SectionText.HEADER_FIELDS, SectionText.HEADER_FIELDS_NOT)


def parse_items(cursor: Cursor) -> tuple[FetchItem, ...]:
    """
    FETCH's items: a macro, one item, or a list of them.

    :return: each once, in the order they were asked for.
    """
    if cursor.looking_at(b"("):
        items = cursor.listed(lambda: _item(cursor))
        if not items:
            raise BadSyntax("No items to fetch")
        return tuple(dict.fromkeys(items))
    start = cursor.at
    macro = _MACROS.get(cursor.matched(_NAME, "an item").upper())
    if macro is not None:
        return macro
    cursor.at = start
    return (_item(cursor),)


def with_item(
    items: tuple[FetchItem, ...], item: MessageItem
) -> tuple[FetchItem, ...]:
    """
    The items with one that is implied; it comes first, as it is short.
    """
    return items if item in items else (item, *items)


def _item(cursor: Cursor) -> FetchItem:
    name = cursor.matched(_NAME, "an item").upper()
    if cursor.looking_at(b"["):
        return _section(cursor, name)
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _OLD:
        text, sets_seen = _OLD[name]
        return BodySection((), text, (), None, name, sets_seen)
    raise BadSyntax("Unknown item to fetch")


def _section(cursor: Cursor, name: bytes) -> FetchItem:
    cursor.take(b"[")
    match name:
        case b"BODY" | b"BODY.PEEK":
            part, text, fields, label = _spec(cursor)
            cursor.take(b"]")
            partial, suffix = _partial(cursor)
            label = b"BODY[%b]%b" % (label, suffix)
            return BodySection(
                part, text, fields, partial, label, name == b"BODY"
            )
        case b"BINARY" | b"BINARY.PEEK":
            part, label = _part(cursor)
            cursor.take(b"]")
            partial, suffix = _partial(cursor)
            label = b"BINARY[%b]%b" % (label, suffix)
            return BinarySection(part, partial, label, name == b"BINARY")
        case b"BINARY.SIZE":
            part, label = _part(cursor)
            cursor.take(b"]")
            return BinarySize(part, b"BINARY.SIZE[%b]" % label)
    raise BadSyntax("Unknown item to fetch")


def _part(cursor: Cursor) -> tuple[tuple[int, ...], bytes]:
    found = cursor.perhaps(_PART)
    if found is None:
        return (), b""
    numbers = found.split(b".")
    if len(numbers) > _MOST_PARTS:
        raise BadSyntax("Part numbers are nested too deep")
    return tuple(int(number) for number in numbers), found


def _spec(
    cursor: Cursor,
) -> tuple[tuple[int, ...], SectionText | None, tuple[bytes, ...], bytes]:
    """
    What stands between the brackets of BODY[], and how it is echoed.
    """
    part, label = _part(cursor)
    if part and not cursor.took(b"."):
        return part, None, (), label
    if not part and cursor.looking_at(b"]"):
        return (), None, (), b""
    name = cursor.matched(_TEXT, "a section").upper()
    text = _TEXTS.get(name)
    if text is None or (text is SectionText.MIME and not part):
        raise BadSyntax("Unknown section")
    label = b"%b.%b" % (label, name) if part else name
    if text not in _WITH_FIELDS:
        return part, text, (), label
    cursor.space()
    echoed: list[bytes] = []
    fields = cursor.listed(lambda: _field(cursor, echoed))
    if not fields:
        raise BadSyntax("No header fields are named")
    label = b"%b (%b)" % (label, b" ".join(echoed))
    return part, text, tuple(fields), label


def _field(cursor: Cursor, echoed: list[bytes]) -> bytes:
    """
    One name of a header field, and in ``echoed`` how the client wrote it.
    """
    start = cursor.at
    literal = cursor.looking_at(b"{")
    name = cursor.astring()
    # Field names are printable ASCII without a colon (RFC 5322 2.2).
    if not _FIELD_NAME.fullmatch(name):
        raise BadSyntax("Not a header field's name")
    echoed.append(
        b'"%b"' % name.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        if literal
        else cursor.text[start : cursor.at]
    )
    return name


def _partial(cursor: Cursor) -> tuple[Partial | None, bytes]:
    """
    ``<offset.length>`` if it is there, and its echo ``<offset>``.
    """
    if not cursor.took(b"<"):
        return None, b""
    offset = cursor.number()
    cursor.take(b".")
    length = cursor.number()
    if not length:
        raise BadSyntax("Length of a partial fetch is 0")
    cursor.take(b">")
    return Partial(offset, length), b"<%d>" % offset
