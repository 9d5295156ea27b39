"""
Tests for ``mailsuite.pop3.surrogate``.
"""

from __future__ import annotations

from email import message_from_bytes
from email.headerregistry import AddressHeader
from email.policy import default

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.pop3.surrogate import ascii_section

_names = st.sampled_from(
    [b"From", b"To", b"Subject", b"Message-ID", b"X-Y", b"content-type"]
    + [b"Content-Disposition", b"no field"]
)
_values = st.lists(
    st.sampled_from(
        ["é", "ü@x.org", "a@b.c", "<", ">", '"', "\\", ",", ";", ":", "("]
        + [" ", "\r\n ", "=?utf-8?b?w6k=?=", "text/plain", "name*0*=", "name="]
    ).map(str.encode)
    | st.sampled_from([b"\xff", b"\x80", b"\r", b"\n"])
).map(b"".join)


def _made(text: str) -> str:
    section = text.replace("\n", "\r\n").encode() + b"\r\n"
    made = ascii_section(section)
    return made.decode("ascii").replace("\r\n", "\n").removesuffix("\n")


class ASCIISectionTests(SynchronousTestCase):
    """
    Tests for ``ascii_section``.
    """

    def test_ascii_stays(self) -> None:
        """
        What is ASCII is not touched, odd as it may be.
        """
        section = b"From x\r\nSubject :a \r\n\tb\r\nFrom: <\r\n\r\n"

        self.assertEqual(ascii_section(section), section)

    def test_unstructured_fields(self) -> None:
        """
        RFC 6858 2.3: a Subject comes as encoded words, and so do fields that
        we know nothing of; the fields around them stay as they are.
        """
        self.assertEqual(
            _made("A:  b\nSubject: Grüße\n  =?utf-8?q?=C3=A9?=\nX-Y: ü\nC:d\n"),
            "A:  b\nSubject: =?utf-8?b?R3LDvMOfZSAgw6k=?=\n"
            "X-Y: =?utf-8?b?w7w=?=\nC:d\n",
        )

    def test_line_length(self) -> None:
        """
        RFC 2047 2: no line with an encoded word has over 76 octets.
        """
        made = _made("Subject: " + "ä€😀" * 300 + "\n")

        self.assertLessEqual(max(map(len, made.split("\n"))), 76)
        read = message_from_bytes(made.encode() + b"\n", policy=default)
        self.assertEqual(read["Subject"], "ä€😀" * 300)

    def test_not_utf8(self) -> None:
        """
        Octets that are no UTF-8 are read as Windows-1252, as everywhere.
        """
        self.assertEqual(
            ascii_section(b"Subject: caf\xe9\r\n\r\n"),
            b"Subject: =?utf-8?b?Y2Fmw6k=?=\r\n\r\n",
        )

    def test_display_names(self) -> None:
        """
        An address in ASCII stays, and its name becomes encoded words.
        """
        made = _made(
            'To: Hélène <"h m"@example.org>, "b, c" <d@e.org>, f@g.org\n'
        )

        field = message_from_bytes(made.encode(), policy=default)["To"]
        assert isinstance(field, AddressHeader)
        self.assertEqual(
            [(a.display_name, a.addr_spec) for a in field.addresses],
            [
                ("Hélène", '"h m"@example.org'),
                ("b, c", "d@e.org"),
                ("", "f@g.org"),
            ],
        )

    def test_international_addresses(self) -> None:
        """
        RFC 6858 2.1: an address outside ASCII becomes an invalid one, and is
        shown in its name; in groups too.
        """
        made = _made("Cc: Jösé <josé@example.org>, a:ü@x.org;, b@exämple.org\n")

        nobody = "invalid@internationalized-address.invalid"
        field = message_from_bytes(made.encode(), policy=default)["Cc"]
        assert isinstance(field, AddressHeader)
        self.assertEqual(
            [(a.display_name, a.addr_spec) for a in field.addresses],
            [
                ("Jösé <josé@example.org>", nobody),
                ("ü@x.org", nobody),
                ("b@exämple.org", nobody),
            ],
        )

    def test_name_alone(self) -> None:
        """
        A From without an address has one for which no answer is meant.
        """
        self.assertEqual(
            _made("From: Hélène\n"),
            "From: =?utf-8?b?SMOpbMOobmU=?=\n"
            " <invalid@internationalized-address.invalid>\n",
        )

    def test_parameters(self) -> None:
        """
        Parameters come as RFC 2231 has them, long ones in pieces; those in
        ASCII keep their values.
        """
        name = "Rechnung für März, " * 5 + "2"
        made = _made(
            f'Content-Type: text/plain; charset=utf-8; name="{name}"; x="\\""\n'
            "Content-Disposition: attachment; filename=ü.pdf; size=3\n"
        )

        part = message_from_bytes(made.encode(), policy=default)
        kind = part["Content-Type"].params
        self.assertEqual(kind["name"], name)
        self.assertEqual((kind["charset"], kind["x"]), ("utf-8", '"'))
        self.assertEqual(
            made.partition("Content-Disposition: ")[2],
            "attachment;\n\tfilename*=utf-8''%C3%BC.pdf;\n\tsize=3\n",
        )

    def test_what_has_no_encoded_words(self) -> None:
        """
        RFC 6858 2.4: a field that cannot be presented is left out.
        """
        self.assertEqual(
            _made("A: b\nMessage-ID: <ü@x>\nReceived: from ü\n by x\nC: d\n"),
            "A: b\nC: d\n",
        )

    def test_what_is_no_field(self) -> None:
        """
        Lines that are no fields, and what is too long to be taken apart, keep
        their length.
        """
        self.assertEqual(
            ascii_section(b"X: \xc3\xa9\r\n\xc3\xa9 x\r\n\r\n"),
            b"X: =?utf-8?b?w6k=?=\r\n?? x\r\n\r\n",
        )
        long = b"Subject: " + b"\xc3\xa9" * 20_000 + b"\r\n\r\n"
        self.assertEqual(
            ascii_section(long), b"Subject: " + b"?" * 40_000 + b"\r\n\r\n"
        )

    @given(st.lists(st.tuples(_names, _values)))
    def test_always_ascii(self, given_: list[tuple[bytes, bytes]]) -> None:
        """
        Whatever is in it comes out in ASCII, and comes out the same again.
        """
        section = b"".join(b"%b: %b\r\n" % pair for pair in given_) + b"\r\n"

        made = ascii_section(section)

        self.assertTrue(made.isascii())
        self.assertEqual(ascii_section(made), made)
        self.assertTrue(made.endswith(b"\r\n"))
