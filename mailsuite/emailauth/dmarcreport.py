"""
DMARC aggregate reports as values (RFC 9990 3).

Implementation notes

- An ``Observation`` is what messages have in common that are counted
  together; whoever gathers counts equal ones.
- Reports of others are text: what they say may be none of the words that the
  RFC has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailsuite.emailauth.dkim import DKIMResult
from mailsuite.emailauth.dmarc import DMARCResult
from mailsuite.emailauth.dmarcrecord import Policy
from mailsuite.emailauth.dmarcwalk import Published
from mailsuite.emailauth.domains import ascii_domain, is_within
from mailsuite.emailauth.spf import SPFResult
from mailsuite.emailauth.verdict import Verdict


@dataclass(frozen=True, slots=True)
class ReportMetadata:
    """
    Who reports, and on what time (RFC 9990 3.1.1.3).

    :param begin: seconds since 1970, as is ``end``.
    """

    organization: str
    email: str
    report_id: str
    begin: int
    end: int
    extra_contact: str = ""
    error: str = ""
    generator: str = ""


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """
    The policy that applied (RFC 9990 3.1.1.5); what is empty is not told.
    """

    domain: str
    p: str
    sp: str = ""
    np: str = ""
    adkim: str = ""
    aspf: str = ""
    testing: str = ""
    failure_options: str = ""
    discovery_method: str = ""


@dataclass(frozen=True, slots=True)
class OverrideReason:
    """
    Why a policy was not followed (RFC 9990 3.1.6).
    """

    type: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class DKIMObservation:
    """
    What a signature was worth.
    """

    domain: str
    selector: str
    result: str
    human_result: str = ""


@dataclass(frozen=True, slots=True)
class SPFObservation:
    """
    What SPF said.
    """

    domain: str
    result: str
    scope: str = ""
    human_result: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """
    What a report says about a number of messages (RFC 9990 3.1.1.7).

    :param disposition: what was done: ``none``, ``pass``, ``quarantine``,
        ``reject``.
    :param dkim: whether an aligned signature passed: ``pass`` or ``fail``.
    """

    source: str
    disposition: str
    dkim: str
    spf: str
    header_from: str
    envelope_from: str = ""
    envelope_to: str = ""
    reasons: tuple[OverrideReason, ...] = ()
    dkim_results: tuple[DKIMObservation, ...] = ()
    spf_results: tuple[SPFObservation, ...] = ()


@dataclass(frozen=True, slots=True)
class AggregateReport:
    """
    One report; its observations with their numbers of messages.
    """

    metadata: ReportMetadata
    policy: PublishedPolicy
    observations: tuple[tuple[Observation, int], ...]


def published_policy(published: Published) -> PublishedPolicy:
    """
    The policy of a record, with the values that it leaves unsaid.
    """
    record = published.record
    return PublishedPolicy(
        published.domain,
        record.p.value,
        (record.sp or record.p).value,
        (record.np or record.sp or record.p).value,
        adkim="s" if record.strict_dkim else "r",
        aspf="s" if record.strict_spf else "r",
        testing="y" if record.testing else "n",
        failure_options=record.failure_options,
        discovery_method="treewalk",
    )


def observation(
    client: str,
    found: DMARCResult,
    spf: SPFResult | None,
    dkim: Sequence[DKIMResult],
    *,
    done: Policy,
) -> Observation:
    """
    What is reported about one message.

    :param found: with a record.
    :param spf: of the MAIL FROM identity.
    :param done: what was done to the message; where that is milder than its
        owner wished, "local_policy" is given as the reason.
    """
    passed = found.verdict is Verdict.PASS
    spf_domain = "" if spf is None else _domain(spf.identity.domain)
    return Observation(
        client,
        "pass" if passed and _is_enforcing(found) else done.value,
        _aligned(found.dkim_aligned),
        _aligned(found.spf_aligned),
        found.domain,
        spf_domain,
        reasons=_reasons(found, done),
        dkim_results=tuple(
            DKIMObservation(
                each.domain, each.selector, each.verdict.value, each.why
            )
            for each in sorted(dkim, key=lambda each: _rank(each, found))
        ),
        spf_results=() if spf is None else (_spf(spf, spf_domain),),
    )


def filename(receiver: str, report: AggregateReport, unique: str) -> str:
    """
    The name of a report's file, compressed (RFC 9990 3.5.2).

    :param unique: letters and digits.
    """
    metadata = report.metadata
    return (
        f"{receiver}!{report.policy.domain}!{metadata.begin}!{metadata.end}"
        f"!{unique}.xml.gz"
    )


def subject(receiver: str, report: AggregateReport) -> str:
    """
    The subject of the message that carries a report (RFC 9990 3.5.2).
    """
    return (
        f"Report Domain: {report.policy.domain} Submitter: {receiver}"
        f" Report-ID: <{report.metadata.report_id}>"
    )


def _aligned(passed: bool) -> str:
    return "pass" if passed else "fail"


def _domain(name: str) -> str:
    return ascii_domain(name) or ""


def _spf(found: SPFResult, domain: str) -> SPFObservation:
    return SPFObservation(domain, found.verdict.value, "mfrom", found.why)


def _is_enforcing(found: DMARCResult) -> bool:
    """
    Whether the owner wishes anything for mail that fails, test or not.
    """
    if found.published is None:
        return False
    record = found.published.record
    wished = record.p
    if found.published.domain != found.domain and record.sp is not None:
        wished = record.sp
    return wished is not Policy.NONE


def _reasons(found: DMARCResult, done: Policy) -> tuple[OverrideReason, ...]:
    if done is not found.policy:
        return (OverrideReason("local_policy"),)
    is_test = found.published is not None and found.published.record.testing
    if found.verdict is Verdict.FAIL and is_test and _is_enforcing(found):
        return (OverrideReason("policy_test_mode"),)
    return ()


def _rank(signature: DKIMResult, found: DMARCResult) -> int:
    """
    RFC 9990 3.1.3: those that pass, the author's own first, then those near
    it; after them the others.
    """
    if signature.verdict is not Verdict.PASS:
        return 3
    if signature.domain == found.domain:
        return 0
    published = found.published
    near = published is not None and is_within(
        signature.domain, published.domain
    )
    return 1 if near else 2
