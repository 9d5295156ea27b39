"""
The address lists of From, To and their kin (RFC 5322 3.4 and 4.4).

Implementation notes

- Octets in, octets out: encoded words and UTF-8 stay as they are.
- Broken lists are usual, and nothing raises: what can be read is read, and
  every octet is looked at a bounded number of times.
- Nearly all addresses match one regular expression; the others are cut into
  tokens, collected up to the next comma, and read then, when it is known
  whether there was a ``<``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailsuite.mail.address import Address

_SPACE = rb"[ \t\r\n]*+"
_ATEXT = rb"[!#$%&'*+/=?^_`{|}~.0-9A-Za-z\x80-\xff-]"
_USUAL = re.compile(
    _SPACE + rb"(?:"
    rb"(?:\"([^\"\\\r\n]*+)\"|((?:"
    + _ATEXT
    + rb"++[ ]?+)*+))"
    + _SPACE
    + rb"<("
    + _ATEXT
    + rb"++)@("
    + _ATEXT
    + rb"++)>"
    rb"|(" + _ATEXT + rb"++)@(" + _ATEXT + rb"++)"
    rb")" + _SPACE + rb"(?:,|\Z)"
)
_TOKEN = re.compile(
    rb"([ \t\r\n]++)"
    rb"|\"((?:[^\"\\]++|\\.)*+)\""
    rb"|(\[[^\]]*+\]?+)"
    rb"|([<>,;:@(\"])"
    rb"|([^ \t\r\n\"(\[<>,;:@]++)",
    re.DOTALL,
)
_COMMENT_MARK = re.compile(rb"\\.|[()]", re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_SPACES = re.compile(rb"[ \t\r\n]++")


@dataclass(frozen=True, slots=True)
class NamedAddress:
    """
    RFC 5322's mailbox: an address and whose it is.

    :param name: the display name without its quotes, else the text of a
        comment after the address; None if there is neither.
    :param local_part: without quotes; empty if the list has none.
    :param domain: as it is written, a literal with its brackets; empty if the
        list has none.
    :param route: RFC 5322 4.4's obs-route, without its colon.
    """

    name: bytes | None
    local_part: bytes
    domain: bytes
    route: bytes | None = None

    @property
    def address(self) -> Address:
        """
        The address alone, as text.
        """
        return Address(
            self.local_part.decode("utf-8", "replace"),
            self.domain.decode("utf-8", "replace").lower(),
        )


@dataclass(frozen=True, slots=True)
class Group:
    """
    RFC 5322's group: a name for some addresses, or for none.
    """

    name: bytes
    members: tuple[NamedAddress, ...]


def parse(value: bytes) -> tuple[NamedAddress | Group, ...]:
    """
    Read an address list, folded or not.
    """
    found: list[NamedAddress | Group] = []
    at = 0
    size = len(value)
    match = _USUAL.match
    while at < size:
        usual = match(value, at)
        if usual is None:
            if value[at:].strip(b" \t\r\n,"):
                found.extend(_Reader(value[at:]).read())
            break
        quoted, phrase, local, domain, bare, bare_domain = usual.groups()
        if bare is not None:
            found.append(NamedAddress(None, bare, bare_domain))
        else:
            name = quoted if phrase is None else phrase.rstrip(b" ")
            found.append(NamedAddress(name or None, local, domain))
        at = usual.end()
    return tuple(found)


def addresses(value: bytes) -> tuple[NamedAddress, ...]:
    """
    Read an address list; the members of groups stand in line with the others.
    """
    return tuple(_flat(parse(value)))


def _flat(
    entries: tuple[NamedAddress | Group, ...],
) -> Iterator[NamedAddress]:
    for entry in entries:
        if isinstance(entry, Group):
            yield from entry.members
        else:
            yield entry


@dataclass(slots=True)
class _Word:
    """
    A token of an address that is being collected.

    :param mark: it is ``@`` itself, not text that has one.
    :param spaced: white space stood before it.
    """

    text: bytes
    mark: bool
    spaced: bool


class _Reader:
    """
    Reads any list, token by token.
    """

    def __init__(self, value: bytes) -> None:
        self._value = value
        self._at = 0
        self._spaced = False
        self._entries: list[NamedAddress | Group] = []
        self._group: bytes | None = None
        self._members: list[NamedAddress] = []
        self._clear()

    def _clear(self) -> None:
        self._words: list[_Word] = []
        self._inside: list[_Word] | None = None
        self._closed = False
        self._comment: bytes | None = None
        self._route: bytes | None = None

    def read(self) -> list[NamedAddress | Group]:
        """
        All entries up to the end.
        """
        while self._at < len(self._value):
            token = _TOKEN.match(self._value, self._at)
            if token is None:
                break
            self._at = token.end()
            space, quoted, literal, special, atom = token.groups()
            if space is not None:
                self._spaced = True
                continue
            if quoted is not None:
                self._word(_unescaped(quoted))
            elif special is not None:
                self._special(special)
            else:
                self._word(atom or literal)
            self._spaced = False
        self._finish()
        self._end_group()
        return self._entries

    def _word(self, text: bytes, mark: bool = False) -> None:
        if self._inside is not None and not self._closed:
            self._inside.append(_Word(text, mark, self._spaced))
        elif not self._closed:
            self._words.append(_Word(text, mark, self._spaced))

    def _special(self, special: bytes) -> None:
        inside = self._inside is not None and not self._closed
        match special:
            case b"(":
                self._read_comment()
            case b'"':
                # It has no end: from here on quotes mean nothing.
                rest = self._value[self._at :].replace(b'"', b" ")
                self._value = self._value[: self._at] + rest
            case b"@":
                self._word(b"@", mark=True)
            case b"<":
                if self._inside is None:
                    self._inside = []
            case b">":
                self._closed = self._inside is not None
            case b":" if inside:
                # RFC 5322 4.4, obs-route: what came so far is no address.
                self._route = b"".join(word.text for word in self._inside or ())
                self._inside = []
            case b"," if inside and self._is_route():
                self._word(b",")
            case b",":
                self._finish()
            case b":" if self._group is None and not self._has_mark():
                self._group = _phrase(self._words)
                self._clear()
            case b":":
                self._word(b":")
            case _:
                self._finish()
                self._end_group()

    def _is_route(self) -> bool:
        return bool(self._inside) and self._inside[0].mark  # type: ignore[index]

    def _has_mark(self) -> bool:
        return self._closed or any(word.mark for word in self._words)

    def _read_comment(self) -> None:
        depth = 1
        start = self._at
        for mark in _COMMENT_MARK.finditer(self._value, start):
            depth += {b"(": 1, b")": -1}.get(mark[0], 0)
            if depth == 0:
                text = self._value[start : mark.start()]
                self._at = mark.end()
                break
        else:
            text = self._value[start:]
            self._at = len(self._value)
        text = _SPACES.sub(b" ", _unescaped(text)).strip()
        self._comment = text or self._comment

    def _finish(self) -> None:
        address = self._collected()
        self._clear()
        if address is None:
            return
        if self._group is None:
            self._entries.append(address)
        else:
            self._members.append(address)

    def _end_group(self) -> None:
        if self._group is not None:
            self._entries.append(Group(self._group, tuple(self._members)))
            self._group = None
            self._members = []

    def _collected(self) -> NamedAddress | None:
        if self._inside is not None:
            local, domain = _split(self._inside)
            name = _phrase(self._words) or self._comment
            if not local and not domain and not name:
                return None
            return NamedAddress(name, local, domain, self._route or None)
        if not self._words:
            return None
        if self._has_mark():
            local, domain = _split(self._words)
            return NamedAddress(self._comment, local, domain)
        if len(self._words) == 1:
            return NamedAddress(self._comment, self._words[0].text, b"")
        return NamedAddress(_phrase(self._words), b"", b"")


def _split(words: list[_Word]) -> tuple[bytes, bytes]:
    """
    Local part and domain: what stands before and after the last ``@``.

    Both may be spaced around their dots (RFC 5322 4.4); words that follow the
    domain after a space are not looked at.
    """
    last = None
    end = len(words)
    for place, word in enumerate(words):
        if word.mark:
            last = place
        elif last is not None and place > last + 1 and word.spaced:
            before = words[place - 1].text
            if not (before.endswith(b".") or word.text.startswith(b".")):
                end = place
                break
    local = b"".join(word.text for word in words[:last])
    if last is None:
        return local, b""
    return local, b"".join(word.text for word in words[last + 1 : end])


def _phrase(words: list[_Word]) -> bytes:
    pieces: list[bytes] = []
    for word in words:
        if pieces and word.spaced:
            pieces.append(b" ")
        pieces.append(word.text)
    return b"".join(pieces)


def _unescaped(text: bytes) -> bytes:
    if b"\n" in text:
        text = _SPACES.sub(b" ", text)
    return _QUOTED_PAIR.sub(rb"\1", text) if b"\\" in text else text
