"""
The DNS records that a domain needs so that its mail arrives and is believed.

Only what runs here is a record; what does not is named as not offered, so that
nobody publishes a promise that nobody keeps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address

from mailsuite.mail.dns import RecordType

#: Octets of one string of a TXT record (RFC 1035 3.3.14).
_MOST_OF_A_STRING = 255

_SPECIAL = re.compile(r'["\\]')

#: How SRV names what a listener speaks, and who says so.
_SERVICES = (
    ("submissions", "_submissions", "RFC 8314"),
    ("submission", "_submission", "RFC 6186"),
    ("imaps", "_imaps", "RFC 6186"),
    ("imap", "_imap", "RFC 6186"),
    ("pop3s", "_pop3s", "RFC 6186"),
    ("pop3", "_pop3", "RFC 6186"),
)


class Need(Enum):
    """
    What is lost without a record.
    """

    REQUIRED = "required"
    ADVISED = "advised"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    One record to publish.

    :param name: without the last dot.
    :param value: as a zone file has it, but TXT without quotes, in one piece.
    :param why: one sentence.
    """

    name: str
    type: RecordType
    value: str
    why: str
    need: Need = Need.ADVISED

    def zone_line(self) -> str:
        """
        The record as a line of a zone file.
        """
        value = self.value
        if self.type is RecordType.TXT:
            value = " ".join(map(_quoted, _strings(value)))
        return f"{self.name}. IN {self.type.value} {value}"


@dataclass(frozen=True, slots=True)
class NotOffered:
    """
    A record that would promise what does not run here.
    """

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Installation:
    """
    What runs here.

    :param host: the name that the suite greets with.
    :param addresses: that ``host`` is to have; empty if they are not known.
    :param ports: of each protocol that clients can reach.
    :param keys: selector and text of each DKIM key's record.
    :param key_digests: SHA-256 of the public keys of the certificate, in hex:
        that in use, and the next if there is one.
    """

    host: str
    addresses: tuple[str, ...]
    ports: dict[str, int]
    keys: tuple[tuple[str, str], ...] = ()
    key_digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reports:
    """
    Where others send reports about a domain's mail.

    :param address: receives them; of this domain or another.
    """

    address: str


def records_for(
    domain: str, found: Installation, reports: Reports
) -> Iterator[Wanted | NotOffered]:
    """
    All records of a domain, those of the host first.

    :param domain: as A-labels in lower case.
    """
    yield from _host(found)
    yield from _sending(domain, found, reports)
    yield from _transport(domain, found, reports)
    yield from _services(domain, found)
    yield from _not_offered(domain)


def records_without_mail(name: str) -> Iterator[Wanted]:
    """
    The records of a name that neither sends nor receives (RFC 7505).
    """
    yield Wanted(
        name,
        RecordType.MX,
        "0 .",
        "No mail is received here (RFC 7505).",
        Need.REQUIRED,
    )
    yield Wanted(
        name,
        RecordType.TXT,
        "v=spf1 -all",
        "No mail comes from here (RFC 7208).",
        Need.REQUIRED,
    )
    yield Wanted(
        f"_dmarc.{name}",
        RecordType.TXT,
        "v=DMARC1; p=reject",
        "Mail that says it does is to be refused (RFC 9989).",
        Need.REQUIRED,
    )


# --- Parts -------------------------------------------------------------------


def _host(found: Installation) -> Iterator[Wanted]:
    for address in found.addresses:
        parsed = ip_address(address)
        yield Wanted(
            found.host,
            RecordType.A if parsed.version == 4 else RecordType.AAAA,
            address,
            "The host has this address.",
            Need.REQUIRED,
        )
        yield Wanted(
            parsed.reverse_pointer,
            RecordType.PTR,
            f"{found.host}.",
            "Many refuse mail from an address without a name; whoever gave "
            "you the address sets it.",
            Need.REQUIRED,
        )
    yield Wanted(
        found.host,
        RecordType.TXT,
        "v=spf1 a -all",
        "Bounces bear the host's name alone (RFC 7208 2.3).",
    )


