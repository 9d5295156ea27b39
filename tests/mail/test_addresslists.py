"""
Tests for ``mailsuite.mail.addresslists``.
"""

from __future__ import annotations

import email.utils

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.addresslists import (
    Group,
    NamedAddress,
    addresses,
    parse,
)


class ParseTests(SynchronousTestCase):
    """
    Lists as RFC 5322 allows them.
    """

    def test_usual_forms(self) -> None:
        """
        Names plain, quoted, encoded and absent.
        """
        value = (
            b"Ana B. <a@b.example>, =?utf-8?q?Bj=C3=B6rn?= <b@c.example>,\r\n"
            b'\t"Foo, Bar" <f@g.example>, plain@h.example'
        )

        self.assertEqual(
            parse(value),
            (
                NamedAddress(b"Ana B.", b"a", b"b.example"),
                NamedAddress(b"=?utf-8?q?Bj=C3=B6rn?=", b"b", b"c.example"),
                NamedAddress(b"Foo, Bar", b"f", b"g.example"),
                NamedAddress(None, b"plain", b"h.example"),
            ),
        )

    def test_groups(self) -> None:
        """
        A group has its members; the list goes on after it.
        """
        value = b'A Group: a@b, "C" <c@d>;, x@y, undisclosed-recipients:;'

        self.assertEqual(
            parse(value),
            (
                Group(
                    b"A Group",
                    (
                        NamedAddress(None, b"a", b"b"),
                        NamedAddress(b"C", b"c", b"d"),
                    ),
                ),
                NamedAddress(None, b"x", b"y"),
                Group(b"undisclosed-recipients", ()),
            ),
        )

    def test_quotes_and_escapes(self) -> None:
        """
        Quoted pairs are undone in names and local parts.
        """
        value = b'"Doe, \\"J\\" \\\\" <j@d>, "a \\"b"@[IPv6:::1]'

        self.assertEqual(
            parse(value),
            (
                NamedAddress(b'Doe, "J" \\', b"j", b"d"),
                NamedAddress(None, b'a "b', b"[IPv6:::1]"),
            ),
        )

    def test_a_comment_names_an_address_that_has_no_name(self) -> None:
        """
        The old form ``a@b (Name)`` is read; nested comments are text.
        """
        self.assertEqual(
            parse(b"a@b (Name (of) it), C (x) D <c@d>"),
            (
                NamedAddress(b"Name (of) it", b"a", b"b"),
                NamedAddress(b"C D", b"c", b"d"),
            ),
        )

    def test_route(self) -> None:
        """
        RFC 5322 4.4's source route is no part of the address.
        """
        self.assertEqual(
            parse(b"<@r1,@r2:u@h>, n@m"),
            (
                NamedAddress(None, b"u", b"h", b"@r1,@r2"),
                NamedAddress(None, b"n", b"m"),
            ),
        )

    def test_spaces_around_dots(self) -> None:
        """
        RFC 5322 4.4, obs-local-part and obs-domain.
        """
        self.assertEqual(
            parse(b"a . b @ c . d"), (NamedAddress(None, b"a.b", b"c.d"),)
        )

    def test_utf8(self) -> None:
        """
        RFC 6532: UTF-8 stays as it is.
        """
        value = "Jörg <jörg@ä.example>".encode()

        (found,) = parse(value)

        self.assertEqual(found.name, "Jörg".encode())
        self.assertEqual(found.address, Address("jörg", "ä.example"))


