"""
A client's address and the names that it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from mailsuite.emailauth.domains import ascii_domain
from mailsuite.mail.dns import Answer, Found, Inquiry, Question, RecordType


@dataclass(frozen=True, slots=True)
class ReverseNames:
    """
    The names of an address.

    :param confirmed: those that have that address themselves, in the order of
        the PTR records.
    :param named: there are PTR records at all.
    :param unanswered: some question had no answer.
    """

    confirmed: tuple[str, ...]
    named: bool
    unanswered: bool


def client_address(text: str) -> IPv4Address | IPv6Address:
    """
    The address of a client; an IPv4-mapped one is IPv4 (RFC 7208 5), and the
    zone of a link-local one is left out.

    :raises ValueError: it is none.
    """
    found = ip_address(text.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def address_type(client: IPv4Address | IPv6Address) -> RecordType:
    """
    The record type that holds addresses of the client's family.
    """
    return RecordType.A if client.version == 4 else RecordType.AAAA


def addresses(answer: Answer) -> list[IPv4Address | IPv6Address]:
    """
    The addresses in an answer.
    """
    found = []
    for record in answer.records:
        try:
            found.append(ip_address(str(record)))
        except ValueError:
            continue
    return found


def reverse_names(
    client: IPv4Address | IPv6Address, limit: int
) -> Inquiry[ReverseNames]:
    """
    The names of an address that lead back to it (RFC 7208 5.5, RFC 8601 3).

    :param limit: how many names are looked at.
    """
    answer = yield Question(client.reverse_pointer, RecordType.PTR)
    unanswered = answer.found is Found.FAILED
    confirmed = []
    for record in answer.records[:limit]:
        name = ascii_domain(str(record))
        if name is None:
            continue
        forward = yield Question(name, address_type(client))
        unanswered = unanswered or forward.found is Found.FAILED
        if client in addresses(forward):
            confirmed.append(name)
    return ReverseNames(tuple(confirmed), bool(answer.records), unanswered)
