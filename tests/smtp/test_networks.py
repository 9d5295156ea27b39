"""
Tests for peers that are known by their address.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.networks import Networks


class NetworksTests(SynchronousTestCase):
    """
    Tests for ``Networks``.
    """

    def test_addresses_of_both_families(self) -> None:
        """
        An address lies in a network of its own family; an IPv4 address is
        the same however the socket names it.
        """
        networks = Networks.parse(["192.0.2.0/24", "2001:db8::/32", "::1"])

        for inside in ("192.0.2.255", "::ffff:192.0.2.1", "2001:db8::9", "::1"):
            self.assertIn(inside, networks)
        for outside in ("192.0.3.1", "::ffff:192.0.3.1", "2001:db9::1", "::2"):
            self.assertNotIn(outside, networks)

    def test_what_is_no_address_lies_nowhere(self) -> None:
        """
        A peer without an address, as over a UNIX socket, is not trusted.
        """
        everything = Networks.parse(["0.0.0.0/0", "::/0"])

        self.assertNotIn("", everything)
        self.assertNotIn("192.0.2", everything)
        self.assertNotIn("192.0.2.1", Networks())

    def test_what_is_no_network(self) -> None:
        """
        Bits beyond the prefix are a slip that must not go unseen.
        """
        for text in ("192.0.2.1/24", "crepes.fr", ""):
            self.assertRaises(ValueError, Networks.parse, [text])
