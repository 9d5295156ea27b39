"""
Tests for ``mailsuite.imap.wire.datetimes``.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.wire.datetimes import (
    DATE_TIME,
    parsed_day,
    parsed_moment,
    printed_moment,
)


class DayTests(SynchronousTestCase):
    """
    Tests for dates.
    """

    def test_day(self) -> None:
        """
        A month's name is in any case.
        """
        self.assertEqual(parsed_day(b"29-fEB-2024"), date(2024, 2, 29))

    def test_no_such_day(self) -> None:
        """
        A day that no calendar has is none.
        """
        for octets in (
            b"30-Feb-2024",
            b"0-Jan-2024",
            b"1-Foo-2024",
            b"1-Jan-0000",
        ):
            self.assertIsNone(parsed_day(octets))


class MomentTests(SynchronousTestCase):
    """
    Tests for dates with a time and a zone.
    """

    def test_moment(self) -> None:
        """
        RFC 9051's own example, in its zone.
        """
        expected = datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC).timestamp()

        self.assertEqual(
            parsed_moment(b'"17-Jul-1996 02:44:25 -0700"'), expected
        )
        self.assertEqual(
            parsed_moment(b'"17-Jul-1996 11:29:25 +0145"'), expected
        )

    def test_day_of_one_digit(self) -> None:
        """
        A space before it, as the RFC wants, or none, as some clients send it.
        """
        for octets in (
            b'" 1-Jan-1970 00:00:01 +0000"',
            b'"1-Jan-1970 00:00:01 +0000"',
        ):
            self.assertIsNotNone(DATE_TIME.fullmatch(octets))
            self.assertEqual(parsed_moment(octets), 1.0)

    def test_no_such_moment(self) -> None:
        """
        Hours, minutes and seconds that no clock has; a leap second has one.
        """
        for clock in (b"24:00:00", b"00:60:00", b"00:00:61"):
            self.assertIsNone(parsed_moment(b'"01-Jan-1970 %b +0000"' % clock))
        self.assertEqual(parsed_moment(b'"01-Jan-1970 00:00:60 +0000"'), 60.0)

    def test_printed(self) -> None:
        """
        In UTC, the day two columns wide.
        """
        self.assertEqual(printed_moment(1.5), b'" 1-Jan-1970 00:00:01 +0000"')
        self.assertEqual(printed_moment(-1), b'"31-Dec-1969 23:59:59 +0000"')

    def test_beyond_the_calendar(self) -> None:
        """
        What a file system may claim is printed somehow.
        """
        self.assertIn(b"31-Dec-9999", printed_moment(1e15))
        self.assertIn(b" 1-Jan-0001", printed_moment(-1e15))

    @given(st.integers(-62_135_596_800, 253_402_300_799))
    def test_round_trip(self, seconds: int) -> None:
        """
        Every second between the years 1 and 9999.
        """
        printed = printed_moment(seconds)

        self.assertIsNotNone(DATE_TIME.fullmatch(printed))
        self.assertEqual(parsed_moment(printed), seconds)
