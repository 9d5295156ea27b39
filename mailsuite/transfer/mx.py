"""
From a domain to the hosts that take its mail (RFC 5321 5.1).

Implementation notes

- NXDOMAIN is an answer, and final; SERVFAIL and a timeout are none, and never
  the reason for a bounce.
- Our own host among the hosts ends the list: what is at least as far from the
  destination as we are could only send the message back (RFC 5321 5.1).  It is
  known by its addresses too, since names in the DNS are other people's.
- A host's addresses are asked for here, all of them, since without them nobody
  knows which host is ours.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Generator
from dataclasses import dataclass
from itertools import groupby

from mailsuite.emailauth.domains import ascii_domain
from mailsuite.mail.dns import (
    Answer,
    Found,
    Inquiry,
    MailExchange,
    Question,
    RecordType,
)
from mailsuite.transfer.outcome import Kind, Outcome

#: Hosts of a domain that are looked at, the most preferred first; and
#: addresses of one host.
_MOST_HOSTS = 16
_MOST_ADDRESSES = 16


@dataclass(frozen=True, slots=True)
class Ourselves:
    """
    What mail must not be sent to: it would come back.

    :param names: in A-labels and lower case.
    :param addresses: as ``ipaddress`` writes them.
    """

    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MailHost:
    """
    A host that takes mail.

    :param name: in A-labels; an address literal with its brackets.
    :param addresses: IPv6 first; at least one.
    :param secure: DNSSEC vouches for all of its addresses.
    :param canonical: its name at the end of CNAMEs (RFC 7672 2.2.2).
    """

    name: str
    addresses: tuple[str, ...]
    preference: int = 0
    secure: bool = False
    canonical: str = ""


@dataclass(frozen=True, slots=True)
class MailHosts:
    """
    The hosts that take a domain's mail, the most preferred first.

    :param secure: DNSSEC vouches for the answer that named them.
    :param implicit: the domain has no MX records, and is its own host.
    :param canonical: the domain's name at the end of CNAMEs.
    """

    hosts: tuple[MailHost, ...]
    secure: bool = False
    implicit: bool = False
    canonical: str = ""


def failed(enhanced: str, text: str) -> Outcome:
    """
    For good, and nobody was asked.
    """
    return Outcome(Kind.FAILED, enhanced, text)


def deferred(enhanced: str, text: str) -> Outcome:
    """
    For the moment, and nobody was asked.
    """
    return Outcome(Kind.DEFERRED, enhanced, text)


def mail_hosts(
    domain: str, ourselves: Ourselves
) -> Inquiry[MailHosts | Outcome]:
    """
    The hosts that take a domain's mail, or why there are none.

    :param domain: U-labels and address literals are allowed.
    """
    if domain.startswith("["):
        return _literal(domain, ourselves)
    name = ascii_domain(domain)
    if name is None:
        return failed("5.1.2", f"{domain} is not a domain name")
    answer = yield Question(name, RecordType.MX)
    match answer.found:
        case Found.FAILED:
            return deferred("4.4.3", f"DNS: no answer for the MX of {domain}")
        case Found.NO_NAME:
            return failed("5.1.2", f"{domain} does not exist")
    exchanges = [x for x in answer.records if isinstance(x, MailExchange)]
    named = [exchange for exchange in exchanges if exchange.host]
    if exchanges and not named:
        # RFC 7505 3, 4.1
        return Outcome(
            Kind.FAILED, "5.1.10", f"{domain} takes no mail (null MX)", 556
        )
    implicit = not named
    if implicit:
        named = [MailExchange(0, answer.canonical or name)]
    named.sort(key=lambda exchange: (exchange.preference, exchange.host))
    reachable = yield from _reachable(domain, named[:_MOST_HOSTS], ourselves)
    if isinstance(reachable, Outcome):
        return reachable
    return MailHosts(reachable, answer.secure, implicit, answer.canonical)


def one_host(host: str) -> Inquiry[MailHosts | Outcome]:
    """
    A host that the operator named, without asking for its MX.

    :param host: a name, or an address without brackets.
    :return: deferred if it has no address: the operator may mend it.
    """
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        found, unknown = yield from _host(MailExchange(0, host))
        if found is None:
            why = "DNS: no answer for" if unknown else "no address for"
            return deferred("4.4.3" if unknown else "4.4.4", f"{why} {host}")
        return MailHosts((found,))
    return MailHosts((MailHost(host, (address,)),))


def _literal(domain: str, ourselves: Ourselves) -> MailHosts | Outcome:
    """
    RFC 5321 4.1.3.
    """
    text = domain.removeprefix("[").removesuffix("]")
    if text.lower().startswith("ipv6:"):
        text = text[5:]
    try:
        address = str(ipaddress.ip_address(text))
    except ValueError:
        return failed("5.1.2", f"{domain} is not an address")
    if address in ourselves.addresses:
        return _loop(domain)
    return MailHosts((MailHost(domain, (address,)),))


def _loop(domain: str) -> Outcome:
    return failed("5.4.6", f"mail for {domain} comes back to this host")


def _reachable(
    domain: str, exchanges: list[MailExchange], ourselves: Ourselves
) -> Generator[Question, Answer, tuple[MailHost, ...] | Outcome]:
    """
    The hosts with addresses that are nearer to the destination than we are.
    """
    hosts: list[MailHost] = []
    unknown = False
    for _, equals in groupby(exchanges, lambda exchange: exchange.preference):
        ours = False
        alike: list[MailHost] = []
        for exchange in equals:
            if exchange.host in ourselves.names:
                ours = True
                continue
            host, failing = yield from _host(exchange)
            unknown = unknown or failing
            if host is None:
                continue
            ours = ours or host.canonical in ourselves.names
            ours = ours or not ourselves.addresses.isdisjoint(host.addresses)
            alike.append(host)
        if ours:
            if not hosts and not unknown:
                return _loop(domain)
            break
        hosts += alike
    if hosts:
        return tuple(hosts)
    if unknown:
        return deferred(
            "4.4.3", f"DNS: no answer for the addresses of {domain}'s hosts"
        )
    return failed("5.4.4", f"no host of {domain} has an address")


def _host(
    exchange: MailExchange,
) -> Generator[Question, Answer, tuple[MailHost | None, bool]]:
    """
    A host with its addresses, or None; and whether an answer failed.

    With the addresses of one family it can be reached, whatever became of the
    question for the other.
    """
    six = yield Question(exchange.host, RecordType.AAAA)
    four = yield Question(exchange.host, RecordType.A)
    addresses = [*_addresses(six), *_addresses(four)]
    if not addresses:
        return None, Found.FAILED in (six.found, four.found)
    with_records = [x for x in (six, four) if x.found is Found.RECORDS]
    return (
        MailHost(
            exchange.host,
            tuple(addresses),
            exchange.preference,
            all(answer.secure for answer in with_records),
            with_records[0].canonical or exchange.host,
        ),
        False,
    )


def _addresses(answer: Answer) -> list[str]:
    """
    Those where a host can be; to connect to "any address" is to connect to
    oneself.
    """
    found = [
        ipaddress.ip_address(record)
        for record in answer.records[:_MOST_ADDRESSES]
        if isinstance(record, str)
    ]
    return [str(x) for x in found if not (x.is_unspecified or x.is_multicast)]
