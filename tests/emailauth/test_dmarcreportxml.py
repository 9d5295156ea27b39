"""
Tests for ``mailsuite.emailauth.dmarcreportxml``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.dmarcreport import (
    AggregateReport,
    DKIMObservation,
    Observation,
    OverrideReason,
    PublishedPolicy,
    ReportMetadata,
    SPFObservation,
)
from mailsuite.emailauth.dmarcreportxml import (
    LONGEST_REPORT,
    NotAReport,
    parse_report,
    print_report,
)

_METADATA = ReportMetadata(
    "Example <Org> & Co", "dmarc@example.net", "42.1@example.net", 100, 200
)
_POLICY = PublishedPolicy("example.org", "reject", "none", "", "r", "s", "n")
_OBSERVATION = Observation(
    "192.0.2.1", "none", "pass", "fail", "example.org", "list.example.com"
)

#: RFC 7489's form, as a large reporter writes it.
_OLD_REPORT = b"""<?xml version="1.0" encoding="UTF-8" ?>
<feedback>
  <report_metadata>
    <org_name>example.com</org_name>
    <email>noreply@example.com</email>
    <extra_contact_info>https://example.com/dmarc</extra_contact_info>
    <report_id>1234567890</report_id>
    <date_range><begin>1700000000</begin><end>1700086399</end></date_range>
  </report_metadata>
  <policy_published>
    <domain>Example.ORG</domain>
    <adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp><pct>100</pct>
  </policy_published>
  <record>
    <row>
      <source_ip>2001:db8:0::1</source_ip>
      <count>7</count>
      <policy_evaluated>
        <disposition>none</disposition><dkim>fail</dkim><spf>pass</spf>
        <reason><type>local_policy</type><comment>arc=pass</comment></reason>
      </policy_evaluated>
    </row>
    <identifiers><header_from>example.org</header_from></identifiers>
    <auth_results>
      <dkim>
        <domain>example.org</domain><result>fail</result>
        <selector>s1</selector>
      </dkim>
      <spf><domain>example.org</domain><result>pass</result></spf>
    </auth_results>
  </record>
