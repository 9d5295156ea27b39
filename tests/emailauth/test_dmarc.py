"""
Tests for ``mailsuite.emailauth.dmarc``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import dmarc
from mailsuite.emailauth.dmarc import DMARCResult
from mailsuite.emailauth.dmarcrecord import Policy
from mailsuite.emailauth.spf import (
    Scope,
    SPFIdentity,
    SPFResult,
)
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail.dns import Record, RecordType
from tests.emailauth.zone import Zone

_labels = st.sampled_from(["a", "b", "org", "example", "\u00fc", "-", "A"])
_domains = st.lists(_labels, max_size=10).map(".".join) | st.text(max_size=9)


def spf_pass(domain: str) -> SPFResult:
    """
    SPF vouches for a domain.
    """
    return SPFResult(
        Verdict.PASS, SPFIdentity(Scope.MAIL_FROM, "alice", domain)
    )


def dmarc_zone(
    records: Mapping[str, str],
    others: Mapping[str, Mapping[RecordType, Sequence[Record]]] | None = None,
    silent: Sequence[str] = (),
) -> Zone:
    """
    A zone with DMARC records by their domains.
    """
    zone: dict[str, Mapping[RecordType, Sequence[Record]]] = {
        f"_dmarc.{domain}": {RecordType.TXT: [text.encode()]}
        for domain, text in records.items()
    }
    return Zone(zone | dict(others or {}), silent)


def judged(
    zone: Zone,
    author: str,
    spf: SPFResult | None = None,
    signers: Sequence[str] = (),
) -> DMARCResult:
    """
    What becomes of a message with one author.
    """
    return zone.resolve(dmarc.evaluate([author], spf, signers))


class AlignmentTests(SynchronousTestCase):
    """
    Tests for what ``evaluate`` makes of SPF's and DKIM's domains.
    """

    def test_same_domain(self) -> None:
        """
        The author's own domain needs one question.
        """
        zone = dmarc_zone({"example.org": "v=DMARC1; p=reject"})

        found = judged(zone, "Example.org", spf_pass("example.ORG"))

        self.assertEqual(found.verdict, Verdict.PASS)
        self.assertEqual(found.policy, Policy.NONE)
        self.assertTrue(found.spf_aligned)
        self.assertFalse(found.dkim_aligned)
        self.assertEqual(len(zone.asked), 1)

    def test_same_organization(self) -> None:
        """
        Relaxed, a domain of the same organization vouches, up or down.
        """
        zone = dmarc_zone({"example.org": "v=DMARC1; p=reject"})

        below = judged(zone, "example.org", None, ["mail.example.org"])
        above = judged(zone, "a.example.org", spf_pass("example.org"))
        beside = judged(zone, "a.example.org", None, ["b.c.example.org"])

        self.assertTrue(below.dkim_aligned)
        self.assertTrue(above.spf_aligned)
        self.assertTrue(beside.dkim_aligned)

    def test_another_organization(self) -> None:
        """
        Whom another organization vouches for has nobody.
        """
        zone = dmarc_zone({"example.org": "v=DMARC1; p=reject"})

        found = judged(
            zone, "example.org", spf_pass("example.com"), ["notexample.org"]
        )

        self.assertEqual(found.verdict, Verdict.FAIL)
        self.assertEqual(found.policy, Policy.REJECT)

    def test_strict(self) -> None:
        """
        Strict, only the very domain vouches; each method for itself.
        """
        zone = dmarc_zone({"example.org": "v=DMARC1; p=reject; adkim=s"})
        other = "mail.example.org"

        found = judged(zone, "example.org", spf_pass(other), [other])

        self.assertFalse(found.dkim_aligned)
        self.assertTrue(found.spf_aligned)

    def test_department_of_its_own(self) -> None:
        """
        Below ``psd=n`` is another organization.
        """
        zone = dmarc_zone(
            {
                "example.org": "v=DMARC1; p=reject",
                "uni.example.org": "v=DMARC1; p=reject; psd=n",
            }
        )

        found = judged(zone, "example.org", None, ["uni.example.org"])

        self.assertEqual(found.verdict, Verdict.FAIL)

    def test_helo_identity_counts_for_nothing(self) -> None:
        """
        SPF of the HELO identity is not what DMARC looks at.
        """
        zone = dmarc_zone({"example.org": "v=DMARC1; p=reject"})
        spf = SPFResult(
            Verdict.PASS, SPFIdentity(Scope.HELO, "postmaster", "example.org")
        )

        self.assertEqual(judged(zone, "example.org", spf).verdict, Verdict.FAIL)

    def test_soft_results_count_for_nothing(self) -> None:
        """
        Only a pass of SPF vouches.
        """
        zone = dmarc_zone({"example.org": "v=DMARC1; p=reject"})
        spf = SPFResult(
            Verdict.NEUTRAL, SPFIdentity(Scope.MAIL_FROM, "a", "example.org")
        )

        self.assertEqual(judged(zone, "example.org", spf).verdict, Verdict.FAIL)

    def test_internationalized_domain(self) -> None:
        """
        U-labels and A-labels are the same domain.
        """
        zone = dmarc_zone({"xn--bcher-kva.example": "v=DMARC1; p=reject"})

        found = judged(
            zone, "b\u00fccher.example", None, ["XN--BCHER-KVA.example"]
        )

        self.assertEqual(found.verdict, Verdict.PASS)
        self.assertEqual(found.domain, "xn--bcher-kva.example")


class PolicyTests(SynchronousTestCase):
    """
    Tests for the policy that ``evaluate`` chooses.
    """

    def test_no_record(self) -> None:
        """
        Without a record there is no result, and eight questions at most.
        """
        zone = dmarc_zone({})

        found = judged(zone, "a.b.c.d.e.f.g.h.i.j.example.org")

        self.assertEqual(found.verdict, Verdict.NONE)
        self.assertEqual(len(zone.asked), 8)

    def test_own_record_first(self) -> None:
        """
        A domain's own record is its policy, whatever stands above.
        """
        zone = dmarc_zone(
            {
                "a.example.org": "v=DMARC1; p=none; sp=reject",
                "example.org": "v=DMARC1; p=reject",
            }
        )

        found = judged(zone, "a.example.org")

        self.assertEqual(found.verdict, Verdict.FAIL)
        self.assertEqual(found.policy, Policy.NONE)

    def test_organizations_record(self) -> None:
        """
        Else it is the organization's, not one between.
        """
        zone = dmarc_zone(
            {
                "mail.example.org": "v=DMARC1; p=none",
                "example.org": "v=DMARC1; p=reject; sp=quarantine",
            }
        )

        found = judged(zone, "a.mail.example.org")

        assert found.published is not None
        self.assertEqual(found.published.domain, "example.org")
        self.assertEqual(found.policy, Policy.QUARANTINE)

    def test_suffix_record(self) -> None:
        """
        Where the organization has none, the public suffix's is taken.
        """
        zone = dmarc_zone({"bank": "v=DMARC1; p=reject; psd=y"})

        found = judged(zone, "www.example.bank")

        self.assertEqual(found.policy, Policy.REJECT)

    def test_suffix_record_aligns_only_below_it(self) -> None:
        """
        Two registrants below a suffix are not one organization.
        """
        zone = dmarc_zone({"bank": "v=DMARC1; p=reject; psd=y"})

        same = judged(zone, "www.one.bank", None, ["one.bank"])
        other = judged(zone, "www.one.bank", None, ["two.bank"])

        self.assertEqual(same.verdict, Verdict.PASS)
        self.assertEqual(other.verdict, Verdict.FAIL)

    def test_name_that_does_not_exist(self) -> None:
        """
        ``np`` is for names without MX and addresses, ``sp`` for the others.
        """
        record = "v=DMARC1; p=none; sp=quarantine; np=reject"
        zone = dmarc_zone(
            {"example.org": record},
            {
                "there.example.org": {RecordType.A: ["192.0.2.1"]},
                "empty.example.org": {RecordType.TXT: [b"x"]},
            },
        )

        self.assertEqual(
            judged(zone, "there.example.org").policy, Policy.QUARANTINE
        )
        self.assertEqual(
            judged(zone, "empty.example.org").policy, Policy.REJECT
        )
        self.assertEqual(
            judged(zone, "missing.example.org").policy, Policy.REJECT
        )
        self.assertEqual(judged(zone, "example.org").policy, Policy.NONE)

    def test_test_mode(self) -> None:
        """
        ``t=y`` is one step milder; ``pct`` is nothing.
        """
        reject = dmarc_zone({"example.org": "v=DMARC1; p=reject; t=y"})
        quarantine = dmarc_zone({"example.org": "v=DMARC1;p=quarantine;t=Y"})
        percent = dmarc_zone({"example.org": "v=DMARC1; p=reject; pct=0"})

        self.assertEqual(
            judged(reject, "example.org").policy, Policy.QUARANTINE
        )
        self.assertEqual(judged(quarantine, "example.org").policy, Policy.NONE)
        self.assertEqual(judged(percent, "example.org").policy, Policy.REJECT)


class NoAnswerTests(SynchronousTestCase):
    """
    Tests for ``evaluate`` where the DNS fails.
    """

    def test_record(self) -> None:
        """
        Without an answer for the record nobody knows.
        """
        zone = dmarc_zone({}, silent=["_dmarc.example.org"])

        self.assertEqual(judged(zone, "example.org").verdict, Verdict.TEMPERROR)

    def test_alignment(self) -> None:
        """
        Nobody knows either if the failure keeps a domain from vouching; but
        one that needs no walk vouches.
        """
        zone = dmarc_zone(
            {"example.org": "v=DMARC1; p=reject"},
            silent=["_dmarc.mail.example.org"],
        )
        signers = ["mail.example.org"]

        failed = judged(zone, "example.org", None, signers)
        passed = judged(zone, "example.org", spf_pass("example.org"), signers)

        self.assertEqual(failed.verdict, Verdict.TEMPERROR)
        self.assertEqual(failed.policy, Policy.NONE)
        self.assertEqual(passed.verdict, Verdict.PASS)


class AuthorTests(SynchronousTestCase):
    """
    Tests for ``author_domains`` and for messages with several authors.
    """

    def test_author_domains(self) -> None:
        """
        All From fields count, groups too, and each domain once.
        """
        section = (
            b"From: A <a@example.org>, b@Example.ORG\r\n"
            b"To: x@other.example\r\n"
            b"from: G: c@example.com;\r\n\r\n"
        )

        self.assertEqual(
            dmarc.author_domains(section), ("example.org", "example.com")
        )

    def test_worst_result_stands(self) -> None:
        """
        An author that passes does not vouch for one that fails.
        """
        zone = dmarc_zone(
            {
                "good.example": "v=DMARC1; p=none",
                "bad.example": "v=DMARC1; p=quarantine",
                "worse.example": "v=DMARC1; p=reject",
            }
        )
        authors = ["good.example", "bad.example", "worse.example"]

        found = zone.resolve(
            dmarc.evaluate(authors, spf_pass("good.example"), [])
        )

        self.assertEqual(found.domain, "worse.example")
        self.assertEqual(found.verdict, Verdict.FAIL)

    def test_no_author(self) -> None:
        """
        A message without an author, or with too many, is a permerror.
        """
        many = [f"a{number}.example" for number in range(100)]
        zone = dmarc_zone({})

        self.assertEqual(
            zone.resolve(dmarc.evaluate([], None, [])).verdict,
            Verdict.PERMERROR,
        )
        self.assertEqual(
            zone.resolve(dmarc.evaluate(many, None, [])).verdict,
            Verdict.PERMERROR,
        )
        self.assertEqual(zone.asked, [])

    def test_author_without_a_domain(self) -> None:
        """
        An address literal or a name of one label can have no policy.
        """
        zone = dmarc_zone({})

        self.assertEqual(judged(zone, "[192.0.2.1]").verdict, Verdict.NONE)
        self.assertEqual(judged(zone, "localhost").verdict, Verdict.NONE)
        self.assertEqual(zone.asked, [])

    @settings(deadline=10_000)
    @given(
        st.lists(_domains, max_size=5),
        _domains,
        st.lists(_domains, max_size=9),
        st.dictionaries(
            _domains.map(lambda domain: domain.lower()),
            st.sampled_from(
                [
                    "v=DMARC1; p=reject; np=none",
                    "v=DMARC1; p=none; psd=y",
                    "v=DMARC1; p=quarantine; psd=n",
                    "v=DMARC1; p=reject; aspf=s; t=y",
                    "v=DMARC1; p=maybe",
                ]
            ),
        ),
    )
    def test_any_domains(
        self,
        authors: list[str],
        sender: str,
        signers: list[str],
        records: dict[str, str],
    ) -> None:
        """
        Whoever writes and vouches, there is a result, after a bounded number
        of questions.
        """
        zone = dmarc_zone(records)

        found = zone.resolve(dmarc.evaluate(authors, spf_pass(sender), signers))

        self.assertIsInstance(found, DMARCResult)
        self.assertEqual(len(set(zone.asked)), len(zone.asked))
        # A walk for each domain, and three questions whether it exists.
        self.assertLessEqual(len(zone.asked), 8 * (4 + 1 + 8) + 3 * 4)
