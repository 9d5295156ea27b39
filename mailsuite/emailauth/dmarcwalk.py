"""
DMARC's walk up the DNS tree, and the organization it finds (RFC 9989 4.10).
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsuite.emailauth.dmarcrecord import (
    DMARCRecord,
    PublicSuffix,
    is_dmarc,
)
from mailsuite.emailauth.domains import LONGEST_NAME
from mailsuite.emailauth.verdict import Unanswered
from mailsuite.mail.dns import Found, Inquiry, Question, RecordType

#: Labels of the second name of a walk: so that it asks 8 questions at most.
_LONGEST_PARENT = 7


@dataclass(frozen=True, slots=True)
class Published:
    """
    A record and the domain at which it stands.
    """

    domain: str
    record: DMARCRecord


class TreeWalk:
    """
    Walks that share what they have found.

    Domains are A-labels in lower case.
    """

    def __init__(self) -> None:
        self._known: dict[str, DMARCRecord | None] = {}
        self._silent: set[str] = set()

    def at(self, domain: str) -> Inquiry[Published | None]:
        """
        The record of a domain itself.

        :raises Unanswered: nobody knows.
        """
        if domain in self._silent:
            raise Unanswered(f"no answer for the DMARC record of {domain}")
        if domain not in self._known:
            self._known[domain] = yield from self._record(domain)
        record = self._known[domain]
        return None if record is None else Published(domain, record)

    def up(self, domain: str) -> Inquiry[tuple[Published, ...]]:
        """
        The records of a domain and of those above it, up to one that says
        whether it is a public suffix.

        :raises Unanswered: one could not be had.
        """
        found = []
        for name in walked(domain):
            published = yield from self.at(name)
            if published is None:
                continue
            found.append(published)
            if published.record.public_suffix is not PublicSuffix.UNSAID:
                break
        return tuple(found)

    def organization(self, domain: str) -> Inquiry[str]:
        """
        The Organizational Domain of a domain (RFC 9989 4.10.2).

        :raises Unanswered: nobody knows.
        """
        found = yield from self.up(domain)
        return organization(domain, found)

    def _record(self, domain: str) -> Inquiry[DMARCRecord | None]:
        name = f"_dmarc.{domain}"
        if len(name) > LONGEST_NAME:
            return None
        answer = yield Question(name, RecordType.TXT)
        if answer.found is Found.FAILED:
            self._silent.add(domain)
            raise Unanswered(f"no answer for the DMARC record of {domain}")
        records = [
            octets
            for octets in answer.records
            if isinstance(octets, bytes) and is_dmarc(octets)
        ]
        # RFC 9989 4.10: several are none.
        if len(records) != 1:
            return None
        try:
            return DMARCRecord.parse(records[0])
        except ValueError:
            return None


def walked(domain: str) -> list[str]:
    """
    The names of a walk, in its order (RFC 9989 4.10).
    """
    labels = domain.split(".")
    parents = labels[-min(_LONGEST_PARENT, len(labels) - 1) :]
    if len(labels) == 1:
        return [domain]
    return [domain] + [
        ".".join(parents[start:]) for start in range(len(parents))
    ]


def organization(domain: str, found: tuple[Published, ...]) -> str:
    """
    The Organizational Domain, by what a walk from a domain has found.
    """
    if not found:
        return domain
    last = found[-1].domain
    is_suffix = found[-1].record.public_suffix is PublicSuffix.YES
    if is_suffix and last != domain:
        below = domain.removesuffix("." + last).rpartition(".")[2]
        return f"{below}.{last}"
    # ``psd=n``, or of several the one with the fewest labels.
    return last
