"""
Who gets a domain's aggregate reports (RFC 9990 3.5 and 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from mailsuite.emailauth.dmarcrecord import DMARCRecord, is_dmarc
from mailsuite.emailauth.dmarcwalk import Published, TreeWalk
from mailsuite.emailauth.domains import LONGEST_NAME, mail_domain
from mailsuite.emailauth.verdict import Unanswered
from mailsuite.mail.address import Address
from mailsuite.mail.dns import Found, Inquiry, Question, RecordType


@dataclass(frozen=True, slots=True)
class Destinations:
    """
    Addresses that want the reports.

    :param unanswered: there may be more: the DNS did not say whether others
        agree to reports about that domain.
    """

    addresses: tuple[Address, ...]
    unanswered: bool


def destinations(published: Published) -> Inquiry[Destinations]:
    """
    The addresses of a record's ``rua`` that may be sent reports: its own
    organization's, and those of others who say that they want them.
    """
    walk = TreeWalk()
    found: dict[Address, None] = {}
    unanswered = False
    for uri in published.record.rua:
        address = _address(uri)
        if address is None:
            continue
        try:
            agreed = yield from _agreed(walk, published, address)
        except Unanswered:
            unanswered = True
            continue
        found |= dict.fromkeys(agreed)
    return Destinations(tuple(found), unanswered)


def _address(uri: str) -> Address | None:
    """
    The address in a ``mailto:`` URI (RFC 6068), its domain as A-labels.
    """
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "mailto":
        return None
    try:
        address = Address.parse(unquote(rest.partition("?")[0]))
    except ValueError:
        return None
    domain = mail_domain(address.domain)
    if domain is None or not _is_plain(address.local_part):
        return None
    return Address(address.local_part, domain)


def _is_plain(local_part: str) -> bool:
    """
    Whether it can stand in an envelope as it is, without SMTPUTF8.
    """
    return (local_part.isascii() and local_part.isprintable()) and len(
        local_part
    ) <= 64


def _agreed(
    walk: TreeWalk, published: Published, address: Address
) -> Inquiry[tuple[Address, ...]]:
    """
    Where reports for an address go: to itself, to others of its domain, or
    nowhere.

    :raises Unanswered: nobody knows.
    """
    ours = yield from walk.organization(published.domain)
    theirs = yield from walk.organization(address.domain)
    if ours == theirs:
        return (address,)
    name = f"{published.domain}._report._dmarc.{address.domain}"
    if len(name) > LONGEST_NAME:
        return ()
    answer = yield Question(name, RecordType.TXT)
    if answer.found is Found.FAILED:
        raise Unanswered(f"no answer for the TXT records of {name}")
    for octets in answer.records:
        if isinstance(octets, bytes) and is_dmarc(octets):
            return _redirected(octets, address)
    return ()


def _redirected(octets: bytes, address: Address) -> tuple[Address, ...]:
    """
    RFC 9990 4: who agrees may name other addresses, but of the same domain.
    """
    try:
        uris = DMARCRecord.parse(octets).rua
    except ValueError:
        return ()
    if not uris:
        return (address,)
    others = [other for other in map(_address, uris) if other is not None]
    if any(other.domain != address.domain for other in others):
        return ()
    return tuple(others)
