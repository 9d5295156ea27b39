"""
Tests for ``mailsuite.emailauth.dmarcreport``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.dkim import DKIMResult
from mailsuite.emailauth.dmarc import DMARCResult
from mailsuite.emailauth.dmarcrecord import DMARCRecord, Policy
from mailsuite.emailauth.dmarcreport import (
    AggregateReport,
    DKIMObservation,
    OverrideReason,
    PublishedPolicy,
    ReportMetadata,
    SPFObservation,
    filename,
    observation,
    published_policy,
    subject,
)
from mailsuite.emailauth.dmarcwalk import Published
from mailsuite.emailauth.spf import Scope, SPFIdentity, SPFResult
from mailsuite.emailauth.verdict import Verdict

_REJECT = Published("example.org", DMARCRecord(Policy.REJECT))
_SPF = SPFResult(
    Verdict.PASS, SPFIdentity(Scope.MAIL_FROM, "a", "Example.org"), "all"
)


def _signature(domain: str, verdict: Verdict) -> DKIMResult:
    return DKIMResult(verdict, domain, "s1", "", "rsa-sha256", "abc")


class ObservationTests(SynchronousTestCase):
    """
    Tests for ``observation``.
    """

    def test_pass_under_a_policy(self) -> None:
        """
        Mail that passed an enforcing policy has the disposition "pass".
        """
        found = DMARCResult(
            Verdict.PASS, "example.org", published=_REJECT, spf_aligned=True
        )

        seen = observation("192.0.2.1", found, _SPF, (), done=Policy.NONE)

        self.assertEqual(seen.disposition, "pass")
        self.assertEqual((seen.dkim, seen.spf), ("fail", "pass"))
        self.assertEqual(seen.reasons, ())
        self.assertEqual(
            seen.spf_results,
            (SPFObservation("example.org", "pass", "mfrom", "all"),),
        )

    def test_pass_without_a_policy(self) -> None:
        """
        Where nothing is wished for, nothing was done.
        """
        published = Published("example.org", DMARCRecord())
        found = DMARCResult(
            Verdict.PASS, "example.org", published=published, spf_aligned=True
        )

        seen = observation("192.0.2.1", found, _SPF, (), done=Policy.NONE)

        self.assertEqual(seen.disposition, "none")

    def test_own_policy(self) -> None:
        """
        What differs from the owner's wish has a reason (RFC 9990 3.1.1.9).
        """
        found = DMARCResult(Verdict.FAIL, "example.org", Policy.REJECT, _REJECT)

        seen = observation("192.0.2.1", found, None, (), done=Policy.QUARANTINE)

        self.assertEqual(seen.disposition, "quarantine")
        self.assertEqual(seen.reasons, (OverrideReason("local_policy"),))
        self.assertEqual(seen.spf_results, ())

    def test_test_mode(self) -> None:
        """
        What ``t=y`` spared is told as that.
        """
        published = Published(
            "example.org", DMARCRecord(Policy.REJECT, testing=True)
        )
        found = DMARCResult(
            Verdict.FAIL, "example.org", Policy.QUARANTINE, published
        )

        seen = observation("192.0.2.1", found, None, (), done=Policy.QUARANTINE)

        self.assertEqual(seen.reasons, (OverrideReason("policy_test_mode"),))

    def test_signatures_in_their_order(self) -> None:
        """
        Those that passed come first, and the author's before others.
        """
        found = DMARCResult(
            Verdict.PASS, "example.org", published=_REJECT, dkim_aligned=True
        )
        signatures = [
            _signature("broken.example", Verdict.FAIL),
            _signature("other.example", Verdict.PASS),
            _signature("mail.example.org", Verdict.PASS),
            _signature("example.org", Verdict.PASS),
        ]

        seen = observation(
            "192.0.2.1", found, _SPF, signatures, done=Policy.NONE
        )

        self.assertEqual(
            seen.dkim_results,
            (
                DKIMObservation("example.org", "s1", "pass"),
                DKIMObservation("mail.example.org", "s1", "pass"),
                DKIMObservation("other.example", "s1", "pass"),
                DKIMObservation("broken.example", "s1", "fail"),
            ),
        )


class ReportTests(SynchronousTestCase):
    """
    Tests for the words around a report.
    """

    def test_unsaid_values(self) -> None:
        """
        The policy is told with the values that its record leaves unsaid.
        """
        record = DMARCRecord(Policy.REJECT, np=Policy.NONE, testing=True)

        self.assertEqual(
            published_policy(Published("example.org", record)),
            PublishedPolicy(
                "example.org",
                "reject",
                "reject",
                "none",
                "r",
                "r",
                "y",
                "0",
                "treewalk",
            ),
        )

    def test_names(self) -> None:
        """
        File and subject are named as RFC 9990 3.5.2 says.
        """
        report = AggregateReport(
            ReportMetadata("Us", "a@our.example", "7@our.example", 100, 200),
            PublishedPolicy("example.org", "none"),
            (),
        )

        self.assertEqual(
            filename("our.example", report, "7"),
            "our.example!example.org!100!200!7.xml.gz",
        )
        self.assertEqual(
            subject("our.example", report),
            "Report Domain: example.org Submitter: our.example"
            " Report-ID: <7@our.example>",
        )
