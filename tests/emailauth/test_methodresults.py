"""
Tests for ``mailsuite.emailauth.methodresults``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import methodresults, spf
from mailsuite.emailauth.dmarc import DMARCResult
from mailsuite.emailauth.dmarcrecord import DMARCRecord, Policy
from mailsuite.emailauth.dmarcwalk import Published
from mailsuite.emailauth.iprev import IPRevResult
from mailsuite.emailauth.results import (
    AuthenticationResults,
    MethodResult,
    value,
)
from mailsuite.emailauth.spf import SPFResult
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail.address import Address


def _printed(result: MethodResult) -> str:
    whole = value(AuthenticationResults("mx", (result,))).decode()
    return " ".join(whole.removeprefix("mx;").split())


class MethodResultsTests(SynchronousTestCase):
    """
    Tests for how each method's result is told.
    """

    def test_iprev(self) -> None:
        """
        The address is told, and the name that leads back to it.
        """
        found = IPRevResult(Verdict.PASS, "192.0.2.1", "mx.example.net")

        self.assertEqual(
            _printed(methodresults.of_iprev(found)),
            "iprev=pass (mx.example.net) policy.iprev=192.0.2.1",
        )

    def test_spf(self) -> None:
        """
        Each identity has its own property; an address outside ASCII is told
        by its domain alone.
        """
        path = spf.mail_from(Address("a", "example.org"), "mx")
        wide = spf.mail_from(Address("\u00fc", "b\u00fccher.example"), "mx")
        helo = spf.SPFIdentity(spf.Scope.HELO, "postmaster", "mx.example.net")

        self.assertEqual(
            _printed(
                methodresults.of_spf(SPFResult(Verdict.FAIL, path, "-all"))
            ),
            "spf=fail (-all) smtp.mailfrom=a@example.org",
        )
        self.assertEqual(
            _printed(methodresults.of_spf(SPFResult(Verdict.NONE, wide))),
            "spf=none smtp.mailfrom=xn--bcher-kva.example",
        )
        self.assertEqual(
            _printed(methodresults.of_spf(SPFResult(Verdict.NONE, helo))),
            "spf=none smtp.helo=mx.example.net",
        )

    def test_dmarc(self) -> None:
        """
        The record that applied is told; without an author nothing is.
        """
        published = Published("example.org", DMARCRecord(Policy.REJECT))
        found = DMARCResult(
            Verdict.FAIL, "a.example.org", Policy.REJECT, published
        )
        nobody = DMARCResult(Verdict.PERMERROR, "")

        self.assertEqual(
            _printed(methodresults.of_dmarc(found)),
            "dmarc=fail header.from=a.example.org polrec.p=reject"
            " polrec.domain=example.org",
        )
        self.assertEqual(
            _printed(methodresults.of_dmarc(nobody)), "dmarc=permerror"
        )
