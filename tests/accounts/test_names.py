"""
Tests for ``mailsuite.accounts.names``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.accounts.errors import BadAddress
from mailsuite.accounts.names import (
    domain_key,
    key,
    typed_address,
    typed_domain,
    typed_outside,
)
from mailsuite.mail.address import Address


class KeyTests(SynchronousTestCase):
    """
    Tests for ``key`` and ``domain_key``.
    """

    def test_case(self) -> None:
        """
        Case makes no difference.
        """
        self.assertEqual(
            key(Address("Bob", "Example.ORG")), ("bob", "example.org")
        )

    def test_labels(self) -> None:
        """
        A U-label and its A-label are one domain.
        """
        self.assertEqual(domain_key("bücher.example"), "xn--bcher-kva.example")
        self.assertEqual(domain_key("BÜCHER.example"), "xn--bcher-kva.example")

    def test_composition(self) -> None:
        """
        A letter with its accent is one spelling, however it is composed.
        """
        self.assertEqual(
            key(Address("rene\u0301", "localhost")),
            key(Address("ren\u00e9", "localhost")),
        )

    def test_no_domain_name(self) -> None:
        """
        What IDNA refuses stays as it is, and matches nothing.
        """
        self.assertEqual(domain_key("☃..example"), "☃..example")


class TypedTests(SynchronousTestCase):
    """
    Tests for ``typed_address`` and ``typed_domain``.
    """

    def test_address(self) -> None:
        """
        A usual address is kept in its one spelling.
        """
        self.assertEqual(
            typed_address(" Bob.Smith@Bücher.example "),
            ("bob.smith", "xn--bcher-kva.example"),
        )

    def test_no_address(self) -> None:
        """
        A word is no address.
        """
        self.assertRaises(BadAddress, typed_address, "bob")

    def test_path(self) -> None:
        """
        A local part that would lead out of its folder is refused.
        """
        self.assertRaises(BadAddress, typed_address, "../alice@localhost")
        self.assertRaises(BadAddress, typed_address, "a/b@localhost")
        self.assertRaises(BadAddress, typed_address, ".@localhost")

    def test_dots(self) -> None:
        """
        Dots stand between atoms only (RFC 5321 4.1.2).
        """
        self.assertRaises(BadAddress, typed_address, "a..b@localhost")
        self.assertRaises(BadAddress, typed_address, "a.@localhost")

    def test_control(self) -> None:
        """
        A control character is refused.
        """
        self.assertRaises(BadAddress, typed_address, "a\nb@localhost")

    def test_no_text(self) -> None:
        """
        Octets of a command line that were no UTF-8 are refused.
        """
        self.assertRaises(BadAddress, typed_address, "j\udcfcrgen@localhost")
        self.assertRaises(BadAddress, typed_domain, "b\udcfccher.example")

    def test_long_local_part(self) -> None:
        """
        64 octets are the most (RFC 5321 4.5.3.1.1).
        """
        typed_address("a" * 64 + "@localhost")
        self.assertRaises(BadAddress, typed_address, "a" * 65 + "@localhost")

    def test_domain(self) -> None:
        """
        A domain is kept as an A-label.
        """
        self.assertEqual(typed_domain("Example.ORG."), "example.org")

    def test_no_domain(self) -> None:
        """
        What is no domain name is refused.
        """
        for text in ("", "a b", "-a.example", "a..b", "[127.0.0.1]", "a/b"):
            self.assertRaises(BadAddress, typed_domain, text)


class OutsideTests(SynchronousTestCase):
    """
    Tests for ``typed_outside``.
    """

    def test_case(self) -> None:
        """
        The local part is as it was typed, the domain in its one spelling.
        """
        self.assertEqual(
            typed_outside("John/Doe=x@B\u00dcCHER.example"),
            ("John/Doe=x", "xn--bcher-kva.example"),
        )

    def test_refused(self) -> None:
        """
        What needs quotes, and what is no address, is none.
        """
        for text in (
            '"a b"@a.org', ".a@a.org", "a..b@a.org", "a@b@a.org", "a",
            "a@", "a@[192.0.2.1]",
        ):  # fmt: skip
            with self.assertRaises(BadAddress):
                typed_outside(text)
