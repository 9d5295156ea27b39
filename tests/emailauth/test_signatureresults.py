"""
Tests for ``mailsuite.emailauth.signatureresults``.
"""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import results
from mailsuite.emailauth.arc import ARCResult, ARCSet
from mailsuite.emailauth.dkim import DKIMResult
from mailsuite.emailauth.results import AuthenticationResults, MethodResult
from mailsuite.emailauth.signatureresults import of_arc, of_dkim
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail import headers

_PASSED = DKIMResult(
    Verdict.PASS,
    "example.org",
    "s1",
    "@example.org",
    "rsa-sha256",
    "AbC/+=12",
)


def printed(*found: MethodResult) -> str:
    """
    The field's value on one line.
    """
    value = results.value(AuthenticationResults("mx.example", found))
    return headers.unfolded(value).decode().replace("\t", " ")


class OfDKIMTests(SynchronousTestCase):
    """
    Tests for ``of_dkim``.
    """

    def test_none(self) -> None:
        """
        That there is no signature is said too.
        """
        self.assertEqual(printed(*of_dkim(())), "mx.example; dkim=none")

    def test_a_pass(self) -> None:
        """
        With what tells signatures apart.
        """
        self.assertEqual(
            printed(*of_dkim([_PASSED])),
            "mx.example; dkim=pass header.d=example.org"
            " header.i=@example.org header.s=s1 header.a=rsa-sha256"
            ' header.b="AbC/+=12"',
        )

    def test_a_failure(self) -> None:
        """
        The reason is told; what could not be read is left out.
        """
        failed = DKIMResult(Verdict.PERMERROR, "", "", "", "", "", "no d=")

        self.assertEqual(
            printed(*of_dkim([failed])),
            'mx.example; dkim=permerror reason="no d="',
        )

    def test_several(self) -> None:
        """
        In their order; a key that is only tried is told of.
        """
        found = of_dkim([_PASSED, replace(_PASSED, testing=True)])

        self.assertEqual(
            [result.comment for result in found], ["", "testing key"]
        )


class OfARCTests(SynchronousTestCase):
    """
    Tests for ``of_arc``.
    """

    def test_none(self) -> None:
        """
        No chain.
        """
        self.assertEqual(
            printed(of_arc(ARCResult(Verdict.NONE))), "mx.example; arc=none"
        )

    def test_a_pass(self) -> None:
        """
        Who sealed, and which signature still holds.
        """
        sets = tuple(ARCSet(n, f"d{n}.example", "s", b"") for n in (2, 1))

        found = of_arc(ARCResult(Verdict.PASS, sets, 2, oldest_pass=2))

        self.assertEqual(
            printed(found),
            "mx.example; arc=pass (i=2 d=d2.example i=1 d=d1.example)"
            " header.oldest-pass=2",
        )

    def test_a_failure(self) -> None:
        """
        The reason is told.
        """
        found = of_arc(ARCResult(Verdict.FAIL, (), 2, "seal 2: key revoked"))

        self.assertEqual(
            printed(found), 'mx.example; arc=fail reason="seal 2: key revoked"'
        )
