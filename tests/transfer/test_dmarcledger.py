"""
Tests for the ledger of DMARC observations.
"""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.disk import Disk
from mailsuite.emailauth.dmarcrecord import DMARCRecord, Policy
from mailsuite.emailauth.dmarcreport import Observation
from mailsuite.emailauth.dmarcwalk import Published
from mailsuite.transfer import dmarcledger
from mailsuite.transfer.database import DatabaseLost
from mailsuite.transfer.dmarcledger import (
    DAY,
    DMARCLedger,
    DomainDay,
    Tally,
    print_observation,
)
from tests.support.dmarcmail import RUA

TODAY = 20_000
CREPES = DomainDay(TODAY, "crepes.fr")
POMMES = DomainDay(TODAY, "pommes.be")


def tally(*counts: int, passed: bool = True) -> Tally:
    """
    So many messages from one address, so many from the next.
    """
    found = Tally(
        Published("crepes.fr", DMARCRecord(Policy.REJECT, rua=RUA)), passed
    )
    for place, count in enumerate(counts):
        seen = Observation(
            f"192.0.2.{place}", "none", "pass", "pass", "crepes.fr"
        )
        found.observations[print_observation(seen)] = count
    return found


class DMARCLedgerTests(SynchronousTestCase):
    """
    Tests for ``DMARCLedger``.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        disk = Disk()
        self.addCleanup(disk.close)
        self.ledger = DMARCLedger(str(self.folder / "dmarc.sqlite3"), disk)
        self.addCleanup(self.ledger.close)

    def counts(self, of: DomainDay) -> list[int]:
        """
        The counts of a domain's day.
        """
        seen = self.ledger.seen(of)
        return [] if seen is None else [n for _, n in seen.observations]

    def test_counts(self) -> None:
        """
        Equal observations add up; the most frequent comes first.
        """
        self.assertEqual(self.ledger.add({CREPES: tally(1, 5)}), 0)
        self.assertEqual(self.ledger.add({CREPES: tally(2, 0, 4)}), 0)

        self.assertEqual(self.counts(CREPES), [5, 4, 3])
        self.assertEqual(self.counts(POMMES), [])

    def test_days_that_ended(self) -> None:
        """
        Today is not among them.
        """
        tomorrow = DomainDay(TODAY + 1, "crepes.fr")
        self.ledger.add(
            {tomorrow: tally(1), POMMES: tally(1), CREPES: tally(1)}
        )

        self.assertEqual(self.ledger.ended(TODAY), [])
        self.assertEqual(self.ledger.ended(TODAY + 1), [CREPES, POMMES])

    def test_done(self) -> None:
        """
        What is reported is gone, with all its observations, and leaves room.
        """
        self.patch(dmarcledger, "_MOST_OBSERVATIONS", 2)
        self.ledger.add({CREPES: tally(1, 1)})
        self.assertEqual(self.ledger.add({POMMES: tally(7)}), 7)

        self.ledger.done(CREPES)

        self.assertEqual(self.ledger.ended(TODAY + 1), [POMMES])
        self.assertEqual(self.ledger.add({POMMES: tally(1, 1)}), 0)

    def test_most_of_a_domain(self) -> None:
        """
        Beyond the limit of a domain what is known is counted, and what is not
        is left out.
        """
        self.patch(dmarcledger, "MOST_OF_DOMAIN", 2)

        self.assertEqual(self.ledger.add({CREPES: tally(1, 2, 3)}), 3)
        self.assertEqual(self.ledger.add({CREPES: tally(1, 1, 1)}), 1)
        self.assertEqual(self.ledger.add({POMMES: tally(9)}), 0)

        self.assertEqual(self.counts(CREPES), [3, 2])

    def test_most_domains(self) -> None:
        """
        A domain too many is left out, one that is known is not.
        """
        self.patch(dmarcledger, "_MOST_DOMAINS", 1)

        self.assertEqual(
            self.ledger.add({CREPES: tally(1), POMMES: tally(2, 2)}), 4
        )
        self.assertEqual(self.ledger.add({CREPES: tally(1)}), 0)

    def test_passing_is_remembered(self) -> None:
        """
        For 30 days, and no longer.
        """
        self.ledger.add({CREPES: tally(1)})
        later = DomainDay(TODAY + 30, "crepes.fr")
        self.ledger.add({later: tally(1, passed=False)})

        self.ledger.forget(float((TODAY + 30) * DAY))
        seen = self.ledger.seen(later)
        assert seen is not None
        self.assertTrue(seen.passed)

        self.ledger.forget(float((TODAY + 31) * DAY))
        seen = self.ledger.seen(later)
        assert seen is not None
        self.assertFalse(seen.passed)

    def test_old_days_are_dropped(self) -> None:
        """
        What could not be reported for three days never is.
        """
        self.ledger.add({CREPES: tally(1)})

        self.ledger.forget(float((TODAY + 3) * DAY))
        self.assertEqual(self.counts(CREPES), [1])

        self.ledger.forget(float((TODAY + 4) * DAY))
        self.assertEqual(self.counts(CREPES), [])

    def test_unwanted_ever_longer(self) -> None:
        """
        Past one report, two, four, and so on to 64.
        """
        now, spans = float(TODAY * DAY), []
        for place in range(9):
            self.ledger.begin(f"t{place}", "rua@crepes.fr", now)
            found = self.ledger.returned(f"t{place}", now)
            assert found is not None
            destination, until = found
            self.assertEqual(destination, "rua@crepes.fr")
            self.assertFalse(self.ledger.begin("x", destination, until - 1.0))
            self.assertTrue(self.ledger.begin("x", destination, until))
            spans.append(int((until - now) / DAY))
            now = until

        self.assertEqual(spans, [1, 2, 4, 8, 16, 32, 64, 64, 64])

    def test_unwanted_is_forgotten(self) -> None:
        """
        A destination that takes reports for 90 days begins anew.
        """
        now = float(TODAY * DAY)
        self.ledger.begin("t1", "rua@crepes.fr", now)
        self.ledger.returned("t1", now)
        now += 92 * DAY
        self.ledger.forget(now)
        self.ledger.begin("t2", "rua@crepes.fr", now)

        found = self.ledger.returned("t2", now)

        self.assertEqual(found, ("rua@crepes.fr", now + 1.5 * DAY))

    def test_returns_that_nobody_sent(self) -> None:
        """
        A path that is not known, any more or at all, changes nothing.
        """
        now = float(TODAY * DAY)
        self.ledger.begin("t1", "rua@crepes.fr", now)
        self.ledger.forget(now + 15 * DAY)

        self.assertIsNone(self.ledger.returned("t1", now))
        self.assertIsNone(self.ledger.returned("t2", now))
        self.assertTrue(self.ledger.begin("t1", "rua@crepes.fr", now))

    def test_each_report_once(self) -> None:
        """
        One that was begun and not sent may be begun again; one that was sent
        may not.
        """
        now = float(TODAY * DAY)

        self.assertTrue(self.ledger.begin("t1", "rua@crepes.fr", now))
        self.assertTrue(self.ledger.begin("t1", "rua@crepes.fr", now))
        self.ledger.sent("t1")
        self.assertFalse(self.ledger.begin("t1", "rua@crepes.fr", now))
        self.assertTrue(self.ledger.begin("t2", "rua@crepes.fr", now))

    def test_no_folder(self) -> None:
        """
        Where no file can be made the calls say so, and work once it can.
        """
        disk = Disk()
        self.addCleanup(disk.close)
        folder = self.folder / "later"
        ledger = DMARCLedger(str(folder / "dmarc.sqlite3"), disk)
        self.addCleanup(ledger.close)
        with self.assertRaises(DatabaseLost):
            ledger.add({CREPES: tally(1)})

        folder.mkdir()

        self.assertEqual(ledger.add({CREPES: tally(1)}), 0)
