"""
Header sections in ASCII, for clients that did not ask for UTF-8.

RFC 6858 makes a surrogate of an internationalized message; RFC 6856 2.1 has a
POP3 server send it, or nothing.

Implementation notes

- More is kept than RFC 6858 asks for: display names and all unstructured
  fields as encoded words (RFC 2047), parameters as RFC 2231 has them.
- An address outside ASCII becomes the name of one that cannot be anybody's:
  what people would have read is shown, and no answer goes astray.
- A field whose grammar has no place for encoded words is left out (RFC 6858
  2.4).  What is no field at all keeps its length, with marks for its octets.
"""

from __future__ import annotations

import re
from urllib.parse import quote_from_bytes

from mailsuite.mail import addresslists, encodedwords, mimefields
from mailsuite.mail.addresslists import Group, NamedAddress
from mailsuite.mail.headers import Field, fields, unfolded
from mailsuite.mail.mimefields import Parameters

#: Nobody's address (RFC 6858 2.1).
_NOBODY = b"<invalid@internationalized-address.invalid>"

#: A longer value is not taken apart: its octets outside ASCII are marked.
_LONGEST_VALUE = 1 << 14

#: RFC 2047 2: the longest line with an encoded word in it.
_LINE = 76

_ADDRESSES = frozenset(
    b"from sender reply-to to cc bcc resent-from resent-sender resent-reply-to"
    b" resent-to resent-cc resent-bcc disposition-notification-to".split()
)
_NO_ENCODED_WORDS = frozenset(
    b"date message-id in-reply-to references received return-path resent-date"
    b" resent-message-id mime-version content-id content-transfer-encoding"
    b" content-language content-location content-md5 auto-submitted"
    b" dkim-signature domainkey-signature received-spf authentication-results"
    b" arc-seal arc-message-signature arc-authentication-results delivered-to"
    b" list-archive list-help list-owner list-post list-subscribe"
    b" list-unsubscribe list-unsubscribe-post".split()
)

_MARKS = bytes(range(128)) + b"?" * 128
_ATOMS = re.compile(rb"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+\Z")
_MIME_TOKEN = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+\Z")
_TO_ESCAPE = re.compile(rb"([\\\"])")
_PERCENT_PIECES = re.compile(r"(?:%..|[^%]){1,60}")


def marked(octets: bytes) -> bytes:
    """
    As many octets, a question mark for each that is not ASCII.
    """
    return octets.translate(_MARKS)


def ascii_section(section: bytes) -> bytes:
    """
    A header section, its empty line included, as a client may have it that
    knows no UTF-8.
    """
    if section.isascii():
        return section
    result: list[bytes] = []
    done = 0
    for field in fields(section):
        result.append(marked(section[done : field.offset]))
        done = field.end
        whole = section[field.offset : done]
        result.append(whole if whole.isascii() else _field(field, whole))
    result.append(marked(section[done:]))
    return b"".join(result)


def _field(field: Field, whole: bytes) -> bytes:
    name = field.name.lower()
    if name in _NO_ENCODED_WORDS:
        return b""
    if len(field.value) > _LONGEST_VALUE:
        return marked(whole)
    value = unfolded(field.value)
    if name in _ADDRESSES:
        addresses = _address_list(value)
        first = len(field.name) + 2 + len(addresses.partition(b"\r\n")[0])
        fold = b": " if first <= _LINE else b":\r\n "
        return field.name + fold + addresses + b"\r\n"
    if name == b"content-type":
        return _content_type(field.name, value)
    if name == b"content-disposition":
        return _disposition(field.name, value)
    text = encodedwords.decode(value)
    words = encodedwords.encode(text, len(field.name) + 2)
    return field.name + b": " + words + b"\r\n"


# Addresses


def _address_list(value: bytes) -> bytes:
    entries = addresslists.parse(value)
    if not entries:
        return _phrase(value) + b"\r\n " + _NOBODY
    return b",\r\n ".join(map(_entry, entries))


def _entry(entry: NamedAddress | Group) -> bytes:
    if isinstance(entry, NamedAddress):
        return _mailbox(entry)
    members = b",\r\n ".join(map(_mailbox, entry.members))
    return _phrase(entry.name) + b":" + members + b";"


def _mailbox(mailbox: NamedAddress) -> bytes:
    local, domain = mailbox.local_part, mailbox.domain
    if not (local and local.isascii() and domain.isascii()):
        return _named(_as_written(mailbox)) + _NOBODY
    if not _ATOMS.match(local):
        local = _quoted(local)
    address = local + b"@" + domain if domain else local
    if mailbox.name is None:
        return address
    return _named(_phrase(mailbox.name)) + b"<" + address + b">"


def _as_written(mailbox: NamedAddress) -> bytes:
    """
    What a reader would have seen, as the name of another address.
    """
    address = encodedwords.decode(
        mailbox.local_part + b"@" * bool(mailbox.domain) + mailbox.domain
    )
    if mailbox.name is None:
        return encodedwords.encode(address)
    name = encodedwords.decode(mailbox.name)
    text = f"{name} <{address}>" if address else name
    return encodedwords.encode(text)


def _named(phrase: bytes) -> bytes:
    return phrase + (b"\r\n " if phrase.startswith(b"=?") else b" ")


def _phrase(name: bytes) -> bytes:
    if not name.isascii():
        return encodedwords.encode(encodedwords.decode(name))
    return name if b"=?" in name else _quoted(name)


def _quoted(text: bytes) -> bytes:
    return b'"' + _TO_ESCAPE.sub(rb"\\\1", text) + b'"'


# Parameters


def _content_type(name: bytes, value: bytes) -> bytes:
    found = mimefields.parse_content_type(value)
    if found is None:
        return b""
    kind = found.type + b"/" + found.subtype
    return _with_parameters(name, kind, found.parameters)


def _disposition(name: bytes, value: bytes) -> bytes:
    found = mimefields.parse_disposition(value)
    if found is None:
        return b""
    return _with_parameters(name, marked(found.kind), found.parameters)


def _with_parameters(name: bytes, kind: bytes, parameters: Parameters) -> bytes:
    printed = [kind]
    for parameter, value in mimefields.joined(parameters):
        if parameter.isascii():
            printed += _parameter(parameter, value)
    return name + b": " + b";\r\n\t".join(printed) + b"\r\n"


def _parameter(name: bytes, value: bytes) -> list[bytes]:
    extended = name.endswith(b"*")
    if value.isascii() and not extended:
        token = _MIME_TOKEN.match(value)
        return [name + b"=" + (value if token else _quoted(value))]
    if extended:
        # It says its charset itself, and is percent-encoded for the most part.
        encoded = quote_from_bytes(value, safe="%'")
    else:
        text = encodedwords.decode(value).encode("utf-8", "replace")
        encoded = "utf-8''" + quote_from_bytes(text, safe="")
    pieces = _PERCENT_PIECES.findall(encoded)
    base = name.removesuffix(b"*")
    if len(pieces) == 1:
        return [base + b"*=" + encoded.encode("ascii")]
    return [
        b"%b*%d*=%b" % (base, number, piece.encode("ascii"))
        for number, piece in enumerate(pieces)
    ]
