"""
Tests for ``mailsuite.emailauth.domains``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth.domains import ascii_domain, is_within, mail_domain


class ASCIIDomainTests(SynchronousTestCase):
    """
    Tests for ``ascii_domain``.
    """

    def test_one_form(self) -> None:
        """
        Case, a last dot and U-labels make no difference.
        """
        self.assertEqual(
            ascii_domain("MX.B\u00dccher.Example."), "mx.xn--bcher-kva.example"
        )

    def test_what_cannot_be_asked(self) -> None:
        """
        Empty and long labels, long names, backslashes and control characters
        are no names.
        """
        for name in (
            "",
            ".",
            "a..b",
            "a" * 64 + ".b",
            ".".join(["a" * 60] * 5),
            "a\\.b",
            "a\n.b",
            "\u2028.b",
        ):
            self.assertIsNone(ascii_domain(name), name)

    @given(st.text(max_size=300))
    def test_any_text(self, text: str) -> None:
        """
        Any text is a name or not, and a name is its own form.
        """
        name = ascii_domain(text)
        if name is not None:
            self.assertEqual(ascii_domain(name), name)


class MailDomainTests(SynchronousTestCase):
    """
    Tests for ``mail_domain`` and ``is_within``.
    """

    def test_mail_domains(self) -> None:
        """
        Literals, single labels and names of no host have no policies.
        """
        self.assertEqual(mail_domain("Example.org"), "example.org")
        self.assertIsNone(mail_domain("[192.0.2.1]"))
        self.assertIsNone(mail_domain("localhost"))
        self.assertIsNone(mail_domain("a b.example"))

    def test_within(self) -> None:
        """
        A domain is within itself and those above it, by whole labels.
        """
        self.assertTrue(is_within("example.org", "example.org"))
        self.assertTrue(is_within("a.example.org", "example.org"))
        self.assertFalse(is_within("anexample.org", "example.org"))
