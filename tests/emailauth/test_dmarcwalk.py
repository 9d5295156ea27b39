"""
Tests for ``mailsuite.emailauth.dmarcwalk``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.dmarcwalk import TreeWalk, walked
from mailsuite.emailauth.verdict import Unanswered
from mailsuite.mail.dns import RecordType
from tests.emailauth.test_dmarc import dmarc_zone
from tests.emailauth.zone import Zone


def _organization(zone: Zone, domain: str) -> str:
    return zone.resolve(TreeWalk().organization(domain))


class WalkedTests(SynchronousTestCase):
    """
    Tests for ``walked``.
    """

    def test_one_label_at_a_time(self) -> None:
        """
        Up to seven labels the walk leaves none out.
        """
        self.assertEqual(
            walked("a.mail.example.com"),
            ["a.mail.example.com", "mail.example.com", "example.com", "com"],
        )
        self.assertEqual(len(walked("a.b.c.d.e.f.com")), 7)
        self.assertEqual(walked("com"), ["com"])

    def test_long_names_are_cut(self) -> None:
        """
        A name of eight labels or more is followed by its last seven.
        """
        self.assertEqual(
            walked("h.g.f.e.d.c.b.com")[:2],
            ["h.g.f.e.d.c.b.com", "g.f.e.d.c.b.com"],
        )
        names = walked("k.j.i.h.g.f.e.d.c.b.com")
        self.assertEqual(names[1], "g.f.e.d.c.b.com")
        self.assertEqual(len(names), 8)


class OrganizationTests(SynchronousTestCase):
    """
    Tests for ``TreeWalk.organization``.
    """

    def test_fewest_labels(self) -> None:
        """
        An exhausted walk takes the record with the fewest labels.
        """
        zone = dmarc_zone(
            {
                "mail.example.com": "v=DMARC1; p=none",
                "example.com": "v=DMARC1; p=none",
            }
        )

        self.assertEqual(
            _organization(zone, "a.mail.example.com"), "example.com"
        )

    def test_no_suffix(self) -> None:
        """
        ``psd=n`` ends the walk: the organization is there.
        """
        zone = dmarc_zone(
            {
                "mail.example.com": "v=DMARC1; p=none; psd=n",
                "example.com": "v=DMARC1; p=none",
            }
        )

        self.assertEqual(
            _organization(zone, "a.mail.example.com"), "mail.example.com"
        )

    def test_suffix(self) -> None:
        """
        Below ``psd=y`` every name is an organization.
        """
        zone = dmarc_zone({"com": "v=DMARC1; p=none; psd=y"})

        self.assertEqual(
            _organization(zone, "a.mail.example.com"), "example.com"
        )
        self.assertEqual(_organization(zone, "com"), "com")

    def test_nothing_found(self) -> None:
        """
        Without any record a name stands for itself.
        """
        self.assertEqual(
            _organization(dmarc_zone({}), "a.example.com"), "a.example.com"
        )

    def test_several_records(self) -> None:
        """
        Several records at a name are none; other TXT records are not seen.
        """
        record = b"v=DMARC1; p=none"
        several = Zone(
            {"_dmarc.example.com": {RecordType.TXT: [record, record]}}
        )
        one = Zone({"_dmarc.example.com": {RecordType.TXT: [b"x", record]}})

        self.assertEqual(
            _organization(several, "a.example.com"), "a.example.com"
        )
        self.assertEqual(_organization(one, "a.example.com"), "example.com")

    def test_walks_share_answers(self) -> None:
        """
        What one walk has found, another does not ask for.
        """
        zone = dmarc_zone({"example.com": "v=DMARC1; p=none"})
        walk = TreeWalk()

        zone.resolve(walk.organization("a.example.com"))
        zone.resolve(walk.organization("b.example.com"))

        self.assertEqual(
            [question.name for question in zone.asked],
            [
                "_dmarc.a.example.com",
                "_dmarc.example.com",
                "_dmarc.com",
                "_dmarc.b.example.com",
            ],
        )

    def test_silence_is_asked_once(self) -> None:
        """
        A name that does not answer costs its time once.
        """
        zone = dmarc_zone({}, silent=["_dmarc.example.com"])
        walk = TreeWalk()

        self.assertRaises(
            Unanswered, zone.resolve, walk.organization("example.com")
        )
        self.assertRaises(
            Unanswered, zone.resolve, walk.organization("example.com")
        )

        self.assertEqual(len(zone.asked), 1)
