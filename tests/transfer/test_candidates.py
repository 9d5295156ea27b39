"""
Tests for ``mailsuite.transfer.candidates``.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.transfer.candidates import (
    begin_with,
    in_order,
    last_address,
    other_family_first,
)
from mailsuite.transfer.mx import MailHost, MailHosts

A = MailHost("a.fr", ("2001:db8::1", "192.0.2.1"), 10)
B = MailHost("b.fr", ("192.0.2.2", "192.0.2.22"), 10)
C = MailHost("c.fr", ("192.0.2.3",), 20)
HOSTS = MailHosts((A, B, C))


class CandidatesTests(SynchronousTestCase):
    """
    Tests for the order of addresses.
    """

    def test_hosts_alike_take_turns(self) -> None:
        """
        RFC 5321 5.1: among equals chance decides; never across preferences.
        """
        chance = Random(7)
        first = Counter(
            in_order(HOSTS, chance.shuffle)[0].host.name for _ in range(300)
        )
        self.assertEqual(set(first), {"a.fr", "b.fr"})
        self.assertGreater(min(first.values()), 100)
        last = in_order(HOSTS, chance.shuffle)[-1]
        self.assertEqual(last.host, C)

    def test_last_peer_first(self) -> None:
        """
        The last peer's address, its host's of that family, its host's others.
        """
        hosts = MailHosts(
            (C, MailHost("b.fr", ("2001:db8::2", *B.addresses), 30))
        )
        candidates = in_order(hosts, lambda _: None)
        ordered = begin_with(candidates, "b.fr [192.0.2.22]:25")
        self.assertEqual(
            [candidate.address for candidate in ordered],
            ["192.0.2.22", "192.0.2.2", "2001:db8::2", "192.0.2.3"],
        )

    def test_last_peer_that_is_gone(self) -> None:
        """
        A peer that is no host any more changes nothing; nor does none.
        """
        candidates = in_order(HOSTS, lambda _: None)
        for peer in ("", "x.fr [198.51.100.1]:25", "nonsense"):
            self.assertEqual(begin_with(candidates, peer), candidates)

    def test_other_family(self) -> None:
        """
        The other family first, in the same order.
        """
        candidates = in_order(HOSTS, lambda _: None)
        turned = other_family_first(candidates, six=True)
        self.assertEqual(
            [candidate.address for candidate in turned],
            [*(x.address for x in candidates[1:]), "2001:db8::1"],
        )

    def test_address_of_the_last_peer(self) -> None:
        """
        It is read from what an outcome calls its peer.
        """
        self.assertEqual(last_address("a.fr [2001:db8::1]:25"), "2001:db8::1")
        self.assertEqual(last_address(""), "")
