"""
Tests for ``mailsuite.transfer.tlsreport``.
"""

from __future__ import annotations

import json
import time

from hypothesis import given, strategies
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.transfer.tlsreport import (
    FailureDetail,
    NotAReport,
    PolicyReport,
    TLSReport,
    destinations,
    parse_report,
    print_report,
)

_REPORT = TLSReport(
    'Wurst & "Söhne"',
    1_700_006_400,
    1_700_092_799,
    "postmaster@hamburger.edu",
    "abc@mail.hamburger.edu",
    (
        PolicyReport(
            "sts",
            "example.org",
            ("version: STSv1", "mode: testing", "mx: *.example.org"),
            ("*.example.org",),
            5326,
            303,
            (
                FailureDetail(
                    "certificate-expired",
                    100,
                    sending_ip="2001:db8::1",
                    receiving_host="mx1.example.org",
                    receiving_ip="192.0.2.1",
                ),
                FailureDetail(
                    "validation-failure",
                    203,
                    receiving_helo="mx",
                    additional="https://example.net/x",
                    reason="X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED",
                ),
            ),
        ),
        PolicyReport("no-policy-found", "example.org", (), (), 1, 0),
    ),
)


class DestinationsTests(SynchronousTestCase):
    """
    Tests for ``destinations``.
    """

    def test_record(self) -> None:
        """
        One destination or several (RFC 8460 3).
        """
        self.assertEqual(
            destinations((b"v=TLSRPTv1; rua=mailto:a@example.org",)),
            ("mailto:a@example.org",),
        )
        self.assertEqual(
            destinations(
                (
                    b"v=spf1 -all",
                    b"v=TLSRPTv1;rua=mailto:a@example.org ,"
                    b" https://r.example/v1 ;",
                )
            ),
            ("mailto:a@example.org", "https://r.example/v1"),
        )

    def test_no_record(self) -> None:
        """
        Two records, another version, other schemes, nothing: no reports.
        """
        one = b"v=TLSRPTv1; rua=mailto:a@example.org"
        for records in (
            (),
            (one, one),
            (b"v=TLSRPTv11; rua=mailto:a@example.org",),
            (b"v=TLSRPTv1; rua=http://r.example/v1",),
            (b"v=TLSRPTv1; rua=mailto:a b@example.org",),
            (b"v=TLSRPTv1; ruf=mailto:a@example.org",),
            (b"v=TLSRPTv1",),
        ):
            self.assertEqual(destinations(records), (), records)

    def test_long_record(self) -> None:
        """
        The longest that the DNS can carry is looked through at once.
        """
        text = b"v=TLSRPTv1; rua=" + b" \t" * 32_000 + b"x"
        started = time.process_time()
        self.assertEqual(destinations((text,)), ())
        self.assertLess(time.process_time() - started, 0.5)

    @given(strategies.binary(max_size=100))
    def test_any_octets(self, octets: bytes) -> None:
        """
        No octets make it fail.
        """
        for uri in destinations((b"v=TLSRPTv1; rua=mailto:" + octets,)):
            self.assertTrue(uri.isascii())

    def test_bounded(self) -> None:
        """
        Nobody makes us write to a hundred others.
        """
        many = ",".join(f"mailto:{n}@example.org" for n in range(100))
        record = f"v=TLSRPTv1; rua={many}".encode()
        self.assertEqual(len(destinations((record,))), 10)


class ReportTests(SynchronousTestCase):
    """
    Tests for ``print_report`` and ``parse_report``.
    """

    def test_print_then_parse(self) -> None:
        """
        What is told is what is read.
        """
        self.assertEqual(parse_report(print_report(_REPORT)), _REPORT)

    def test_names(self) -> None:
        """
        RFC 8460 4.4's names, in their places.
        """
        printed = json.loads(print_report(_REPORT))
        self.assertEqual(
            printed["date-range"],
            {
                "start-datetime": "2023-11-15T00:00:00Z",
                "end-datetime": "2023-11-15T23:59:59Z",
            },
        )
        first, second = printed["policies"]
        self.assertEqual(
            first["policy"],
            {
                "policy-type": "sts",
                "policy-string": [
                    "version: STSv1",
                    "mode: testing",
                    "mx: *.example.org",
                ],
                "policy-domain": "example.org",
                "mx-host": ["*.example.org"],
            },
        )
        self.assertEqual(
            first["summary"],
            {
                "total-successful-session-count": 5326,
                "total-failure-session-count": 303,
            },
        )
        self.assertEqual(
            first["failure-details"][0],
            {
                "result-type": "certificate-expired",
                "sending-mta-ip": "2001:db8::1",
                "receiving-mx-hostname": "mx1.example.org",
                "receiving-ip": "192.0.2.1",
                "failed-session-count": 100,
            },
        )
        self.assertNotIn("failure-details", second)

    def test_as_others_write(self) -> None:
        """
        One string instead of a list, times with offsets, null for nothing.
        """
        written = json.loads(print_report(_REPORT))
        policy = written["policies"][0]["policy"]
        policy["mx-host"] = "*.example.org"
        written["policies"][1]["failure-details"] = None
        written["date-range"]["start-datetime"] = "2023-11-15T01:00:00+01:00"
        read = parse_report(b"\xef\xbb\xbf" + json.dumps(written).encode())
        self.assertEqual(read, _REPORT)

    def test_no_controls(self) -> None:
        """
        What a stranger writes cannot move an operator's cursor.
        """
        written = json.loads(print_report(_REPORT))
        written["organization-name"] = "a\x1b[2Jb\nc" + "d" * 5000
        read = parse_report(json.dumps(written).encode())
        self.assertTrue(read.organization.isprintable())
        self.assertEqual(len(read.organization), 1000)

    def test_broken(self) -> None:
        """
        What is not of the form is no report.
        """
        good = json.loads(print_report(_REPORT))
        for change in (
            {"policies": []},
            {"policies": 5},
            {"policies": [5]},
            {"policies": [{"policy": {}}]},
            {"organization-name": 5},
            {"date-range": None},
            {"date-range": {"start-datetime": "x", "end-datetime": "y"}},
        ):
            octets = json.dumps(good | change).encode()
            self.assertRaises(NotAReport, parse_report, octets)
        summary = good["policies"][0]["summary"]
        for count in (True, -1, 1.5, "1", 10**16):
            summary["total-failure-session-count"] = count
            octets = json.dumps(good).encode()
            self.assertRaises(NotAReport, parse_report, octets)

    def test_deep(self) -> None:
        """
        A tower of brackets does not fall on us.
        """
        self.assertRaises(NotAReport, parse_report, b"[" * 1_000_000)

    @given(
        strategies.recursive(
            strategies.none()
            | strategies.booleans()
            | strategies.integers()
            | strategies.floats()
            | strategies.text(max_size=8),
            lambda inner: (
                strategies.lists(inner, max_size=3)
                | strategies.dictionaries(
                    strategies.sampled_from(
                        ["policies", "policy", "summary", "date-range", "x"]
                    ),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=10,
        )
    )
    def test_any_json(self, read: object) -> None:
        """
        No JSON makes it fail in another way.
        """
        try:
            parse_report(json.dumps(read).encode())
        except NotAReport:
            return

    @given(strategies.binary(max_size=100))
    def test_any_octets(self, octets: bytes) -> None:
        """
        Nor do any octets.
        """
        try:
            parse_report(octets)
        except NotAReport:
            return
