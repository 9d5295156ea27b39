"""
Tests for ``mailsuite.imap.envelope``.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.imap.envelope import envelope
from tests.support.responses import read


class EnvelopeTests(SynchronousTestCase):
    """
    Tests for ``envelope``.
    """

    def test_the_example_of_the_rfc(self) -> None:
        """
        RFC 9051 8, message 12, without the space between two addresses that
        its grammar does not have.
        """
        section = (
            b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
            b"From: Terry Gray <gray@cac.washington.edu>\r\n"
            b"Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
            b"To: imap@cac.washington.edu\r\n"
            b"cc: minutes@CNRI.Reston.VA.US, "
            b"John Klensin <KLENSIN@MIT.EDU>\r\n"
            b"Message-Id: <B27397-0100000@cac.washington.ed>\r\n"
            b"MIME-Version: 1.0\r\n"
            b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n"
        )
        gray = b'(("Terry Gray" NIL "gray" "cac.washington.edu"))'

        self.assertEqual(
            envelope(section),
            b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" '
            b'"IMAP4rev2 WG mtg summary and minutes" '
            + b" ".join([gray, gray, gray])
            + b' ((NIL NIL "imap" "cac.washington.edu"))'
            b' ((NIL NIL "minutes" "CNRI.Reston.VA.US")'
            b'("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL '
            b'"<B27397-0100000@cac.washington.ed>")',
        )

    def test_nothing(self) -> None:
        """
        Ten times NIL.
        """
        self.assertEqual(
            envelope(b"\r\n"), b"(" + b" ".join([b"NIL"] * 10) + b")"
        )

    def test_empty_fields(self) -> None:
        """
        An empty text is ``""``, an empty list NIL.
        """
        section = b"".join(
            name + b":\r\n"
            for name in (b"Date", b"Subject", b"From", b"Sender", b"To", b"Cc",
                         b"In-Reply-To", b"Message-ID")
        )  # fmt: skip

        self.assertEqual(
            read(envelope(section)),
            [b"", b"", None, None, None, None, None, None, b"", b""],
        )

    def test_sender_and_reply_to(self) -> None:
        """
        Their own addresses if they have any, else the author's.
        """
        (_, _, author, sender, reply_to, *_) = read(
            envelope(b"From: a@b\r\nSender: <>\r\nReply-To: r@s\r\n")
        )  # type: ignore[misc]

        self.assertEqual(author, [[None, None, b"a", b"b"]])
        self.assertEqual(sender, author)
        self.assertEqual(reply_to, [[None, None, b"r", b"s"]])

    def test_groups(self) -> None:
        """
        RFC 9051 7.5.2: they begin and end without a host.
        """
        printed = envelope(b"To: A B: a@b, c@d;, e@f\r\nCc: nobody:;\r\n")

        self.assertIn(
            b'((NIL NIL "A B" NIL)(NIL NIL "a" "b")(NIL NIL "c" "d")'
            b'(NIL NIL NIL NIL)(NIL NIL "e" "f"))'
            b' ((NIL NIL "nobody" NIL)(NIL NIL NIL NIL))',
            printed,
        )

    def test_an_address_without_domain_begins_no_group(self) -> None:
        """
        Its host is the empty string.
        """
        self.assertIn(
            b'((NIL NIL "user" "")("A B" NIL "" ""))',
            envelope(b"To: user, A B\r\n"),
        )

    def test_route(self) -> None:
        """
        RFC 5322 4.4's route is the at-domain-list.
        """
        self.assertIn(
            b'((NIL "@r1,@r2" "u" "h"))', envelope(b"To: <@r1,@r2:u@h>\r\n")
        )

    def test_eight_bit(self) -> None:
        """
        Both revisions of IMAP read it as a literal.
        """
        section = "Subject: häh\r\nFrom: Jörg <j@d>\r\n".encode()

        printed = envelope(section)

        self.assertIn("{4}\r\nhäh ".encode(), printed)
        self.assertIn('({5}\r\nJörg NIL "j" "d")'.encode(), printed)

    def test_folds_and_quotes(self) -> None:
        """
        A subject is one line, quoted where it must be.
        """
        printed = envelope(b'Subject: a\r\n "b" \\\r\n')

        self.assertIn(b'"a \\"b\\" \\\\"', printed)

    def test_fields_that_stand_twice(self) -> None:
        """
        Lists are joined; of a text the first counts.
        """
        found = read(
            envelope(b"To: a@b\r\nTo: c@d\r\nSubject: 1\r\nSubject: 2\r\n")
        )

        assert isinstance(found, list)
        self.assertEqual(
            found[5], [[None, None, b"a", b"b"], [None, None, b"c", b"d"]]
        )
        self.assertEqual(found[1], b"1")

    def test_many_fields_of_one_name(self) -> None:
        """
        Fifty thousand To fields are one list, in linear time.
        """
        found = read(envelope(b"To: a@b\r\n" * 50_000))

        assert isinstance(found, list)
        assert isinstance(found[5], list)
        self.assertEqual(len(found[5]), 50_000)

    @given(st.binary(max_size=100), st.sampled_from([b"From", b"Subject"]))
    @settings(deadline=None)
    def test_any_octets_print_ten_values(
        self, octets: bytes, name: bytes
    ) -> None:
        """
        Whatever stands in the fields, a client can read the answer.
        """
        found = read(envelope(name + b": " + octets))

        assert isinstance(found, list)
        self.assertEqual(len(found), 10)
