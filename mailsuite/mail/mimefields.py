"""
The values of the MIME fields: a token, and parameters after it.

RFC 2045 5.1, RFC 2183 and RFC 2231; what is broken is read as far as it
makes sense, and nothing raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from mailsuite.mail import charsets, encodedwords
from mailsuite.mail.headers import unfolded

Parameters = tuple[tuple[bytes, bytes], ...]

_MEDIA_TYPE = re.compile(
    rb"\s*+([!#$%&'*+.^_`{|}~0-9A-Za-z-]++)\s*+/"
    rb"\s*+([!#$%&'*+.^_`{|}~0-9A-Za-z-]++)"
)
_TOKEN = re.compile(rb"\s*+([^\s;=\"]++)")
_PARAMETER = re.compile(
    rb"[^;]*+;\s*+(?:([^\s=;\"]++)\s*+"
    rb"(?:=\s*+(?:\"((?:[^\"\\]++|\\.)*+)(?:\"|\Z)|([^;\"]*+)))?+)?+",
    re.DOTALL,
)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
# A comment, or a quoted string that may look as if it had one.
_COMMENT = re.compile(
    rb"\"(?:[^\"\\]++|\\.)*+\"|(?<![^\s;])\((?:[^()\\]++|\\.)*+\)", re.DOTALL
)
# RFC 2231 3 and 4: name*0, name*0*, name*
_EXTENDED_NAME = re.compile(rb"([^*]++)(?:\*([0-9]{1,4}))?+(\*)?+")

#: More parameters than this in one field are not looked at.
MOST_PARAMETERS = 200

# Most fields have one of few values; those with boundaries and names do not.
_COMMON_OCTETS = 48


@dataclass(frozen=True, slots=True)
class MediaType:
    """
    What Content-Type says.

    :param parameters: as they are written, values without quotes.
    """

    type: bytes
    subtype: bytes
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Disposition:
    """
    What Content-Disposition says (RFC 2183).
    """

    kind: bytes
    parameters: Parameters


def parse_content_type(value: bytes) -> MediaType | None:
    """
    None if the value is no media type; RFC 2045 5.2 then asks for the default.
    """
    if len(value) <= _COMMON_OCTETS:
        return _common_content_type(value)
    return _content_type(value)


def _content_type(value: bytes) -> MediaType | None:
    value = _without_comments(unfolded(value))
    found = _MEDIA_TYPE.match(value)
    if found is None:
        return None
    return MediaType(found[1], found[2], _parameters(value, found.end()))


_common_content_type = lru_cache(maxsize=1024)(_content_type)


def parse_disposition(value: bytes) -> Disposition | None:
    """
    None if there is nothing in the value.
    """
    value = _without_comments(unfolded(value))
    found = _TOKEN.match(value)
    if found is None:
        return None
    return Disposition(found[1], _parameters(value, found.end()))


def parse_token(value: bytes) -> bytes:
    """
    The first token of a value (Content-Transfer-Encoding); may be empty.
    """
    found = _TOKEN.match(_without_comments(value))
    return found[1] if found else b""


def parse_languages(value: bytes) -> tuple[bytes, ...]:
    """
    The tags of Content-Language (RFC 3282), in their order.
    """
    tags = _without_comments(unfolded(value)).split(b",")
    return tuple(tag.strip() for tag in tags if tag.strip())


def _without_comments(value: bytes) -> bytes:
    if b"(" not in value:
        return value
    return _COMMENT.sub(
        lambda found: b" " if found[0][:1] == b"(" else found[0], value
    )


def _parameters(value: bytes, at: int) -> Parameters:
    found: list[tuple[bytes, bytes]] = []
    size = len(value)
    while at < size and len(found) < MOST_PARAMETERS:
        match = _PARAMETER.match(value, at)
        if match is None:
            break
        at = match.end()
        name, quoted, token = match.groups()
        if quoted is not None:
            if b"\\" in quoted:
                quoted = _QUOTED_PAIR.sub(rb"\1", quoted)
            found.append((name, quoted))
        elif token:
            found.append((name, token.strip()))
    return tuple(found)


def parameter(parameters: Parameters, name: bytes) -> bytes | None:
    """
    The first value of that name as it is written, None if there is none.

    :param name: in lower case.
    """
    for found, value in parameters:
        if found.lower() == name:
            return value
    return None


def parameter_text(parameters: Parameters, name: bytes) -> str | None:
    """
    A parameter as people read it: RFC 2231 and encoded words decoded.

    :param name: in lower case, without asterisks.
    """
    plain: bytes | None = None
    for found, value in joined(parameters):
        lowered = found.lower()
        if lowered == name + b"*":
            charset, _, rest = value.partition(b"'")
            octets = unquote_to_bytes(rest.partition(b"'")[2])
            return charsets.decode(octets, charset.decode("latin-1"))
        if lowered == name and plain is None:
            plain = value
    return None if plain is None else encodedwords.decode(plain)


def joined(parameters: Parameters) -> Parameters:
    """
    The parameters with the continuations of RFC 2231 put together.

    ``name*0`` and ``name*1`` become ``name``; if a piece is percent-encoded,
    all become one ``name*`` in the extended syntax, charset and all.
    """
    if not any(b"*" in name for name, _ in parameters):
        return parameters
    result: list[tuple[bytes, bytes] | bytes] = []
    pieces: dict[bytes, dict[int, tuple[bytes, bool]]] = {}
    names: dict[bytes, bytes] = {}
    for name, value in parameters:
        found = _EXTENDED_NAME.fullmatch(name)
        if found is None or found[2] is None:
            result.append((name, value))
            continue
        key = found[1].lower()
        if key not in pieces:
            pieces[key] = {}
            names[key] = found[1]
            result.append(key)
        pieces[key].setdefault(int(found[2]), (value, found[3] is not None))
    return tuple(
        _continued(names[entry], pieces[entry])
        if isinstance(entry, bytes)
        else entry
        for entry in result
    )


def _continued(
    name: bytes, pieces: dict[int, tuple[bytes, bool]]
) -> tuple[bytes, bytes]:
    in_order = [pieces[number] for number in sorted(pieces)]
    if not any(extended for _, extended in in_order):
        return name, b"".join(value for value, _ in in_order)
    values = [
        value if extended else _percent_encoded(value)
        for value, extended in in_order
    ]
    if not in_order[0][1]:
        # The first piece alone may name a charset (RFC 2231 4.1).
        values.insert(0, b"''")
    return name + b"*", b"".join(values)


def _percent_encoded(value: bytes) -> bytes:
    return b"".join(
        octet
        if octet.isalnum() or octet in (b".", b"-", b"_")
        else b"%%%02X" % ord(octet)
        for octet in (value[i : i + 1] for i in range(len(value)))
    )
