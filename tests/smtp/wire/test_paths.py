"""
Tests for paths and parameters.
"""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.smtp.wire.paths import (
    BadParameters,
    BadPath,
    forward_path,
    parameters,
    reverse_path,
)

_LETTERS = 'abcXYZ019.-_@<>()" \\%!+\u00fc\u4e2d'
_LABELS = st.from_regex(
    r"[a-z0-9]([a-z0-9\u00e0-\u00ff-]{0,10}[a-z0-9])?", fullmatch=True
)
_DOMAINS = st.lists(_LABELS, min_size=1, max_size=4).map(".".join)


class PathTests(SynchronousTestCase):
    """
    Tests for ``reverse_path`` and ``forward_path``.
    """

    def test_addresses(self) -> None:
        """
        Every form that RFC 5321 4.1.2 has is read as the address it means.
        """
        for text, local_part, domain in (
            ("<bob@hamburger.edu>", "bob", "hamburger.edu"),
            ("  <bob@hamburger.edu>", "bob", "hamburger.edu"),
            ("<Bob@Hamburger.EDU>", "Bob", "hamburger.edu"),
            ("<b.o.b+x=y@localhost>", "b.o.b+x=y", "localhost"),
            ('<"bob"@hamburger.edu>', "bob", "hamburger.edu"),
            ('<"b b"@hamburger.edu>', "b b", "hamburger.edu"),
            ('<"b\\"\\\\b"@hamburger.edu>', 'b"\\b', "hamburger.edu"),
            ('<"a@b>"@hamburger.edu>', "a@b>", "hamburger.edu"),
            ('<""@hamburger.edu>', "", "hamburger.edu"),
            ("<bob@[192.0.2.1]>", "bob", "[192.0.2.1]"),
            ("<bob@[IPv6:2001:DB8::1]>", "bob", "[ipv6:2001:db8::1]"),
            ("<@a.example:bob@b.example>", "bob", "b.example"),
            ("<@a.example,@b.example:bob@c.example>", "bob", "c.example"),
            ("<jürgen@bücher.example>", "jürgen", "bücher.example"),
            ("<bob@my_host.example>", "bob", "my_host.example"),
        ):
            wanted = Address(local_part, domain)
            self.assertEqual(forward_path(text), (wanted, ""), text)
            self.assertEqual(reverse_path(text + " X"), (wanted, " X"), text)

    def test_null_reverse_path(self) -> None:
        """
        ``<>`` is a reverse-path, and no forward-path.
        """
        self.assertEqual(reverse_path(" <> SIZE=1"), (None, " SIZE=1"))
        self.assertRaises(BadPath, forward_path, "<>")

    def test_postmaster(self) -> None:
        """
        ``<postmaster>`` needs no domain, in any case of its letters.
        """
        wanted = Address("postmaster", "")

        self.assertEqual(forward_path("<PostMaster>"), (wanted, ""))
        self.assertRaises(BadPath, reverse_path, "<postmaster>")

    def test_what_is_no_path(self) -> None:
        """
        Nothing is guessed.
        """
        for text in (
            "",
            "bob@hamburger.edu",
            "<bob>",
            "<@hamburger.edu>",
            "<bob@>",
            "<bob@hamburger.edu",
            "<bob@hamburger.edu.>",
            "<bob@.hamburger.edu>",
            "<bob@ham..burger.edu>",
            "<bob@-hamburger.edu>",
            "<bob@hamburger-.edu>",
            "<.bob@hamburger.edu>",
            "<bob.@hamburger.edu>",
            "<b..b@hamburger.edu>",
            "<b b@hamburger.edu>",
            "<bob @hamburger.edu>",
            "<a@b@hamburger.edu>",
            '<"bob@hamburger.edu>',
            '<"bob\\"@hamburger.edu>',
            '<bob"x"@hamburger.edu>',
            "<bob@[192.0.2.256]>",
            "<bob@[192.0.2]>",
            "<bob@[]>",
            "<bob@192.0.2.1]>",
            "<bob@[IPv6:192.0.2.1]>",
            "<bob@[IPv6:fe80::1%eth0]>",
            "<bob@[tag:whatever]>",
            "<@a.example bob@c.example>",
            "<a.example:bob@c.example>",
            "<bob@" + "a" * 64 + ".edu>",
            "<bob@" + "a." * 127 + "com>",
            "<bob\u0085@hamburger.edu>",
            "<bob\u2028@hamburger.edu>",
        ):
            self.assertRaises(BadPath, forward_path, text)

    def test_an_address_survives_printing(self) -> None:
        """
        What is printed as a path is read as the same address.
        """

        @given(st.text(_LETTERS, max_size=20), _DOMAINS)
        def check(local_part: str, domain: str) -> None:
            address = Address(local_part, domain)
            self.assertEqual(forward_path(f"<{address}>"), (address, ""))

        check()

    @given(st.text())
    def test_nothing_else_is_raised(self, text: str) -> None:
        """
        Any text is a path or is none.
        """
        try:
            address, rest = reverse_path(f"<{text}>")
        except BadPath:
            return
        self.assertIsInstance(address, Address | None)
        self.assertTrue(f"<{text}>".endswith(rest))

    def test_time_grows_with_the_length_alone(self) -> None:
        """
        A long path that is none is refused at once.
        """
        for text in (
            "<" + "a." * 100000 + "@",
            "<" + "@a," * 100000 + ":",
            '<"' + "\\a" * 100000,
            "<a@" + "a-" * 100000,
            " " * 200000,
        ):
            begun = time.process_time()
            self.assertRaises(BadPath, forward_path, text)
            self.assertLess(time.process_time() - begun, 0.2)


class ParametersTests(SynchronousTestCase):
    """
    Tests for ``parameters``.
    """

    def test_keywords_and_values(self) -> None:
        """
        Keywords come in upper case, values as they are.
        """
        self.assertEqual(
            parameters(" size=10  Body=8BitMime SMTPUTF8 X-Y=<a@b>"),
            (
                ("SIZE", "10"),
                ("BODY", "8BitMime"),
                ("SMTPUTF8", None),
                ("X-Y", "<a@b>"),
            ),
        )
        self.assertEqual(parameters(""), ())

    def test_what_is_no_parameter(self) -> None:
        """
        Broken syntax, and the same keyword twice.
        """
        for text in (
            "SIZE=1",
            " =1",
            " SIZE=",
            " -SIZE=1",
            " S_IZE=1",
            " A=b=c",
            " A=1 a=2",
            " A=\u0085",
        ):
            self.assertRaises(BadParameters, parameters, text)
