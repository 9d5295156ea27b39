"""
Tests for reports as plain values.
"""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app import plainreports
from mailsuite.app.plainreports import Collection
from mailsuite.app.receivedreports import Found, Unreadable
from tests.support.receivedmail import (
    BEGIN,
    FORGED,
    PASSED,
    dmarc_report,
    tls_report,
)


def plain(*found: Found) -> dict[str, object]:
    """
    What a collection says of these.
    """
    collection = Collection()
    collection.add(found)
    return collection.plain()


class CollectionTests(SynchronousTestCase):
    """
    Tests for ``Collection``.
    """

    def test_dmarc(self) -> None:
        """
        A report's facts, and its rows, the most frequent first.
        """
        report = dmarc_report(observations=((FORGED, 15), (PASSED, 1204)))

        found = plain(report)

        [one] = json.loads(json.dumps(found))["reports"]
        self.assertEqual(
            (one["kind"], one["domain"], one["organization"], one["begin"]),
            ("dmarc", "example.org", "crepes.fr", BEGIN),
        )
        self.assertEqual(one["policy"]["p"], "reject")
        self.assertEqual([row["messages"] for row in one["rows"]], [1204, 15])
        self.assertEqual(one["rows"][1]["source"], "198.51.100.9")
        self.assertEqual(one["rows"][1]["reasons"][0]["type"], "local_policy")

    def test_tls(self) -> None:
        """
        Sessions that succeeded, failed alike, and failed without a reason.
        """
        found = plain(tls_report())

        [one] = json.loads(json.dumps(found))["reports"]
        self.assertEqual((one["kind"], one["domain"]), ("tls", "example.org"))
        self.assertEqual(
            [(row["sessions"], row["result"]) for row in one["rows"]],
            [(120, "success"), (5, "certificate-expired"), (2, "failure")],
        )
        self.assertEqual(one["rows"][1]["receiving_host"], "mx.example.org")
        self.assertNotIn("reason", one["rows"][1])

    def test_each_once(self) -> None:
        """
        A report that came twice counts once (RFC 9990 3.5.3); the same name
        from another organization is another.
        """
        found = plain(
            dmarc_report("a"),
            dmarc_report("a"),
            dmarc_report("a", organization="pommes.be"),
        )

        reports = found["reports"]
        assert isinstance(reports, list)
        self.assertEqual(
            [one["organization"] for one in reports], ["crepes.fr", "pommes.be"]
        )

    def test_unreadable(self) -> None:
        """
        What could not be read is counted by its reason.
        """
        found = plain(Unreadable("a"), Unreadable("b"), Unreadable("a"))

        self.assertEqual(found["unreadable"], {"a": 2, "b": 1})

    def test_limit(self) -> None:
        """
        Beyond so many rows they are only counted.
        """
        self.patch(plainreports, "MOST_ROWS", 3)

        found = plain(dmarc_report("a"), dmarc_report("b"), dmarc_report("c"))

        reports = found["reports"]
        assert isinstance(reports, list)
        self.assertEqual([len(one["rows"]) for one in reports], [2, 1])
        self.assertEqual(found["left_out"], 3)
