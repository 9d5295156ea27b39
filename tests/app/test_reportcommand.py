"""
Tests for the command ``mailsuite report``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.commands.reports import report
from mailsuite.emailauth.dmarcreportxml import print_report
from mailsuite.transfer import tlsreport
from tests.support.receivedmail import (
    FORGED,
    PASSED,
    dmarc_report,
    packed,
    tls_report,
)


class ReportCommandTests(SynchronousTestCase):
    """
    Tests for ``report``, from files.
    """

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def file(self, octets: bytes) -> str:
        """
        The name of a file that holds this.
        """
        path = self.folder / f"{len(list(self.folder.iterdir()))}"
        path.write_bytes(octets)
        return str(path)

    def run_it(self, *words: str, status: int = 0, stdin: bytes = b"") -> str:
        """
        What the command says.
        """
        result = CliRunner().invoke(report, list(words), input=stdin)
        self.assertEqual(result.exit_code, status, result.output)
        said: str = result.output
        return said

    def test_table(self) -> None:
        """
        Who sent how many in whose name, from where, whether they passed, and
        what was done; equal rows of several reports together.
        """
        said = self.run_it(
            self.file(packed(print_report(dmarc_report("a")))),
            self.file(print_report(dmarc_report("b"))),
        )

        lines = said.splitlines()
        self.assertEqual(
            lines[:3],
            [
                "Mail in the name of example.org, 2025-11-25 (UTC)",
                "2 reports from crepes.fr; published policy: reject",
                "2438 messages: 2408 passed, 30 failed",
            ],
        )
        self.assertEqual(
            [" ".join(line.split()) for line in lines[4:]],
            [
                "MESSAGES SENT FROM AS ENVELOPE AND SIGNATURES DMARC"
                " WHAT WAS DONE",
                "2408 192.0.2.7 example.org SPF example.org pass, DKIM"
                " example.org pass passed by DKIM and SPF delivered",
                "30 198.51.100.9 example.org SPF spam.example pass FAILED"
                " quarantined (receiver's own policy)",
            ],
        )

    def test_tls(self) -> None:
        """
        How many sessions had TLS, and why the others had none.
        """
        said = self.run_it(self.file(tlsreport.print_report(tls_report())))

        self.assertIn("TLS of mail to example.org, 2025-11-25 (UTC)", said)
        self.assertIn("127 sessions: 120 succeeded, 7 failed", said)
        row = next(line for line in said.splitlines() if "expired" in line)
        self.assertEqual(
            row.split(),
            ["5", "192.0.2.1", "mx.example.org", "MTA-STS"]
            + ["certificate-expired"],
        )

    def test_choosing(self) -> None:
        """
        Only a domain, only failures.
        """
        dmarc = self.file(print_report(dmarc_report()))
        tls = self.file(tlsreport.print_report(tls_report()))
        said = self.run_it("--failed", dmarc, tls)
        self.assertIn("15 messages: 0 passed, 15 failed", said)
        self.assertIn("7 sessions: 0 succeeded, 7 failed", said)
        self.assertNotIn("192.0.2.7", said)

        said = self.run_it("--domain", "Pommes.be.", dmarc, tls)
        self.assertEqual(said, "There are no reports\n")

    def test_json(self) -> None:
        """
        The same for scripts, from standard input too.
        """
        said = self.run_it("--json", "-", stdin=print_report(dmarc_report()))

        [one] = json.loads(said)["reports"]
        self.assertEqual([row["messages"] for row in one["rows"]], [1204, 15])

    def test_strangers_text(self) -> None:
        """
        Nothing that a report says moves the cursor or turns the line.
        """
        nasty = replace(FORGED, header_from="a\u202e\x85b.example")
        said = self.run_it(
            self.file(
                print_report(
                    dmarc_report(
                        organization="a\nb\tc",
                        observations=((nasty, 1), (PASSED, 1)),
                    )
                )
            )
        )

        self.assertIn("a\ufffdb\ufffdc", said)
        self.assertIn("a\ufffd\ufffdb.example", said)

    def test_impossible_dates(self) -> None:
        """
        A report of a day beyond all calendars is shown all the same.
        """
        xml = print_report(dmarc_report()).replace(
            b"<end>1764115199</end>", b"<end>999999999999999999</end>"
        )

        said = self.run_it(self.file(xml))

        self.assertIn("2025-11-25 to an unknown day", said)

    def test_not_reports(self) -> None:
        """
        What is none is said to be, beside those that are.
        """
        said = self.run_it(
            self.file(b"hello"), self.file(print_report(dmarc_report()))
        )

        self.assertIn("Not read: there is no report in it (1 time)", said)
        self.assertIn("1 report from", said)

    def test_nothing_named(self) -> None:
        """
        Neither files nor an account: that says how it is used.
        """
        self.assertIn("name some files", self.run_it(status=2))
