"""
In which order the addresses of a domain's hosts are tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby, zip_longest

from mailsuite.transfer.mx import MailHost, MailHosts

#: Shuffles a list, as ``random.Random.shuffle``.
Shuffle = Callable[[list[MailHost]], None]

_PEER = re.compile(r"(?P<name>\S*) \[(?P<address>[^]\s]+)\]")


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    One address of one host.
    """

    host: MailHost
    address: str

    @property
    def is_six(self) -> bool:
        """
        Whether it is IPv6.
        """
        return ":" in self.address


def in_order(hosts: MailHosts, shuffle: Shuffle) -> list[Candidate]:
    """
    All addresses, by preference; hosts alike are in a random order (RFC 5321
    5.1), and the families of each alternate.
    """
    candidates = []
    for _, alike in groupby(hosts.hosts, lambda host: host.preference):
        equals = list(alike)
        shuffle(equals)
        for host in equals:
            candidates += [Candidate(host, x) for x in _alternating(host)]
    return candidates


def begin_with(candidates: list[Candidate], last_peer: str) -> list[Candidate]:
    """
    The same, those first that are the last attempt's peer: its address, its
    host's addresses of the same family, its host.

    Who keeps a list of strangers (greylisting) looks for the same one again.
    """
    found = _PEER.match(last_peer)
    if found is None:
        return candidates
    address, name = found["address"], found["name"]

    def strangeness(candidate: Candidate) -> int:
        if candidate.address == address:
            return 0
        if candidate.host.name != name:
            return 3
        return 1 if candidate.is_six == (":" in address) else 2

    return sorted(candidates, key=strangeness)


def other_family_first(
    candidates: Iterable[Candidate], *, six: bool
) -> list[Candidate]:
    """
    The same, those of the other family than ``six`` says first.
    """
    return sorted(candidates, key=lambda candidate: candidate.is_six == six)


def last_address(last_peer: str) -> str:
    """
    The address of the last attempt's peer; empty if there was none.
    """
    found = _PEER.match(last_peer)
    return "" if found is None else found["address"]


def _alternating(host: MailHost) -> list[str]:
    six = [address for address in host.addresses if ":" in address]
    four = [address for address in host.addresses if ":" not in address]
    pairs = zip_longest(six, four)
    return [address for pair in pairs for address in pair if address]
