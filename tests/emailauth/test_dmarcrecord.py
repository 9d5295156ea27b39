"""
Tests for ``mailsuite.emailauth.dmarcrecord``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.dmarcrecord import (
    DMARCRecord,
    Policy,
    PublicSuffix,
    is_dmarc,
)


class DMARCRecordTests(SynchronousTestCase):
    """
    Tests for ``DMARCRecord.parse`` and ``is_dmarc``.
    """

    def test_all_tags(self) -> None:
        """
        Every tag is read, in any order and case, with spaces or without.
        """
        octets = (
            b"v = DMARC1;np=reject ; SP = Quarantine;p=none; adkim=S;aspf=s;"
            b"psd=n;t=y;fo=1:d; rua=mailto:a@example.org!10m,"
            b" https://example.net/r;"
        )

        self.assertTrue(is_dmarc(octets))
        self.assertEqual(
            DMARCRecord.parse(octets),
            DMARCRecord(
                Policy.NONE,
                Policy.QUARANTINE,
                Policy.REJECT,
                strict_dkim=True,
                strict_spf=True,
                public_suffix=PublicSuffix.NO,
                testing=True,
                failure_options="1:d",
                rua=("mailto:a@example.org", "https://example.net/r"),
            ),
        )

    def test_version(self) -> None:
        """
        The version comes first, and is exactly that.
        """
        self.assertFalse(is_dmarc(b"v=dmarc1; p=none"))
        self.assertFalse(is_dmarc(b"v=DMARC10; p=none"))
        self.assertFalse(is_dmarc(b"p=none; v=DMARC1"))
        self.assertTrue(is_dmarc(b"v=DMARC1"))

    def test_wrong_tags_are_not_there(self) -> None:
        """
        Unknown tags and wrong values leave the defaults.
        """
        octets = b"v=DMARC1; p=reject; adkim=x; psd=?; t=yes; fo=9; rua=,; zz"

        self.assertEqual(DMARCRecord.parse(octets), DMARCRecord(Policy.REJECT))

    def test_no_policy(self) -> None:
        """
        A record that says nothing of a policy asks for nothing.
        """
        self.assertEqual(DMARCRecord.parse(b"v=DMARC1"), DMARCRecord())

    def test_wrong_policy(self) -> None:
        """
        A wrong policy is none, if there is somebody to tell; else the record
        does not count.
        """
        told = b"v=DMARC1; p=reject; sp=refuse; rua=mailto:a@example.org"

        self.assertEqual(
            DMARCRecord.parse(told), DMARCRecord(rua=("mailto:a@example.org",))
        )
        self.assertRaises(ValueError, DMARCRecord.parse, b"v=DMARC1; p=refuse")

    def test_many_addresses(self) -> None:
        """
        The number of addresses is bounded.
        """
        octets = b"v=DMARC1; p=none; rua=" + b"mailto:a@b.example," * 100

        self.assertEqual(len(DMARCRecord.parse(octets).rua), 5)

    def test_long_record(self) -> None:
        """
        A record longer than any is none.
        """
        octets = b"v=DMARC1; p=none;" + b" " * 10_000

        self.assertRaises(ValueError, DMARCRecord.parse, octets)

    @settings(deadline=10_000)
    @given(
        st.binary(max_size=100)
        | st.text("v=DMARC1;pqrua: ,!m@.-", max_size=100).map(str.encode),
        st.integers(1, 100),
    )
    def test_any_octets(self, octets: bytes, times: int) -> None:
        """
        Whatever is published is read, or not, in a moment.
        """
        for record in (octets * times, b"v=DMARC1;" + octets * times):
            if is_dmarc(record):
                try:
                    DMARCRecord.parse(record)
                except ValueError:
                    continue
