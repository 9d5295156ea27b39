"""
Tests for ``mailsuite.transfer.mx``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.dns import (
    Answer,
    Found,
    MailExchange,
    Question,
    RecordType,
)
from mailsuite.transfer.inquiries import answered
from mailsuite.transfer.mx import (
    MailHost,
    MailHosts,
    Ourselves,
    mail_hosts,
    one_host,
)
from mailsuite.transfer.outcome import Kind, Outcome
from tests.support.memory_resolver import MemoryResolver, failing, records
from tests.support.remotes import now

US = Ourselves(frozenset({"mail.hamburger.edu"}), frozenset({"192.0.2.99"}))


def found(domain: str, *tables: dict[Question, Answer]) -> MailHosts | Outcome:
    """
    What the inquiry comes to where the DNS holds these tables.
    """
    resolver = MemoryResolver({k: v for t in tables for k, v in t.items()})
    return now(answered(mail_hosts(domain, US), resolver))


def names(result: MailHosts | Outcome) -> list[str]:
    """
    Of the hosts that were found.
    """
    assert isinstance(result, MailHosts), result
    return [host.name for host in result.hosts]


class MailHostsTests(SynchronousTestCase):
    """
    Tests for ``mail_hosts``.
    """

    def assertOutcome(
        self, result: MailHosts | Outcome, kind: Kind, enhanced: str
    ) -> None:
        """
        There are no hosts, for this reason.
        """
        assert isinstance(result, Outcome), result
        self.assertEqual((result.kind, result.enhanced), (kind, enhanced))

    def test_preferred_hosts_come_first(self) -> None:
        """
        Hosts are in the order of their preference numbers.
        """
        result = found(
            "crepes.fr",
            records("crepes.fr", MX=["20 b.crepes.fr", "10 a.crepes.fr"]),
            records("a.crepes.fr", A=["192.0.2.1"]),
            records("b.crepes.fr", A=["192.0.2.2"]),
        )
        self.assertEqual(names(result), ["a.crepes.fr", "b.crepes.fr"])

    def test_addresses_of_both_families(self) -> None:
        """
        A host has its addresses of both families, IPv6 first.
        """
        result = found(
            "crepes.fr",
            records("crepes.fr", MX=["10 a.crepes.fr"]),
            records("a.crepes.fr", A=["192.0.2.1"], AAAA=["2001:db8:0::1"]),
        )
        assert isinstance(result, MailHosts)
        self.assertEqual(
            result.hosts,
            (
                MailHost(
                    "a.crepes.fr",
                    ("2001:db8::1", "192.0.2.1"),
                    10,
                    canonical="a.crepes.fr",
                ),
            ),
        )

    def test_domain_without_mx_is_its_own_host(self) -> None:
        """
        Without MX records the domain's addresses take its mail.
        """
        result = found("crepes.fr", records("crepes.fr", A=["192.0.2.1"]))
        self.assertEqual(names(result), ["crepes.fr"])
        assert isinstance(result, MailHosts)
        self.assertTrue(result.implicit)

    def test_null_mx_takes_no_mail(self) -> None:
        """
        RFC 7505: a domain with the null MX alone fails with 5.1.10.
        """
        result = found("crepes.fr", records("crepes.fr", MX=["0 ."]))
        self.assertOutcome(result, Kind.FAILED, "5.1.10")
        assert isinstance(result, Outcome)
        self.assertEqual(result.code, 556)

    def test_null_mx_beside_others_is_ignored(self) -> None:
        """
        A null MX that is not alone says nothing.
        """
        result = found(
            "crepes.fr",
            records("crepes.fr", MX=["0 .", "10 a.crepes.fr"]),
            records("a.crepes.fr", A=["192.0.2.1"]),
        )
        self.assertEqual(names(result), ["a.crepes.fr"])

    def test_no_such_domain_fails(self) -> None:
        """
        NXDOMAIN is an answer, and final.
        """
        self.assertOutcome(found("crepes.fr"), Kind.FAILED, "5.1.2")

    def test_no_answer_for_mx_defers(self) -> None:
        """
        SERVFAIL or a timeout is never the reason for a bounce.
        """
        result = found("crepes.fr", failing("crepes.fr", RecordType.MX))
        self.assertOutcome(result, Kind.DEFERRED, "4.4.3")

    def test_no_address_anywhere_fails(self) -> None:
        """
        Hosts that have no addresses cannot be reached, for good.
        """
        result = found("crepes.fr", records("crepes.fr", MX=["10 a.crepes.fr"]))
        self.assertOutcome(result, Kind.FAILED, "5.4.4")

    def test_no_answer_for_addresses_defers(self) -> None:
        """
        A host whose addresses nobody knows may have some.
        """
        result = found(
            "crepes.fr",
            records("crepes.fr", MX=["10 a.crepes.fr", "20 b.crepes.fr"]),
            failing("a.crepes.fr", RecordType.A, RecordType.AAAA),
        )
        self.assertOutcome(result, Kind.DEFERRED, "4.4.3")

    def test_one_unknown_host_does_not_hide_another(self) -> None:
        """
        Mail goes to the host whose addresses are known.
        """
        result = found(
            "crepes.fr",
            records("crepes.fr", MX=["10 a.crepes.fr", "20 b.crepes.fr"]),
            failing("a.crepes.fr", RecordType.A, RecordType.AAAA),
            records("b.crepes.fr", A=["192.0.2.2"]),
        )
        self.assertEqual(names(result), ["b.crepes.fr"])

    def test_one_family_is_enough(self) -> None:
        """
        A failing question for IPv6 does not keep mail from IPv4.
        """
        result = found(
            "crepes.fr",
            records("crepes.fr", MX=["10 a.crepes.fr"]),
            failing("a.crepes.fr", RecordType.AAAA),
            records("a.crepes.fr", A=["192.0.2.1"]),
        )
        self.assertEqual(names(result), ["a.crepes.fr"])

    def test_hosts_behind_our_name_are_dropped(self) -> None:
        """
        RFC 5321 5.1: hosts of our own preference and beyond are left out.
        """
        result = found(
            "crepes.fr",
            records(
                "crepes.fr",
                MX=[
                    "10 a.crepes.fr",
                    "20 b.crepes.fr",
                    "20 mail.hamburger.edu",
                    "30 c.crepes.fr",
                ],
            ),
            records("a.crepes.fr", A=["192.0.2.1"]),
            records("b.crepes.fr", A=["192.0.2.2"]),
            records("c.crepes.fr", A=["192.0.2.3"]),
        )
        self.assertEqual(names(result), ["a.crepes.fr"])

    def test_our_address_under_another_name_is_ours(self) -> None:
        """
        Somebody's name for our address leads back to us.
        """
        result = found(
            "crepes.fr",
            records("crepes.fr", MX=["10 a.crepes.fr"]),
            records("a.crepes.fr", A=["192.0.2.99"]),
        )
        self.assertOutcome(result, Kind.FAILED, "5.4.6")

    def test_our_name_alone_is_a_loop(self) -> None:
        """
        Mail for a domain whose best host we are, and which is not ours, fails.
        """
        result = found(
            "crepes.fr",
            records(
                "crepes.fr", MX=["10 mail.hamburger.edu", "20 b.crepes.fr"]
            ),
            records("b.crepes.fr", A=["192.0.2.2"]),
        )
        self.assertOutcome(result, Kind.FAILED, "5.4.6")

    def test_better_host_without_answer_defers_before_ourselves(self) -> None:
        """
        As a backup we wait while the better host's addresses are not known.
        """
        result = found(
            "crepes.fr",
            records(
                "crepes.fr", MX=["10 a.crepes.fr", "20 mail.hamburger.edu"]
            ),
            failing("a.crepes.fr", RecordType.A, RecordType.AAAA),
        )
        self.assertOutcome(result, Kind.DEFERRED, "4.4.3")

    def test_any_address_is_no_address(self) -> None:
        """
        0.0.0.0 would connect us to ourselves.
        """
        result = found(
            "crepes.fr",
            records("crepes.fr", MX=["10 a.crepes.fr"]),
            records("a.crepes.fr", A=["0.0.0.0"], AAAA=["::"]),
        )
        self.assertOutcome(result, Kind.FAILED, "5.4.4")

    def test_u_labels_are_asked_for_as_a_labels(self) -> None:
        """
        The DNS is asked for A-labels.
        """
        resolver = MemoryResolver(
            records("xn--crpes-isa.fr", A=["192.0.2.1"]),
        )
        result = now(answered(mail_hosts("crêpes.fr", US), resolver))
        self.assertEqual(names(result), ["xn--crpes-isa.fr"])

    def test_what_is_no_domain_name_fails(self) -> None:
        """
        What IDNA does not allow is never asked for.
        """
        result = found("a..crepes.fr")
        self.assertOutcome(result, Kind.FAILED, "5.1.2")

    def test_address_literals_need_no_dns(self) -> None:
        """
        RFC 5321 4.1.3: an address literal is its own host.
        """
        for literal, address in (
            ("[192.0.2.1]", "192.0.2.1"),
            ("[ipv6:2001:db8:0::1]", "2001:db8::1"),
        ):
            result = found(literal)
            assert isinstance(result, MailHosts)
            self.assertEqual(result.hosts, (MailHost(literal, (address,)),))

    def test_our_own_address_literal_is_a_loop(self) -> None:
        """
        An address literal may be ours.
        """
        self.assertOutcome(found("[192.0.2.99]"), Kind.FAILED, "5.4.6")

    def test_bad_address_literal_fails(self) -> None:
        """
        What stands in brackets must be an address.
        """
        self.assertOutcome(found("[192.0.2]"), Kind.FAILED, "5.1.2")

    def test_security_of_each_answer_is_kept(self) -> None:
        """
        What DNSSEC vouches for is known for the MX and for each host.
        """
        result = found(
            "crepes.fr",
            records("crepes.fr", secure=True, MX=["1 a.fr", "2 b.fr"]),
            records("a.fr", secure=True, A=["192.0.2.1"]),
            records("b.fr", A=["192.0.2.2"]),
        )
        assert isinstance(result, MailHosts)
        self.assertTrue(result.secure)
        self.assertEqual([host.secure for host in result.hosts], [True, False])

    def test_a_mass_of_hosts_is_cut(self) -> None:
        """
        Sixteen hosts are looked at, whatever a domain names.
        """
        many = tuple(MailExchange(n, f"h{n}.fr") for n in range(500))
        question = Question("crepes.fr", RecordType.MX)
        resolver = MemoryResolver({question: Answer(Found.RECORDS, many)})
        now(answered(mail_hosts("crepes.fr", US), resolver))
        self.assertEqual(len(resolver.asked), 1 + 2 * 16)


class OneHostTests(SynchronousTestCase):
    """
    Tests for ``one_host``.
    """

    def test_name_is_not_asked_for_its_mx(self) -> None:
        """
        The operator's host is asked for its addresses alone.
        """
        resolver = MemoryResolver(
            records("smart.net", MX=["0 ."], A=["192.0.2.1"])
        )
        result = now(answered(one_host("smart.net"), resolver))
        self.assertEqual(names(result), ["smart.net"])

    def test_address_is_asked_for_nothing(self) -> None:
        """
        An address is its own host.
        """
        resolver = MemoryResolver()
        result = now(answered(one_host("2001:db8::1"), resolver))
        assert isinstance(result, MailHosts)
        self.assertEqual(result.hosts[0].addresses, ("2001:db8::1",))
        self.assertEqual(resolver.asked, [])

    def test_absent_host_is_temporary(self) -> None:
        """
        The operator's mistake bounces nothing.
        """
        result = now(answered(one_host("smart.net"), MemoryResolver()))
        assert isinstance(result, Outcome)
        self.assertEqual(
            (result.kind, result.enhanced), (Kind.DEFERRED, "4.4.4")
        )
