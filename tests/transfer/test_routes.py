"""
Tests for ``mailsuite.transfer.routes``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Sender
from mailsuite.smtp.clientlogin import Credentials
from mailsuite.transfer.routes import (
    NextHop,
    Routes,
    parse_pattern,
    parse_route,
    parse_target,
)
from tests.support.remotes import MX, SUBMISSION

ALICE = Sender(Address("alice", "crepes.fr"))


class RoutesTests(SynchronousTestCase):
    """
    Tests for ``Routes``.
    """

    def test_without_routes_the_dns_decides(self) -> None:
        """
        The usual next hop has no host.
        """
        self.assertEqual(Routes().find("crepes.fr", MX, ALICE), NextHop())

    def test_exact_domain_before_those_above(self) -> None:
        """
        A domain's own route counts, then that of the nearest domain above.
        """
        own, near, far = NextHop("a"), NextHop("b"), NextHop("c")
        routes = Routes(
            {"x.y.fr": own, ".y.fr": near, ".fr": far, "*": NextHop("d")}
        )
        for domain, hop in (
            ("x.y.fr", own),
            ("z.y.fr", near),
            ("y.fr", far),
            ("a.b.fr", far),
            ("example.org", NextHop("d")),
        ):
            self.assertEqual(routes.find(domain, MX, ALICE), hop)

    def test_sender_before_everybody(self) -> None:
        """
        The sender's account, then its address, then the domain, then ``*``.
        """
        account, path, domain = NextHop("a"), NextHop("b"), NextHop("c")
        senders = {
            "bob@hamburger.edu": account,
            "alice@crepes.fr": path,
            "crepes.fr": domain,
        }
        routes = Routes({"*": NextHop("d")}, senders)
        carol = Sender(Address("carol", "crepes.fr"))
        nobody = Sender(None)
        self.assertEqual(routes.find("a.org", SUBMISSION, ALICE), account)
        self.assertEqual(routes.find("a.org", MX, ALICE), path)
        self.assertEqual(routes.find("a.org", MX, carol), domain)
        self.assertEqual(routes.find("a.org", MX, nobody), NextHop("d"))

    def test_u_labels_find_their_route(self) -> None:
        """
        Both spellings of a domain have the same route.
        """
        routes = Routes(dict([parse_route("crêpes.fr=a:25")]))
        for domain in ("crêpes.fr", "xn--crpes-isa.fr"):
            self.assertEqual(routes.find(domain, MX, ALICE).host, "a")

    def test_source_of_the_same_family(self) -> None:
        """
        An address is reached from a source of its own family, or any.
        """
        hop = NextHop(sources=("192.0.2.7", "2001:db8::7"))
        self.assertEqual(hop.source("192.0.2.1"), "192.0.2.7")
        self.assertEqual(hop.source("2001:db8::1"), "2001:db8::7")
        self.assertIsNone(NextHop().source("192.0.2.1"))

    def test_password_is_not_shown(self) -> None:
        """
        A next hop in a log does not tell its password.
        """
        hop = NextHop("a", credentials=Credentials("us", "sesame"))
        self.assertNotIn("sesame", repr(hop))


class ParsingTests(SynchronousTestCase):
    """
    Tests for the spellings of routes.
    """

    def test_routes(self) -> None:
        """
        Each spelling of a route.
        """
        for text, pattern, host, port in (
            ("example.org=relay.net:2525", "example.org", "relay.net", 2525),
            (".Example.org = relay.net", ".example.org", "relay.net", 25),
            ("*=192.0.2.1:26", "*", "192.0.2.1", 26),
            ("*=[2001:DB8::1]:26", "*", "2001:db8::1", 26),
            ("[192.0.2.9]=relay.net", "[192.0.2.9]", "relay.net", 25),
        ):
            self.assertEqual(parse_route(text), (pattern, NextHop(host, port)))

    def test_what_is_no_route(self) -> None:
        """
        Everything else is refused.
        """
        for text in (
            "",
            "example.org",
            "=a:25",
            "example.org=",
            "example.org=a:0",
            "example.org=a:smtp",
            "example.org=a:65536",
            "example.org=[a]:25",
            "example.org=[::1",
            "a..b=c",
            "example.org=a b",
        ):
            with self.assertRaises(ValueError, msg=text):
                parse_route(text)

    def test_default_port(self) -> None:
        """
        A target without a port has the caller's.
        """
        self.assertEqual(parse_target("relay.net", 587), ("relay.net", 587))

    def test_patterns(self) -> None:
        """
        Patterns are kept in A-labels.
        """
        self.assertEqual(parse_pattern(".crêpes.fr"), ".xn--crpes-isa.fr")
