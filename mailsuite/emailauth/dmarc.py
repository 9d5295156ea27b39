"""
Did the domain in From send this message, and what does it wish if not?
(DMARC, RFC 9989)

Implementation notes

- A message may have several author domains.  Each is judged, and the worst
  result stands: one that passes does not vouch for another.
- Who vouches (SPF's domain, DKIM's) needs a walk of its own only if its
  domain lies within the author's organization; no other can belong to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailsuite.emailauth.dmarcrecord import Policy
from mailsuite.emailauth.dmarcwalk import (
    Published,
    TreeWalk,
    organization,
)
from mailsuite.emailauth.domains import is_within, mail_domain
from mailsuite.emailauth.spf import Scope, SPFResult
from mailsuite.emailauth.verdict import Unanswered, Verdict
from mailsuite.mail import addresslists, headers
from mailsuite.mail.dns import Found, Inquiry, Question, RecordType

#: Author domains of a message that are judged.
MOST_AUTHORS = 4
#: Signatures that are looked at; most messages have one or two.
MOST_SIGNATURES = 8

_WORST_FIRST = (
    Verdict.FAIL,
    Verdict.TEMPERROR,
    Verdict.PERMERROR,
    Verdict.NONE,
    Verdict.PASS,
)
_STRICTEST_FIRST = (Policy.REJECT, Policy.QUARANTINE, Policy.NONE)


@dataclass(frozen=True, slots=True)
class DMARCResult:
    """
    What came out (RFC 9989 5.3).

    :param verdict: ``NONE`` (no policy), ``PASS``, ``FAIL``, ``TEMPERROR``, or
        ``PERMERROR`` (no author domain, or too many).
    :param domain: the author's, as A-labels.
    :param policy: what its owner wishes for this message, ``t=y`` taken into
        account; ``NONE`` unless it failed.
    :param published: the record that applies.
    """

    verdict: Verdict
    domain: str
    policy: Policy = Policy.NONE
    published: Published | None = None
    dkim_aligned: bool = False
    spf_aligned: bool = False
    why: str = ""


def author_domains(section: bytes) -> tuple[str, ...]:
    """
    The domains in the From fields of a header section, each once.
    """
    found = {
        author.address.domain: None
        for value in headers.every(section, b"from")
        for author in addresslists.addresses(value)
        if author.domain
    }
    return tuple(found)


def evaluate(
    authors: Sequence[str],
    spf: SPFResult | None,
    dkim_domains: Sequence[str],
) -> Inquiry[DMARCResult]:
    """
    Judge a message (RFC 9989 5.3).

    :param authors: what ``author_domains`` found.
    :param spf: of the MAIL FROM identity, which for a null reverse-path is
        that of HELO; another scope counts for nothing.
    :param dkim_domains: of the signatures that passed.
    """
    if not authors:
        return DMARCResult(Verdict.PERMERROR, "", why="no author domain")
    if len(authors) > MOST_AUTHORS:
        return DMARCResult(Verdict.PERMERROR, "", why="too many author domains")
    walk = TreeWalk()
    spf_domain = _passed(spf)
    signers = [
        domain
        for domain in map(mail_domain, dkim_domains[:MOST_SIGNATURES])
        if domain is not None
    ]
    results = []
    for domain in dict.fromkeys(map(mail_domain, authors)):
        if domain is None:
            why = "no domain that could publish DMARC"
            results.append(DMARCResult(Verdict.NONE, "", why=why))
            continue
        judgement = _Judgement(walk, domain, spf_domain, signers)
        results.append((yield from judgement.result()))
    return min(results, key=_badness)


def _passed(spf: SPFResult | None) -> str | None:
    """
    The domain for which SPF vouches.
    """
    if (
        spf is None
        or spf.verdict is not Verdict.PASS
        or spf.identity.scope is not Scope.MAIL_FROM
    ):
        return None
    return mail_domain(spf.identity.domain)


def _badness(result: DMARCResult) -> tuple[int, int]:
    return (
        _WORST_FIRST.index(result.verdict),
        _STRICTEST_FIRST.index(result.policy),
    )


class _Judgement:
    """
    One author domain of a message.
    """

    def __init__(
        self,
        walk: TreeWalk,
        domain: str,
        spf_domain: str | None,
        signers: Sequence[str],
    ) -> None:
        self._walk = walk
        self._domain = domain
        self._spf_domain = spf_domain
        self._signers = signers
        self._unanswered = ""

    def result(self) -> Inquiry[DMARCResult]:
        """
        What it comes to.
        """
        try:
            published = yield from self._published()
        except Unanswered as fact:
            return DMARCResult(Verdict.TEMPERROR, self._domain, why=str(fact))
        if published is None:
            return DMARCResult(Verdict.NONE, self._domain, why="no policy")
        record = published.record
        spf_domains = [self._spf_domain] if self._spf_domain else []
        found = DMARCResult(
            Verdict.PASS,
            self._domain,
            published=published,
            dkim_aligned=(
                yield from self._aligned(self._signers, record.strict_dkim)
            ),
            spf_aligned=(
                yield from self._aligned(spf_domains, record.strict_spf)
            ),
        )
        if found.dkim_aligned or found.spf_aligned:
            return found
        if self._unanswered:
            return replace(
                found, verdict=Verdict.TEMPERROR, why=self._unanswered
            )
        policy = yield from self._policy(published)
        return replace(
            found,
            verdict=Verdict.FAIL,
            policy=policy,
            why="neither SPF nor DKIM passed for the author's domain",
        )

    def _published(self) -> Inquiry[Published | None]:
        """
        The record that applies (RFC 9989 4.10.1): the domain's own, its
        organization's, its public suffix's.
        """
        own = yield from self._walk.at(self._domain)
        if own is not None:
            return own
        found = yield from self._walk.up(self._domain)
        # The last is the organization's, or the suffix's above it.
        organizational = organization(self._domain, found)
        for published in found:
            if published.domain == organizational:
                return published
        return found[-1] if found else None

    def _aligned(self, domains: Sequence[str], strict: bool) -> Inquiry[bool]:
        """
        Whether one of the domains is the author's (RFC 9989 4.4).
        """
        if self._domain in domains:
            return True
        if strict or not domains:
            return False
        try:
            ours = yield from self._walk.organization(self._domain)
            for domain in domains:
                if is_within(domain, ours):
                    theirs = yield from self._walk.organization(domain)
                    if theirs == ours:
                        return True
        except Unanswered as fact:
            self._unanswered = str(fact)
        return False

    def _policy(self, published: Published) -> Inquiry[Policy]:
        """
        What the owner wishes for this domain (RFC 9989 4.7 and 4.10.1).
        """
        record = published.record
        policy = record.p
        if published.domain != self._domain:
            policy = record.p if record.sp is None else record.sp
            if record.np not in {None, policy} and not (
                yield from self._exists()
            ):
                policy = record.np or policy
        return policy.milder if record.testing else policy

    def _exists(self) -> Inquiry[bool]:
        """
        Whether the author domain has MX, A or AAAA; taken for granted where
        the DNS does not answer.
        """
        for type_ in (RecordType.MX, RecordType.A, RecordType.AAAA):
            answer = yield Question(self._domain, type_)
            if answer.found in {Found.RECORDS, Found.FAILED}:
                return True
            if answer.found is Found.NO_NAME:
                return False
        return False