</feedback>
"""

_texts = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xD7FF), max_size=20
).map(str.strip)
_observations = st.builds(
    Observation,
    st.ip_addresses().map(str),
    _texts,
    _texts,
    _texts,
    _texts.map(str.lower),
    reasons=st.lists(st.builds(OverrideReason, _texts, _texts), max_size=2).map(
        tuple
    ),
    dkim_results=st.lists(
        st.builds(DKIMObservation, _texts, _texts, _texts, _texts), max_size=3
    ).map(tuple),
    spf_results=st.lists(
        st.builds(SPFObservation, _texts, _texts, _texts, _texts), max_size=1
    ).map(tuple),
)
_counted = st.lists(
    st.tuples(_observations, st.integers(1, 10**9)), min_size=1, max_size=4
)


def _report(*observations: tuple[Observation, int]) -> AggregateReport:
    return AggregateReport(_METADATA, _POLICY, observations)


class PrintReportTests(SynchronousTestCase):
    """
    Tests for ``print_report``.
    """

    def test_elements_in_their_order(self) -> None:
        """
        The document has RFC 9990's namespace, and what must stand in order
        does.
        """
        text = print_report(_report((_OBSERVATION, 3))).decode()

        self.assertIn(
            '<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">', text
        )
        places = [
            text.index(f"<{name}>")
            for name in (
                "version", "report_metadata", "policy_published", "record",
                "row", "source_ip", "count", "policy_evaluated",
                "disposition", "identifiers", "auth_results",
            )
        ]  # fmt: skip
        self.assertEqual(places, sorted(places))

    def test_text_is_escaped(self) -> None:
        """
        No value can become an element.
        """
        text = print_report(_report((_OBSERVATION, 3)))

        self.assertIn(b"Example &lt;Org&gt; &amp; Co", text)

    def test_characters_that_xml_lacks(self) -> None:
        """
        What a document may not hold is replaced, and the rest is kept.
        """
        report = AggregateReport(
            ReportMetadata("a\x00b\ufffe", "", "", 0, 1),
            _POLICY,
            ((_OBSERVATION, 1),),
        )

        read = parse_report(print_report(report))

        self.assertEqual(read.metadata.organization, "a\ufffdb\ufffd")


class ParseReportTests(SynchronousTestCase):
    """
    Tests for ``parse_report``.
    """

    def test_old_form(self) -> None:
        """
        Reports of RFC 7489's form are read.
        """
        report = parse_report(_OLD_REPORT)

        self.assertEqual(report.metadata.end, 1700086399)
        self.assertEqual(report.policy.domain, "example.org")
        ((observation, count),) = report.observations
        self.assertEqual(count, 7)
        self.assertEqual(observation.source, "2001:db8::1")
        self.assertEqual(
            observation.reasons, (OverrideReason("local_policy", "arc=pass"),)
        )
        self.assertEqual(
            observation.dkim_results,
            (DKIMObservation("example.org", "s1", "fail"),),
        )

    def test_document_type_is_refused(self) -> None:
        """
        There are no entities to expand, since there is no document type.
        """
        bomb = (
            b'<!DOCTYPE f [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
            + _OLD_REPORT.partition(b"?>")[2]
        )

        self.assertRaises(NotAReport, parse_report, bomb)

    def test_too_long(self) -> None:
        """
        A report over the limit is not even begun.
        """
        octets = _OLD_REPORT + b" " * LONGEST_REPORT

        self.assertRaises(NotAReport, parse_report, octets)

    def test_elements_between_records_are_bounded(self) -> None:
        """
        Neither one record nor all that stands beside them can be large.
        """
        start, record, end = _cut()
        within = record.replace(b"<row>", b"<x/>" * 2000 + b"<row>")
        beside = b"<x>" + b"<y/>" * 500 + b"</x>"

        self.assertRaises(NotAReport, parse_report, start + within + end)
        self.assertRaises(
            NotAReport, parse_report, start + (beside + record) * 5 + end
        )

    def test_many_records(self) -> None:
        """
        What bounds one record does not bound their number.
        """
        start, record, end = _cut()

        report = parse_report(start + record * 500 + end)

        self.assertEqual(len(report.observations), 500)

    def test_nesting_is_bounded(self) -> None:
        """
        Deep nesting is refused.
        """
        octets = b"<feedback>" * 20 + b"</feedback>" * 20

        self.assertRaises(NotAReport, parse_report, octets)

    def test_broken_values(self) -> None:
        """
        A record without an address or a number makes the report unreadable.
        """
        address = _OLD_REPORT.replace(b"2001:db8:0::1", b"somewhere")
        word = _OLD_REPORT.replace(b">7<", b">seven<")
        digits = _OLD_REPORT.replace(b">7<", b">" + b"7" * 5000 + b"<")

        self.assertRaises(NotAReport, parse_report, address)
        self.assertRaises(NotAReport, parse_report, word)
        self.assertRaises(NotAReport, parse_report, digits)

    @settings(max_examples=50, deadline=None)
    @given(_counted)
    def test_print_then_parse(
        self, observations: list[tuple[Observation, int]]
    ) -> None:
        """
        What is printed is read as it was.
        """
        report = _report(*observations)

        self.assertEqual(parse_report(print_report(report)), report)

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=300), st.integers(0, len(_OLD_REPORT)))
    def test_any_octets(self, octets: bytes, at: int) -> None:
        """
        Whatever is read, it is a report or it is not.
        """
        for document in (octets, _OLD_REPORT[:at] + octets + _OLD_REPORT[at:]):
            try:
                parse_report(document)
            except NotAReport:
                continue


def _cut() -> tuple[bytes, bytes, bytes]:
    start, mark, rest = _OLD_REPORT.partition(b"<record>")
    record, end_mark, end = rest.partition(b"</record>")
    return start, mark + record + end_mark, end
