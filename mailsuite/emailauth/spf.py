"""
May this client send for that domain? (SPF, RFC 7208)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from mailsuite.emailauth.domains import mail_domain
from mailsuite.emailauth.reverse import client_address
from mailsuite.emailauth.spfevaluation import Evaluation, Unusable
from mailsuite.emailauth.verdict import Unanswered, Verdict
from mailsuite.mail.address import Address
from mailsuite.mail.dns import Inquiry

_NOT_PRINTABLE = re.compile(r"[^ -~]")
_LONGEST_WHY = 200


class Scope(Enum):
    """
    Which of SPF's two identities (RFC 7208 2.3 and 2.4).
    """

    HELO = "helo"
    MAIL_FROM = "mfrom"


@dataclass(frozen=True, slots=True)
class SPFIdentity:
    """
    Who the client says to send for.

    :param domain: as the client wrote it.
    """

    scope: Scope
    local_part: str
    domain: str


def mail_from(reverse_path: Address | None, helo: str) -> SPFIdentity:
    """
    The MAIL FROM identity (RFC 7208 2.4); that of HELO for a null path.
    """
    if reverse_path is None:
        return SPFIdentity(Scope.MAIL_FROM, "postmaster", helo)
    return SPFIdentity(
        Scope.MAIL_FROM,
        reverse_path.local_part or "postmaster",
        reverse_path.domain,
    )


@dataclass(frozen=True, slots=True)
class SPFResult:
    """
    What came out (RFC 7208 2.6).

    :param why: which term matched, or what went wrong, in words for a log, in
        printable ASCII; it may quote the record.
    :param explanation: the domain's own words for a fail, in printable ASCII;
        empty if it has none.
    :param fails_all: the record is ``v=spf1 -all``, of the identity's own
        domain, and no more.
    """

    verdict: Verdict
    identity: SPFIdentity
    why: str = ""
    explanation: str = ""
    fails_all: bool = False


def check(
    address: str,
    identity: SPFIdentity,
    helo: str,
    *,
    receiver: str,
    now: int,
) -> Inquiry[SPFResult]:
    """
    RFC 7208 4's check_host().

    :param address: the client's; an IPv4-mapped one counts as IPv4.
    :param receiver: our name, and ``now`` seconds since 1970: what macros in
        an explanation may ask for.
    """
    domain = mail_domain(identity.domain)
    if domain is None:
        return SPFResult(
            Verdict.NONE, identity, "no domain that could publish SPF"
        )
    evaluation = Evaluation(
        client_address(address),
        (identity.local_part, domain),
        helo,
        receiver=receiver,
        now=now,
    )
    try:
        outcome = yield from evaluation.check_host(domain)
        explanation = yield from evaluation.explain(outcome)
    except Unanswered as fact:
        return SPFResult(Verdict.TEMPERROR, identity, _told(str(fact)))
    except Unusable as fact:
        return SPFResult(Verdict.PERMERROR, identity, _told(str(fact)))
    return SPFResult(
        outcome.verdict,
        identity,
        _told(outcome.why),
        explanation,
        outcome.domain == domain
        and outcome.record is not None
        and outcome.record.fails_all,
    )


def _told(why: str) -> str:
    return _NOT_PRINTABLE.sub("?", why[:_LONGEST_WHY])
