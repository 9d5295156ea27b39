"""
Does the client's address have a name that leads back to it? (RFC 8601 3)
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsuite.emailauth.reverse import client_address, reverse_names
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail.dns import Inquiry

#: More than one name is rare; a client could have its zone hold any number.
MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class IPRevResult:
    """
    What came out.

    :param verdict: ``PASS``, ``FAIL`` (no name leads back), ``PERMERROR`` (no
        name at all) or ``TEMPERROR``.
    :param address: of the client.
    :param name: the first that leads back; empty unless it passed.
    """

    verdict: Verdict
    address: str
    name: str = ""


def check(address: str) -> Inquiry[IPRevResult]:
    """
    RFC 8601 3's "iprev".

    :param address: the client's; an IPv4-mapped one counts as IPv4.
    """
    client = client_address(address)
    names = yield from reverse_names(client, MOST_NAMES)
    if names.confirmed:
        return IPRevResult(Verdict.PASS, str(client), names.confirmed[0])
    if names.unanswered:
        verdict = Verdict.TEMPERROR
    elif names.named:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.PERMERROR
    return IPRevResult(verdict, str(client))
