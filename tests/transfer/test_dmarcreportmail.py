"""
Tests for the mail that carries a DMARC aggregate report.
"""

from __future__ import annotations

import gzip
from email import message_from_bytes, policy

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.dmarcreport import Observation, PublishedPolicy
from mailsuite.emailauth.dmarcreportxml import parse_report
from mailsuite.mail.address import Address
from mailsuite.transfer import dmarcreportmail
from mailsuite.transfer.bounce import Notification
from mailsuite.transfer.dmarcledger import DomainDay, Seen
from mailsuite.transfer.dmarcreportmail import compose, pack, report_id
from mailsuite.transfer.reportmailing import ReportMailing

OF = DomainDay(20_000, "crepes.fr")


def _seen(domain: str, observations: int) -> Seen:
    return Seen(
        PublishedPolicy(domain, "reject"),
        ("mailto:rua@crepes.fr",),
        True,
        tuple(
            (
                Observation(f"192.0.2.{n}", "none", "pass", "pass", domain),
                1000 - n,
            )
            for n in range(observations)
        ),
    )


async def _send(new_id: str, mail: Notification) -> None:
    raise AssertionError("nothing is sent here")


MAILING = ReportMailing(
    "mx.hamburger.edu",
    'The "Best" \\ Hamburgers',
    Address("postmaster", "hamburger.edu"),
    lambda: "N1",
    _send,
)


class PackTests(SynchronousTestCase):
    """
    Tests for ``pack``.
    """

    def test_same_octets(self) -> None:
        """
        The same report is the same octets; another day's has another name.
        """
        first = pack(OF, _seen("crepes.fr", 3), MAILING)

        self.assertEqual(first, pack(OF, _seen("crepes.fr", 3), MAILING))
        self.assertNotEqual(
            first.report.metadata.report_id,
            report_id("mx.hamburger.edu", DomainDay(20_001, "crepes.fr")),
        )

    def test_too_long(self) -> None:
        """
        What nobody could read for its length loses its rarest observations,
        and says so.
        """
        whole = pack(OF, _seen("crepes.fr", 40), MAILING)
        length = len(gzip.decompress(whole.octets))
        self.patch(dmarcreportmail, "LONGEST_REPORT", length // 2)

        packed = pack(OF, _seen("crepes.fr", 40), MAILING)

        report = parse_report(gzip.decompress(packed.octets))
        self.assertEqual(
            [count for _, count in report.observations],
            list(range(1000, 990, -1)),
        )
        self.assertIn("left out", report.metadata.error)


class ComposeTests(SynchronousTestCase):
    """
    Tests for ``compose``.
    """

    def test_long_names(self) -> None:
        """
        The longest names make no line of over 998 octets, nor a name that
        cannot be read back.
        """
        domain = ".".join(["a" * 60] * 4)
        packed = pack(DomainDay(20_000, domain), _seen(domain, 200), MAILING)

        mail = compose(
            packed,
            Address("rua", domain),
            Address("report-x", "hamburger.edu"),
            MAILING,
            new_id="N1",
            now=0.0,
        )

        self.assertLess(max(map(len, mail.content.split(b"\r\n"))), 998)
        self.assertNotIn(b"\n", mail.content.replace(b"\r\n", b""))
        message = message_from_bytes(
            mail.content[mail.skip :], policy=policy.default
        )
        [author] = message["From"].addresses
        self.assertEqual(author.display_name, 'The "Best" \\ Hamburgers')
        _, attachment = message.iter_parts()
        self.assertTrue(
            attachment.get_filename().startswith(f"mx.hamburger.edu!{domain}!")
        )
        self.assertEqual(
            parse_report(gzip.decompress(attachment.get_content())),
            packed.report,
        )
