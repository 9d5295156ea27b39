"""
Messages that DMARC has judged, for tests.
"""

from __future__ import annotations

from mailsuite.emailauth.arc import ARCResult
from mailsuite.emailauth.dmarc import DMARCResult
from mailsuite.emailauth.dmarcrecord import DMARCRecord, Policy
from mailsuite.emailauth.dmarcwalk import Published
from mailsuite.emailauth.spf import Scope, SPFIdentity, SPFResult
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Envelope, Origin, Sender
from mailsuite.transfer.checks import Examined, Treatment

RUA = ("mailto:rua@crepes.fr",)


def envelope(peer: str = "192.0.2.7") -> Envelope:
    """
    From bob@crepes.fr, by that address.
    """
    origin = Origin("ESMTP", "mx", peer, "crepes.fr", our_name="hamburger.edu")
    return Envelope(origin, Sender(Address("bob", "crepes.fr")))


def examined(
    verdict: Verdict = Verdict.PASS,
    *,
    domain: str = "crepes.fr",
    author: str = "",
    rua: tuple[str, ...] = RUA,
    policy: Policy = Policy.REJECT,
    treatment: Treatment = Treatment.NOTE,
) -> Examined:
    """
    A message in the name of ``author``, for which ``domain`` has a record.
    """
    failed = verdict is Verdict.FAIL
    identity = SPFIdentity(Scope.MAIL_FROM, "bob", domain)
    return Examined(
        results=(),
        treatment=treatment,
        refusal=None,
        spf=SPFResult(Verdict.FAIL if failed else Verdict.PASS, identity, ""),
        dkim=(),
        arc=ARCResult(Verdict.NONE),
        dmarc=DMARCResult(
            verdict,
            author or domain,
            policy if failed else Policy.NONE,
            Published(domain, DMARCRecord(policy, rua=rua)),
            spf_aligned=verdict is Verdict.PASS,
        ),
    )
