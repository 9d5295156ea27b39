"""
A header section as octets: its fields, where they stand, and their values.

Implementation notes

- One regular expression finds all fields; it matches possessively, so that no
  input makes it slower than its length.
- A line that is no field (no colon, or a space in the name) belongs to no
  field.  It stays where it is in the octets, and no look-up finds it.
- Nothing here decodes: see ``encodedwords`` and ``addresslists``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

# The name, then the value with its folded lines; the value ends before LF, so
# that a CR is the last octet of most.
_FIELD = re.compile(rb"(?m)^([!-9;-~]++)[ \t]*+:(.*+(?:\n[ \t].*+)*+)")
_FOLD = re.compile(rb"\r*\n(?=[ \t])")


@dataclass(frozen=True, slots=True)
class Field:
    """
    One header field (RFC 5322 2.2).

    :param name: as it is written.
    :param value: all after the colon, folds and outer spaces included; the
        line end is not.
    :param offset: of the name, counted as ``fields`` was asked to.
    :param length: octets up to the end of the line end.
    """

    name: bytes
    value: bytes
    offset: int
    length: int

    @property
    def end(self) -> int:
        """
        The offset after its line end.
        """
        return self.offset + self.length


def name_value_pairs(section: bytes) -> list[tuple[bytes, bytes]]:
    """
    All fields in their order as (name, value), quickly.

    The name is as it is written; the value may have folds, spaces around it
    and a CR at its end: ``unfolded`` takes them away.
    """
    return _FIELD.findall(section)


def fields(section: bytes, base: int = 0) -> Iterator[Field]:
    """
    All fields in their order, with where they stand.

    :param base: the offset of ``section`` itself, added to theirs.
    """
    for found in _FIELD.finditer(section):
        start, end = found.span()
        if section.startswith(b"\n", end):
            end += 1
        yield Field(
            found[1],
            found[2].removesuffix(b"\r"),
            base + start,
            end - start,
        )


def whole_fields(section: bytes) -> Iterator[tuple[bytes, bytes]]:
    """
    All fields in their order as (name, octets), quickly.

    The octets are those of the whole field, its line end too.
    """
    for found in _FIELD.finditer(section):
        start, end = found.span()
        yield found[1], section[start : end + section.startswith(b"\n", end)]


def first(section: bytes, name: bytes) -> bytes | None:
    """
    The unfolded value of the first field of that name, None if there is none.
    """
    wanted = name.lower()
    for found, value in _FIELD.findall(section):
        if found.lower() == wanted:
            return unfolded(value)
    return None


def every(section: bytes, name: bytes) -> list[bytes]:
    """
    The unfolded values of all fields of that name, in their order.
    """
    wanted = name.lower()
    return [
        unfolded(value)
        for found, value in _FIELD.findall(section)
        if found.lower() == wanted
    ]


def unfolded(value: bytes) -> bytes:
    """
    A field's value on one line, without the spaces around it.

    Only the line ends go (RFC 5322 2.2.3): the space after each stays.
    """
    if b"\n" in value:
        value = _FOLD.sub(b"", value)
    return value.strip(b" \t\r\n")


def section_end(content: bytes) -> int:
    """
    Where the body of a message begins: after the first empty line.

    Without an empty line, or before it, there may be no field at all: then
    there is no header section, and this is 0.
    """
    if content.startswith(b"\r\n"):
        return 2
    blank = content.find(b"\r\n\r\n")
    end = len(content) if blank < 0 else blank + 4
    return end if _FIELD.search(content, 0, end) else 0


def only(section: bytes, names: Collection[bytes]) -> bytes:
    """
    The fields that are named, as they stand, and the empty line after them.

    :param names: in lower case.
    """
    kept = [
        section[field.offset : field.end]
        for field in fields(section)
        if field.name.lower() in names
    ]
    return _closed(b"".join(kept))


def without(section: bytes, names: Collection[bytes]) -> bytes:
    """
    All of a header section but the fields that are named.

    :param names: in lower case.
    """
    kept: list[bytes] = []
    done = 0
    for field in fields(section):
        if field.name.lower() in names:
            kept.append(section[done : field.offset])
            done = field.end
    kept.append(section[done:])
    octets = b"".join(kept)
    if octets.endswith(b"\r\n\r\n") or octets == b"\r\n":
        return octets
    return _closed(octets)


def _closed(octets: bytes) -> bytes:
    if octets and not octets.endswith(b"\n"):
        octets += b"\r\n"
    return octets + b"\r\n"
