"""
What IMAP wants to know of each message, made once when it arrives.

The store keeps the octets and gives them back by name; FETCH sends most of
them as they are.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from mmap import mmap

from zope.interface import implementer

from mailsuite.imap import bodystructure, headerfields, outline
from mailsuite.imap.envelope import envelope
from mailsuite.interfaces import IRenderer
from mailsuite.mail import mime
from mailsuite.mail.mime import Part

ENVELOPE = "imap-envelope"
BODY_STRUCTURE = "imap-bodystructure"
BODY = "imap-body"
HEADER_FIELDS = "imap-header-fields"
OUTLINE = "imap-outline"

#: A larger message that is not a mapped file is parsed anew by each renderer,
#: rather than kept in memory until the next one comes.
_REMEMBERED_OCTETS = 1 << 18


class _LastParsed:
    """
    The structure of the message that was rendered last: a message goes
    through all renderers in turn, in several threads at once.
    """

    def __init__(self) -> None:
        self._last: tuple[bytes | weakref.ref[mmap], Part] | None = None

    def structure(self, content: bytes | mmap) -> Part:
        """
        Parse a message, unless that was just done.
        """
        if (last := self._last) is not None:
            seen, message = last
            if content is (seen() if isinstance(seen, weakref.ref) else seen):
                return message
        message = mime.parse(content)
        if not isinstance(content, bytes):
            self._last = weakref.ref(content), message
        elif len(content) <= _REMEMBERED_OCTETS:
            self._last = content, message
        return message


@implementer(IRenderer)
class Renderer:
    """
    One of the things that are made of a message's octets and structure.
    """

    def __init__(
        self,
        name: str,
        version: int,
        parsed: _LastParsed,
        print_it: Callable[[bytes | mmap, Part], bytes],
    ) -> None:
        self.name = name
        self.version = version
        self._parsed = parsed
        self._print = print_it

    def render(self, content: bytes | mmap, size: int) -> bytes:
        """
        Make it of this message.
        """
        return self._print(content, self._parsed.structure(content))


def renderers() -> tuple[Renderer, ...]:
    """
    All that IMAP asks of the store.  The versions count up whenever the same
    message would give other octets.
    """
    parsed = _LastParsed()
    return (
        Renderer(ENVELOPE, 1, parsed, _envelope),
        Renderer(BODY_STRUCTURE, 1, parsed, bodystructure.body_structure),
        Renderer(BODY, 1, parsed, bodystructure.body),
        Renderer(HEADER_FIELDS, 2, parsed, _header_fields),
        Renderer(OUTLINE, 1, parsed, _outline),
    )


def _envelope(content: bytes | mmap, message: Part) -> bytes:
    end = min(message.header_length, mime.FIELDS_WITHIN_OCTETS)
    return envelope(content[:end])


def _header_fields(content: bytes | mmap, message: Part) -> bytes:
    if message.header_length > mime.FIELDS_WITHIN_OCTETS:
        return headerfields.NOT_KEPT
    return headerfields.encode(content[: message.header_length])


def _outline(_content: bytes | mmap, message: Part) -> bytes:
    return outline.encode(message)
