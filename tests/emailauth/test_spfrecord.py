"""
Tests for ``mailsuite.emailauth.spfrecord`` and ``spfmacros``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.spfmacros import (
    parse_domain_spec,
    parse_explanation,
    parse_macros,
)
from mailsuite.emailauth.spfrecord import SPFRecord, is_spf

_VALUES = dict.fromkeys("slodiphvcrt", "a.b-c@d")


class SPFRecordTests(SynchronousTestCase):
    """
    Tests for ``SPFRecord.parse`` and ``is_spf``.
    """

    def test_redirect_beside_all(self) -> None:
        """
        An ``all`` makes a redirection idle (RFC 7208 6.1).
        """
        record = SPFRecord.parse(b"v=spf1 redirect=example.org -all")

        self.assertIsNone(record.redirect)

    def test_scoped_addresses(self) -> None:
        """
        An address with a zone is none (RFC 7208 12).
        """
        self.assertRaises(
            ValueError, SPFRecord.parse, b"v=spf1 ip6:fe80::1%eth0 -all"
        )

    @settings(deadline=10_000)
    @given(
        st.binary(max_size=100)
        | st.text("amx ip46:/+-?~.=%{}dlr10", max_size=100).map(str.encode),
        st.integers(1, 100),
    )
    def test_any_octets(self, octets: bytes, times: int) -> None:
        """
        Whatever is published is read, or not, in a moment.
        """
        for record in (octets * times, b"v=spf1 " + octets * times):
            if is_spf(record):
                try:
                    SPFRecord.parse(record)
                except ValueError:
                    continue


class MacroTests(SynchronousTestCase):
    """
    Tests for ``spfmacros``.
    """

    def test_digits_without_end(self) -> None:
        """
        A number that no machine would hold keeps all parts.
        """
        macros = parse_macros("%{d" + "9" * 5000 + "}")

        self.assertEqual(macros.expand({"d": "a.b"}), "a.b")

    def test_leading_zeros(self) -> None:
        """
        Zeros in front of a number are nothing; zero itself is an error.
        """
        self.assertEqual(parse_macros("%{d0001}").expand({"d": "a.b"}), "b")
        self.assertRaises(ValueError, parse_macros, "%{d00}")

    def test_domain_spec_ends(self) -> None:
        """
        A domain ends in a macro, or in a dot and a label that is no number.
        """
        for text in ("%{d}", "a.%{d}", "a.b", "%{d}.b.", "a.b-1", "a.1b", "%_"):
            parse_domain_spec(text)
        for text in ("", "a", "a.1", "a.-b", "a.b-", "%{d}b", "a..", "%%-"):
            self.assertRaises(ValueError, parse_domain_spec, text)

    @settings(deadline=10_000)
    @given(st.text("%{}_-sLdr109.+,/=x ", max_size=100), st.integers(1, 100))
    def test_what_is_read_expands(self, text: str, times: int) -> None:
        """
        Text that is a macro string expands, whatever the values.
        """
        try:
            macros = parse_explanation(text * times)
        except ValueError:
            return
        macros.expand(_VALUES)