def _sending(
    domain: str, found: Installation, reports: Reports
) -> Iterator[Wanted]:
    yield Wanted(
        domain,
        RecordType.MX,
        f"10 {found.host}.",
        "Mail for the domain comes here (RFC 5321 5).",
        Need.REQUIRED,
    )
    if domain != found.host:
        yield Wanted(
            domain,
            RecordType.TXT,
            "v=spf1 mx ~all",
            "Mail of the domain comes from its MX (RFC 7208).",
            Need.REQUIRED,
        )
    for selector, text in found.keys:
        yield Wanted(
            f"{selector}._domainkey.{domain}",
            RecordType.TXT,
            text,
            "The key that signatures are verified with (RFC 6376).",
            Need.REQUIRED,
        )
    yield Wanted(
        f"_dmarc.{domain}",
        RecordType.TXT,
        f"v=DMARC1; p=none; rua=mailto:{reports.address}",
        "Reports tell who sends in the domain's name; when they are clean, "
        "make it p=quarantine or p=reject (RFC 9989).",
        Need.REQUIRED,
    )
    at = reports.address.rpartition("@")[2]
    if at != domain and not at.endswith("." + domain):
        yield Wanted(
            f"{domain}._report._dmarc.{at}",
            RecordType.TXT,
            "v=DMARC1",
            "Another domain's reports are welcome there (RFC 9990).",
            Need.REQUIRED,
        )


def _transport(
    domain: str, found: Installation, reports: Reports
) -> Iterator[Wanted]:
    yield Wanted(
        f"_smtp._tls.{domain}",
        RecordType.TXT,
        f"v=TLSRPTv1; rua=mailto:{reports.address}",
        "Others tell of connections here that failed in TLS (RFC 8460).",
        Need.OPTIONAL,
    )
    for digest in found.key_digests:
        yield Wanted(
            f"_25._tcp.{found.host}",
            RecordType.TLSA,
            f"3 1 1 {digest}",
            "DANE; publish it in a signed zone only, and before the key is "
            "changed (RFC 7672).",
            Need.OPTIONAL,
        )


def _services(domain: str, found: Installation) -> Iterator[Wanted]:
    for protocol, label, source in _SERVICES:
        port = found.ports.get(protocol)
        yield Wanted(
            f"{label}._tcp.{domain}",
            RecordType.SRV,
            "0 0 0 ." if port is None else f"0 1 {port} {found.host}.",
            f"{protocol} is not offered ({source})."
            if port is None
            else f"Mail programs find {protocol} by it ({source}).",
            Need.OPTIONAL,
        )


def _not_offered(domain: str) -> Iterator[NotOffered]:
    http = "its policy is served over HTTPS, which does not run here"
    yield NotOffered(f"_mta-sts.{domain}", f"MTA-STS: {http}")
    yield NotOffered(f"mta-sts.{domain}", f"MTA-STS: {http}")
    for name in ("autoconfig", "autodiscover"):
        yield NotOffered(
            f"{name}.{domain}",
            "configuration of mail programs over HTTP does not run here",
        )
    yield NotOffered(f"_jmap._tcp.{domain}", "JMAP does not run here")
    yield NotOffered(f"_sieve._tcp.{domain}", "ManageSieve does not run here")
    yield NotOffered(
        domain, "CAA with accounturi: certificates are not got by ACME here"
    )


def _quoted(piece: str) -> str:
    """
    One string as a zone file has it (RFC 1035 5.1).
    """
    escaped = _SPECIAL.sub(lambda found: "\\" + found[0], piece)
    return f'"{escaped}"'


def _strings(text: str) -> list[str]:
    return [
        text[start : start + _MOST_OF_A_STRING]
        for start in range(0, len(text), _MOST_OF_A_STRING)
    ] or [""]
