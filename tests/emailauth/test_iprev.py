"""
Tests for ``mailsuite.emailauth.iprev``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import iprev
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail.dns import RecordType
from tests.emailauth.zone import Zone

_REVERSE = "1.2.0.192.in-addr.arpa"


class CheckTests(SynchronousTestCase):
    """
    Tests for ``check``.
    """

    def test_name_that_leads_back(self) -> None:
        """
        The first name with the client's address is the client's.
        """
        zone = Zone(
            {
                _REVERSE: {RecordType.PTR: ["a.example", "b.example"]},
                "a.example": {RecordType.A: ["192.0.2.9"]},
                "b.example": {RecordType.A: ["192.0.2.8", "192.0.2.1"]},
            }
        )

        found = zone.resolve(iprev.check("192.0.2.1"))

        self.assertEqual(
            found, iprev.IPRevResult(Verdict.PASS, "192.0.2.1", "b.example")
        )

    def test_mapped_address(self) -> None:
        """
        An IPv4-mapped address is the IPv4 one.
        """
        zone = Zone(
            {
                _REVERSE: {RecordType.PTR: ["a.example"]},
                "a.example": {RecordType.A: ["192.0.2.1"]},
            }
        )

        found = zone.resolve(iprev.check("::ffff:192.0.2.1"))

        self.assertEqual(found.verdict, Verdict.PASS)

    def test_ipv6(self) -> None:
        """
        For IPv6 the forward records are AAAA, in any way of writing.
        """
        reverse = "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa"
        zone = Zone(
            {
                reverse: {RecordType.PTR: ["a.example"]},
                "a.example": {RecordType.AAAA: ["2001:DB8:0::1"]},
            }
        )

        found = zone.resolve(iprev.check("2001:db8::1"))

        self.assertEqual(found.verdict, Verdict.PASS)

    def test_link_local_address(self) -> None:
        """
        The zone of a link-local address is no part of it.
        """
        found = Zone({}).resolve(iprev.check("fe80::1%eth0"))

        self.assertEqual(found.address, "fe80::1")

    def test_no_way_back(self) -> None:
        """
        A name that leads elsewhere is a fail.
        """
        zone = Zone({_REVERSE: {RecordType.PTR: ["a.example"]}})

        found = zone.resolve(iprev.check("192.0.2.1"))

        self.assertEqual(found, iprev.IPRevResult(Verdict.FAIL, "192.0.2.1"))

    def test_no_name(self) -> None:
        """
        No name at all is a permerror (RFC 8601 3).
        """
        found = Zone({}).resolve(iprev.check("192.0.2.1"))

        self.assertEqual(found.verdict, Verdict.PERMERROR)

    def test_no_answer(self) -> None:
        """
        Without an answer, backward or forward, nobody knows.
        """
        backward = Zone({}, silent=[_REVERSE])
        forward = Zone(
            {_REVERSE: {RecordType.PTR: ["a.example"]}}, silent=["a.example"]
        )

        for zone in (backward, forward):
            found = zone.resolve(iprev.check("192.0.2.1"))
            self.assertEqual(found.verdict, Verdict.TEMPERROR)

    def test_many_names(self) -> None:
        """
        A client with any number of names costs a few questions.
        """
        names = [f"n{number}.example" for number in range(100)]
        zone = Zone({_REVERSE: {RecordType.PTR: names}})

        zone.resolve(iprev.check("192.0.2.1"))

        self.assertEqual(len(zone.asked), 1 + iprev.MOST_NAMES)
