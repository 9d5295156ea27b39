"""
ENVELOPE as it stands on the wire (RFC 9051 7.5.2).

Implementation notes

- A text that is absent is NIL, one that is there and empty is ``""``.
- Encoded words stay encoded, since clients decode them.
- An address that names no domain has the empty string for its host: NIL would
  say that a group begins (RFC 9051 7.5.2, host name).
"""

from __future__ import annotations

from mailsuite.imap.wire.strings import nstring, string
from mailsuite.mail import addresslists
from mailsuite.mail.addresslists import Group, NamedAddress
from mailsuite.mail.headers import name_value_pairs, unfolded

_TEXTS = (b"date", b"subject", b"in-reply-to", b"message-id")
_LISTS = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")
_WANTED = frozenset(_TEXTS + _LISTS)

_END_OF_GROUP = b"(NIL NIL NIL NIL)"


def envelope(section: bytes) -> bytes:
    """
    Print the envelope of a message.

    A list that stands in several fields of its name is one list; of the other
    fields the first counts.

    :param section: the message's header section.
    """
    found: dict[bytes, bytes] = {}
    more: dict[bytes, list[bytes]] = {}
    for name, value in name_value_pairs(section):
        name = name.lower()
        if name not in _WANTED:
            continue
        if name not in found:
            found[name] = unfolded(value)
        elif name in _LISTS:
            more.setdefault(name, [found[name]]).append(unfolded(value))
    for name, values in more.items():
        found[name] = b",".join(values)
    author = _addresses(found.get(b"from"))
    sender = _addresses(found.get(b"sender"))
    reply_to = _addresses(found.get(b"reply-to"))
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(found.get(b"date")),
        nstring(found.get(b"subject")),
        author,
        # RFC 9051 7.5.2: absent or empty, these are the author's.
        author if sender == b"NIL" else sender,
        author if reply_to == b"NIL" else reply_to,
        _addresses(found.get(b"to")),
        _addresses(found.get(b"cc")),
        _addresses(found.get(b"bcc")),
        nstring(found.get(b"in-reply-to")),
        nstring(found.get(b"message-id")),
    )


def _addresses(value: bytes | None) -> bytes:
    if not value:
        return b"NIL"
    printed: list[bytes] = []
    for entry in addresslists.parse(value):
        if isinstance(entry, Group):
            printed.append(b"(NIL NIL %b NIL)" % string(entry.name))
            printed.extend([_address(member) for member in entry.members])
            printed.append(_END_OF_GROUP)
        else:
            printed.append(_address(entry))
    return b"(%b)" % b"".join(printed) if printed else b"NIL"


def _address(address: NamedAddress) -> bytes:
    return b"(%b %b %b %b)" % (
        nstring(address.name),
        nstring(address.route),
        string(address.local_part),
        string(address.domain),
    )
