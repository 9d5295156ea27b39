"""
Tests for ``mailsuite.emailauth.dmarcdestinations``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.dmarcdestinations import Destinations, destinations
from mailsuite.emailauth.dmarcrecord import DMARCRecord
from mailsuite.emailauth.dmarcwalk import Published
from mailsuite.mail.address import Address
from mailsuite.mail.dns import Record, RecordType
from tests.emailauth.zone import Zone

_VERIFYING = "example.org._report._dmarc.reports.example"


def _found(
    rua: str,
    verifying: Sequence[bytes] = (),
    silent: Sequence[str] = (),
) -> Destinations:
    record = f"v=DMARC1; p=none; rua={rua}".encode()
    zone: dict[str, Mapping[RecordType, Sequence[Record]]] = {
        "_dmarc.example.org": {RecordType.TXT: [record]},
        _VERIFYING: {RecordType.TXT: verifying},
    }
    published = Published("example.org", DMARCRecord.parse(record))
    return Zone(zone, silent).resolve(destinations(published))


class DestinationsTests(SynchronousTestCase):
    """
    Tests for ``destinations``.
    """

    def test_own_organization(self) -> None:
        """
        Addresses of the same organization need no proof.
        """
        found = _found("mailto:a@Example.org,mailto:b%2Bc@r.example.org!10m")

        self.assertEqual(
            found.addresses,
            (Address("a", "example.org"), Address("b+c", "r.example.org")),
        )

    def test_stranger_who_agrees(self) -> None:
        """
        Another's address counts if its domain says so (RFC 9990 4).
        """
        found = _found("mailto:a@reports.example", [b"x", b"v=DMARC1;"])

        self.assertEqual(
            found, Destinations((Address("a", "reports.example"),), False)
        )

    def test_stranger_who_does_not(self) -> None:
        """
        Nobody is flooded for having been named.
        """
        found = _found("mailto:victim@reports.example")

        self.assertEqual(found, Destinations((), False))

    def test_stranger_who_names_another(self) -> None:
        """
        Who agrees may name other addresses, but only of its own domain.
        """
        own = b"v=DMARC1; rua=mailto:other@reports.example"
        victims = b"v=DMARC1; rua=mailto:victim@elsewhere.example"

        self.assertEqual(
            _found("mailto:a@reports.example", [own]).addresses,
            (Address("other", "reports.example"),),
        )
        self.assertEqual(
            _found("mailto:a@reports.example", [victims]).addresses, ()
        )

    def test_no_answer(self) -> None:
        """
        A failure of the DNS is told, and leaves the others.
        """
        found = _found(
            "mailto:a@reports.example,mailto:b@example.org",
            silent=[_VERIFYING],
        )

        self.assertEqual(
            found, Destinations((Address("b", "example.org"),), True)
        )

    def test_what_cannot_be_sent_to(self) -> None:
        """
        Other schemes, broken addresses and strange octets are left out.
        """
        found = _found(
            "https://example.org/r,mailto:,mailto:a,mailto:a@[192.0.2.1],"
            "mailto:a%0D%0Ab@example.org"
        )

        self.assertEqual(found, Destinations((), False))
