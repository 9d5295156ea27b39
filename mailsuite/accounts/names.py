"""
The one spelling under which addresses and domains are kept and looked up.

Implementation notes

- Domains are A-labels in lower case (RFC 5890 2.3.2.1), so that both of a
  domain's spellings find it.
- Local parts are in lower case and NFC: who writes ``Bob@`` means ``bob@``.
"""

from __future__ import annotations

import re
import unicodedata

import idna

from mailsuite.accounts.errors import BadAddress
from mailsuite.mail.address import Address

#: What would be a path, a control, no character at all, or the end of a
#: passwd-file's field.
_UNSAFE = re.compile(r"[\x00-\x20\x7f/:\\\"@<>(),;\[\]\ud800-\udfff]")

#: What stands in a quoted string alone (RFC 5322 3.2.3).
_QUOTED = re.compile(r"[\x00-\x20\x7f:\\\"@<>(),;\[\]\ud800-\udfff]")

_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def domain_key(domain: str) -> str:
    """
    A domain as an A-label in lower case.

    What is no domain name is given back in lower case: it matches nothing.
    """
    if domain.isascii():
        return domain.lower().rstrip(".")
    try:
        return idna.encode(domain, uts46=True).decode().rstrip(".")
    except idna.IDNAError:
        return domain.lower()


def local_key(local_part: str) -> str:
    """
    A local part without differences of case and composition.
    """
    if local_part.isascii():
        return local_part.lower()
    return unicodedata.normalize("NFC", local_part.lower())


def key(address: Address) -> tuple[str, str]:
    """
    (local part, domain) under which an address is looked up.
    """
    return local_key(address.local_part), domain_key(address.domain)


def typed_domain(text: str) -> str:
    """
    A domain that somebody typed.

    :raises BadAddress: it is no domain name.
    """
    domain = domain_key(text.strip())
    if len(domain) > 253 or not all(map(_LABEL.fullmatch, domain.split("."))):
        raise BadAddress(f"{text!r} is not a domain name")
    return domain


def typed_outside(text: str) -> tuple[str, str]:
    """
    (local part, domain) of an address outside that somebody typed: the local
    part in its own case, the domain as an A-label.

    :raises BadAddress: it is none, or one that would have to be quoted.
    """
    try:
        address = Address.parse(text)
    except ValueError:
        raise BadAddress(f"{text!r} is not an address") from None
    if _QUOTED.search(address.local_part) or _is_dotted(address.local_part):
        raise BadAddress(f"{text!r} has a local part that needs quotes")
    return address.local_part, typed_domain(address.domain)


def _is_dotted(local_part: str) -> bool:
    """
    Whether its dots do not stand between atoms.
    """
    return "" in local_part.split(".")


def typed_address(text: str) -> tuple[str, str]:
    """
    (local part, domain) of an address that somebody typed to be kept.

    :raises BadAddress: it is none, or its local part is no name for a folder.
    """
    try:
        address = Address.parse(text)
    except ValueError:
        raise BadAddress(f"{text!r} is not an address") from None
    local_part = local_key(address.local_part)
    if (
        _UNSAFE.search(local_part)
        or _is_dotted(local_part)
        or len(local_part.encode()) > 64
    ):
        raise BadAddress(f"{text!r} has a local part that is not possible here")
    return local_part, typed_domain(address.domain)
