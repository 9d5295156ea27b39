"""
Tests for ``mailsuite.mail.datetimes``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.datetimes import parse_date, print_date

NOON = datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC)


class ParseTests(SynchronousTestCase):
    """
    Tests for ``parse_date``.
    """

    def test_usual(self) -> None:
        """
        With its zone.
        """
        found = parse_date(b"Tue, 24 Nov 2026 13:00:05 +0100")

        self.assertEqual(found, NOON)
        assert found is not None
        self.assertEqual(found.utcoffset(), timedelta(hours=1))

    def test_without_day_of_week_and_seconds(self) -> None:
        """
        Both are optional (RFC 5322 3.3).
        """
        self.assertEqual(
            parse_date(b"24 Nov 2026 12:00 -0000"), NOON.replace(second=0)
        )

    def test_comments_and_folds(self) -> None:
        """
        RFC 5322 3.2.2 and 4.3 allow them between all tokens.
        """
        self.assertEqual(
            parse_date(
                b" Tue (day),\r\n 24 Nov\t2026 12 : 00 : 05 +0000 (UTC)"
            ),
            NOON,
        )

    def test_obsolete_years(self) -> None:
        """
        RFC 5322 4.3: 00 to 49 are this century, three digits add 1900.
        """
        years = [
            parse_date(b"1 Jan %b 00:00:00 GMT" % year)
            for year in (b"26", b"98", b"126")
        ]

        self.assertEqual([y and y.year for y in years], [2026, 1998, 2026])

    def test_obsolete_zones(self) -> None:
        """
        Names of North America are known; others are +0000.
        """
        self.assertEqual(parse_date(b"24 Nov 2026 07:00:05 EST"), NOON)
        self.assertEqual(parse_date(b"24 Nov 2026 12:00:05 XYZ"), NOON)
        self.assertEqual(parse_date(b"24 Nov 2026 12:00:05"), NOON)

    def test_other_forms_that_are_seen(self) -> None:
        """
        asctime's, dashes, long names of months and days.
        """
        self.assertEqual(parse_date(b"Tue Nov 24 12:00:05 2026"), NOON)
        self.assertEqual(parse_date(b"24-Nov-2026 12:00:05 +0000"), NOON)
        self.assertEqual(
            parse_date(b"Tuesday, 24 November 2026 12:00:05 GMT"), NOON
        )

    def test_leap_second(self) -> None:
        """
        It counts as the second before.
        """
        found = parse_date(b"31 Dec 2016 23:59:60 +0000")

        self.assertEqual(found, datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC))

    def test_no_dates(self) -> None:
        """
        What names no moment is None.
        """
        for value in (
            b"",
            b"yesterday",
            b"31 Feb 2026 00:00:00 +0000",
            b"1 Foo 2026 00:00:00 +0000",
            b"1 Jan 0000 00:00:00 +0000",
            b"1 Jan 2026 25:00:00 +0000",
            b"Tue Foo 24 12:00:05 2026",
        ):
            self.assertIsNone(parse_date(value), value)

    def test_absurd_zone(self) -> None:
        """
        An offset of more than a day is none.
        """
        self.assertEqual(parse_date(b"24 Nov 2026 12:00:05 +9999"), NOON)

    @given(st.binary(max_size=60))
    @settings(deadline=None)
    def test_no_octets_raise(self, octets: bytes) -> None:
        """
        Whatever is added to a date, or instead of it.
        """
        parse_date(octets)
        parse_date(b"24 Nov 2026 12:00:05 " + octets)
        parse_date(b"24 Nov " + octets)


class PrintTests(SynchronousTestCase):
    """
    Tests for ``print_date``.
    """

    def test_form(self) -> None:
        """
        As RFC 5322 3.3 wants it.
        """
        zone = timezone(timedelta(hours=-3, minutes=-30))

        self.assertEqual(
            print_date(NOON.astimezone(zone)),
            b"Tue, 24 Nov 2026 08:30:05 -0330",
        )

    @given(
        st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 30)),
        st.integers(-1439, 1439),
    )
    @settings(deadline=None)
    def test_is_read_back(self, naive: datetime, minutes: int) -> None:
        """
        To the second, and the same as the standard library's to the letter.
        """
        zone = timezone(timedelta(minutes=minutes))
        moment = naive.replace(tzinfo=zone, microsecond=0)

        self.assertEqual(parse_date(print_date(moment)), moment)
        self.assertEqual(
            print_date(moment).decode().replace(" 0", " ").split(),
            format_datetime(moment).replace(" 0", " ").split(),
        )
