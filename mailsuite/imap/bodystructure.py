"""
BODYSTRUCTURE and BODY as they stand on the wire (RFC 9051 7.5.2).

Implementation notes

- Types, encodings and parameters are printed as the message writes them.
- Continued parameters are put together (RFC 2231), as RFC 9051 7.5.2 asks.
  ``name*`` keeps the extended syntax, where that text speaks of UTF-8: clients
  read the charset and the percent signs of RFC 2231 from it.
"""

from __future__ import annotations

from mailsuite.imap.envelope import envelope
from mailsuite.imap.wire.strings import nstring, string
from mailsuite.mail.mime import Octets, Part
from mailsuite.mail.mimefields import Disposition, Parameters, joined


def body_structure(content: Octets, message: Part) -> bytes:
    """
    Print BODYSTRUCTURE: the structure with its extension data.

    :param content: what was parsed into ``message``.
    """
    return _printed(content, message, extensible=True)


def body(content: Octets, message: Part) -> bytes:
    """
    Print BODY: the structure without extension data.
    """
    return _printed(content, message, extensible=False)


def _printed(content: Octets, part: Part, *, extensible: bool) -> bytes:
    if part.is_multipart:
        children = [
            _printed(content, child, extensible=extensible)
            for child in part.children
        ]
        printed = b"%b %b" % (b"".join(children), string(part.subtype))
        if extensible:
            printed += b" %b %b" % (
                _parameters(part.parameters),
                _description(part),
            )
        return b"(%b)" % printed
    printed = b"%b %b %b %b %b %b %d" % (
        string(part.media_type),
        string(part.subtype),
        _parameters(part.parameters),
        nstring(part.content_id),
        nstring(part.description),
        string(part.encoding),
        part.body_length,
    )
    if part.is_message:
        inner = part.children[0]
        header = content[inner.header_offset : inner.body_offset]
        printed += b" %b %b %d" % (
            envelope(header),
            _printed(content, inner, extensible=extensible),
            part.lines,
        )
    elif part.media_type.lower() == b"text":
        printed += b" %d" % part.lines
    if extensible:
        printed += b" %b %b" % (nstring(part.md5), _description(part))
    return b"(%b)" % printed


def _parameters(parameters: Parameters) -> bytes:
    if not parameters:
        return b"NIL"
    return b"(%b)" % b" ".join(
        [
            b"%b %b" % (string(name), string(value))
            for name, value in joined(parameters)
        ]
    )


def _description(part: Part) -> bytes:
    """
    Disposition, language and location: the extension data of every part.
    """
    return b"%b %b %b" % (
        _disposition(part.disposition),
        _languages(part.languages),
        nstring(part.location),
    )


def _disposition(disposition: Disposition | None) -> bytes:
    if disposition is None:
        return b"NIL"
    return b"(%b %b)" % (
        string(disposition.kind),
        _parameters(disposition.parameters),
    )


def _languages(languages: tuple[bytes, ...]) -> bytes:
    match languages:
        case ():
            return b"NIL"
        case (language,):
            return string(language)
    return b"(%b)" % b" ".join([string(language) for language in languages])
