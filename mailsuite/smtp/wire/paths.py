"""
Reverse-paths, forward-paths and the parameters behind them.

RFC 5321 4.1.2 and 4.1.3, with the letters that RFC 6531 3.3 adds.

Implementation notes

- Every repetition in the patterns is possessive, and no two neighbours share
  a character, so that matching takes linear time whatever the octets are.
- Source routes are taken and dropped (RFC 5321 4.1.1.3, appendix C).
- Labels may contain ``_``: hosts with such names send mail, and no harm comes
  of it.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from mailsuite.mail.address import Address

#: MAIL's and RCPT's parameters, as (keyword in upper case, value).
Parameters = tuple[tuple[str, str | None], ...]


class BadPath(Exception):
    """
    The text is no path.
    """


class BadParameters(Exception):
    """
    The text behind a path is no list of parameters.
    """


# RFC 6531 3.3: UTF8-non-ascii; less what no name has: C1 controls, and the
# separators of lines.
_BEYOND = "\u00a0-\u2027\u202a-\U0010ffff"
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~{_BEYOND}-]++"
_DOT_STRING = rf"{_ATOM}(?:\.{_ATOM})*+"
_QUOTED_STRING = rf'"(?:[ !#-\[\]-~{_BEYOND}]|\\[ -~])*+"'
_LABEL = rf"(?!-)[A-Za-z0-9_{_BEYOND}-]{{1,63}}+(?<!-)"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*+"
_LITERAL = r"\[(?P<literal>[A-Za-z0-9:.]++)\]"
_ROUTE = rf"(?:@{_DOMAIN}(?:,@{_DOMAIN})*+:)?"
_PATH = re.compile(
    rf" *+<{_ROUTE}(?:(?P<dot>{_DOT_STRING})|(?P<quoted>{_QUOTED_STRING}))@"
    rf"(?:(?P<domain>{_DOMAIN})|{_LITERAL})>"
)
_NULL = re.compile(r" *+<>")
_POSTMASTER = re.compile(r" *+<postmaster>", re.IGNORECASE)
_PARAMETER = re.compile(
    rf"([A-Za-z0-9][A-Za-z0-9-]*+)(?:=([!-<>-~{_BEYOND}]++))?"
)
_QUOTED_PAIR = re.compile(r"\\(.)")

#: RFC 5321 4.5.3.1.2, and the DNS.
_LONGEST_DOMAIN = 255


def reverse_path(text: str) -> tuple[Address | None, str]:
    """
    Read ``text`` from its start: MAIL FROM's argument.

    Spaces before the path are taken, as clients send them.

    :return: the address, None for the null reverse-path; and what follows.
    :raises BadPath:
    """
    if null := _NULL.match(text):
        return None, text[null.end() :]
    return _mailbox(text)


def forward_path(text: str) -> tuple[Address, str]:
    """
    Read ``text`` from its start: RCPT TO's argument.

    :return: the address, without a domain for ``<postmaster>`` (RFC 5321
        4.5.1); and what follows.
    :raises BadPath:
    """
    if bare := _POSTMASTER.match(text):
        return Address("postmaster", ""), text[bare.end() :]
    return _mailbox(text)


def parameters(text: str) -> Parameters:
    """
    Read what follows a path.

    :raises BadParameters: the syntax is broken, or a keyword comes twice.
    """
    if not text:
        return ()
    if text[0] != " ":
        raise BadParameters
    found: dict[str, str | None] = {}
    for word in text.split(" "):
        if not word:
            continue
        match = _PARAMETER.fullmatch(word)
        if match is None:
            raise BadParameters
        keyword = match[1].upper()
        if keyword in found:
            raise BadParameters
        found[keyword] = match[2]
    return tuple(found.items())


def _mailbox(text: str) -> tuple[Address, str]:
    match = _PATH.match(text)
    if match is None:
        raise BadPath
    local_part = match["dot"]
    if local_part is None:
        local_part = _QUOTED_PAIR.sub(r"\1", match["quoted"][1:-1])
    domain = match["domain"]
    if domain is None:
        domain = _address_literal(match["literal"])
    elif len(domain.encode()) > _LONGEST_DOMAIN:
        raise BadPath
    return Address(local_part, domain.lower()), text[match.end() :]


def _address_literal(text: str) -> str:
    """
    RFC 5321 4.1.3, with its brackets; no other tag than IPv6 is registered.
    """
    try:
        if text[:5].upper() == "IPV6:":
            IPv6Address(text[5:])
        else:
            IPv4Address(text)
    except AddressValueError:
        raise BadPath from None
    return f"[{text}]"