class BrokenListTests(SynchronousTestCase):
    """
    Lists as they come.
    """

    def test_a_name_alone(self) -> None:
        """
        Two words are a name without an address; one is a local part.
        """
        self.assertEqual(
            parse(b"John Doe, user"),
            (
                NamedAddress(b"John Doe", b"", b""),
                NamedAddress(None, b"user", b""),
            ),
        )

    def test_nothing(self) -> None:
        """
        Commas, spaces, empty brackets and comments are no addresses.
        """
        self.assertEqual(parse(b" , ,<>, (only this)"), ())

    def test_an_address_as_name(self) -> None:
        """
        An unquoted ``@`` in a name does not make it the address.
        """
        self.assertEqual(
            parse(b"x@y.example <j@d.example>"),
            (NamedAddress(b"x@y.example", b"j", b"d.example"),),
        )

    def test_a_quote_without_end(self) -> None:
        """
        The address behind it is still found.
        """
        self.assertEqual(
            parse(b'"no end <a@b>, c@d'),
            (
                NamedAddress(b"no end", b"a", b"b"),
                NamedAddress(None, b"c", b"d"),
            ),
        )

    def test_semicolons_instead_of_commas(self) -> None:
        """
        Outlook's way of writing lists.
        """
        self.assertEqual(
            [a.local_part for a in addresses(b"a@b; C <c@d>; e@f")],
            [b"a", b"c", b"e"],
        )

    def test_an_angle_without_end(self) -> None:
        """
        The end of the list ends it.
        """
        self.assertEqual(parse(b"A <a@b"), (NamedAddress(b"A", b"a", b"b"),))

    def test_words_after_the_domain(self) -> None:
        """
        They are not of the domain.
        """
        self.assertEqual(parse(b"a@b c@d"), (NamedAddress(None, b"a", b"b"),))

    @given(
        st.lists(
            st.sampled_from(
                [b"a", b" ", b"@", b"<", b">", b",", b";", b":", b"(", b")",
                 b'"', b"\\", b".", b"[", b"]", b"\r\n ", b"\xc3", b"\0"]
            ),
            max_size=30,
        )
    )  # fmt: skip
    @settings(deadline=None)
    def test_no_octets_raise(self, pieces: list[bytes]) -> None:
        """
        Whatever the list, there is an answer of addresses and groups.
        """
        for entry in parse(b"".join(pieces)):
            self.assertIsInstance(entry, (NamedAddress, Group))


class StandardLibraryTests(SynchronousTestCase):
    """
    The standard library reads proper lists in the same way.
    """

    @given(
        st.lists(
            st.tuples(
                # Spaces of a phrase are read as one (RFC 5322 3.2.5).
                st.text("abcXYZ ,.@()<>", max_size=8).map(
                    lambda name: " ".join(name.split())
                ),
                st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5})?", fullmatch=True),
                st.from_regex(r"[a-z]{1,5}\.[a-z]{2,3}", fullmatch=True),
            ),
            max_size=6,
        )
    )
    @settings(deadline=None)
    def test_printed_lists(self, entries: list[tuple[str, str, str]]) -> None:
        """
        What it prints is read back.
        """
        value = ", ".join(
            email.utils.formataddr((name, f"{local}@{domain}"))
            for name, local, domain in entries
        )

        found = [
            (
                (entry.name or b"").decode(),
                entry.local_part.decode(),
                entry.domain.decode(),
            )
            for entry in addresses(value.encode())
        ]

        self.assertEqual(found, entries)


class TimeTests(SynchronousTestCase):
    """
    Sizes at which anything but linear time would not end.
    """

    def test_many_addresses(self) -> None:
        """
        A list of 50,000 that needs the slow way from the first on.
        """
        found = addresses(b"(c) a . b@c," * 50_000)

        self.assertEqual(len(found), 50_000)

    def test_many_open_quotes(self) -> None:
        """
        Escaped quotes after one that is never closed.
        """
        self.assertLessEqual(len(parse(b'"' + b'\\"' * 200_000)), 1)

    def test_many_open_comments(self) -> None:
        """
        Nesting is counted, not followed.
        """
        self.assertEqual(parse(b"(" * 500_000), ())

    def test_many_angles(self) -> None:
        """
        Brackets that open and never close.
        """
        self.assertLessEqual(len(parse(b"<" * 200_000)), 1)

    def test_a_phrase_without_end(self) -> None:
        """
        A name of 200,000 words before an address.
        """
        (found,) = parse(b"word " * 200_000 + b"<a@b>")

        self.assertEqual(found, NamedAddress(found.name, b"a", b"b"))
