"""
Tests for ``mailsuite.mail.searchtext``.
"""

from __future__ import annotations

import base64
import mmap
import tracemalloc
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail import searchtext
from mailsuite.mail.folding import folded
from mailsuite.mail.searchtext import SearchableText

MIXED = (
    b"From: =?utf-8?q?Andr=C3=A9?= <andre@crepes.fr>\r\n"
    b"Subject: A long\r\n subject =?utf-8?b?w6ljbA==?= =?utf-8?b?YWly?=\r\n"
    b"Date: Tue, 24 Nov 2026 23:59:00 -0800\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"preamble\r\n"
    b"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"soft br=\r\neak na=EFve\r\nnext line\r\n"
    b"--b\r\nContent-Type: text/html\r\nX-Part: inside\r\n\r\n"
    b"<p class=markup>ham<b>burger</b></p>\r\n"
    b"--b\r\nContent-Type: application/pdf; name*=utf-8''r%C3%A9sum%C3%A9.pdf"
    b"\r\n\r\nbinary\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: nested\r\n\r\nnested body\r\n"
    b"--b--\r\nepilogue\r\n"
)


def message(body: bytes, fields: bytes = b"") -> SearchableText:
    """
    A message of a text part and some more fields.
    """
    return SearchableText(b"Subject: x\r\n" + fields + b"\r\n" + body)


class SearchableTextTests(SynchronousTestCase):
    """
    Tests for ``SearchableText``.
    """

    def in_text(self, *keys: str) -> None:
        """
        See that TEXT finds each.
        """
        for key in keys:
            found = SearchableText(MIXED).contains(folded(key))
            self.assertTrue(found, key)

    def not_in_text(self, *keys: str) -> None:
        """
        See that TEXT finds none.
        """
        for key in keys:
            found = SearchableText(MIXED).contains(folded(key))
            self.assertFalse(found, key)

    def in_body(self, *keys: str) -> None:
        """
        See that BODY finds each.
        """
        for key in keys:
            found = SearchableText(MIXED).body_contains(folded(key))
            self.assertTrue(found, key)

    def not_in_body(self, *keys: str) -> None:
        """
        See that BODY finds none.
        """
        for key in keys:
            found = SearchableText(MIXED).body_contains(folded(key))
            self.assertFalse(found, key)

    def test_fields(self) -> None:
        """
        TEXT finds fields with their names, unfolded and decoded.
        """
        self.in_text(
            "from: andré", "long subject éclair", "ANDRE@", "nested", "inside"
        )

    def test_file_names(self) -> None:
        """
        TEXT finds decoded file names.
        """
        self.in_text("résumé.pdf")

    def test_body(self) -> None:
        """
        BODY finds decoded text of all text parts, nested ones too.
        """
        self.in_body("soft break naïve\nnext", "hamburger", "nested body")

    def test_body_has_no_fields(self) -> None:
        """
        BODY finds no field, of whatever part.
        """
        self.not_in_body("éclair", "inside", "subject: nested", "résumé")

    def test_what_is_no_text(self) -> None:
        """
        Preamble, epilogue, other parts and markup are not found.
        """
        self.not_in_text("preamble", "epilogue", "binary", "markup", "--b")

    def test_nothing_spans_two_parts(self) -> None:
        """
        The end of a part and the beginning of the next are no text.
        """
        self.not_in_text("line\nham", "lineham", "burgernested")

    def test_empty_key(self) -> None:
        """
        BODY "" and TEXT "" match every message; HEADER x "" asks for x.
        """
        it = SearchableText(MIXED)
        self.assertTrue(it.contains(""))
        self.assertTrue(it.body_contains(""))
        self.assertTrue(it.field_contains("date", ""))
        self.assertFalse(it.field_contains("bcc", ""))

    def test_field(self) -> None:
        """
        A field is looked for in the outermost header section, by its name.
        """
        it = SearchableText(MIXED)
        self.assertTrue(it.field_contains("SUBJECT", folded("éclair")))
        self.assertFalse(it.field_contains("subject", folded("nested")))
        self.assertFalse(it.field_contains("subject", folded("subject:")))
        self.assertFalse(it.field_contains("from", folded("éclair")))

    def test_sent_date(self) -> None:
        """
        The Date field's own day counts, whatever its zone.
        """
        self.assertEqual(SearchableText(MIXED).sent_date(), date(2026, 11, 24))
        self.assertIsNone(message(b"").sent_date())
        self.assertIsNone(message(b"", b"Date: soon\r\n").sent_date())

    def test_flowed(self) -> None:
        """
        Lines of format=flowed are joined; quotes and signatures are not.
        """
        it = message(
            b"one \r\ntwo \r\n three\r\n> four \r\n> five\r\n-- \r\nBob\r\n",
            b"Content-Type: text/plain; format=flowed\r\n",
        )
        for key in ("one two three\n> four", "five\n-- \nbob"):
            self.assertTrue(it.body_contains(folded(key)), key)

    def test_flowed_delsp(self) -> None:
        """
        With DelSp the space at the line's end goes too.
        """
        it = message(
            b"one \r\ntwo\r\n",
            b"Content-Type: text/plain; format=flowed; delsp=yes\r\n",
        )
        self.assertTrue(it.body_contains(folded("onetwo")))

    def test_delivery_status(self) -> None:
        """
        The text of a message/* part that is no message is found.
        """
        it = message(
            b"Action: failed\r\n", b"Content-Type: message/delivery-status\r\n"
        )
        self.assertTrue(it.body_contains(folded("failed")))

    def test_unknown_encoding(self) -> None:
        """
        Of a body in an encoding that nobody knows nothing can be said.
        """
        it = message(b"ketchup\r\n", b"Content-Transfer-Encoding: x-own\r\n")
        self.assertFalse(it.body_contains("KETCHUP"))

    def test_body_alone(self) -> None:
        """
        A message without a header section has a body.
        """
        it = SearchableText(b"\r\nketchup\r\n")
        self.assertTrue(it.contains("KETCHUP"))
        self.assertFalse(it.field_contains("subject", ""))

    def test_no_message_at_all(self) -> None:
        """
        An empty file has nothing in it.
        """
        it = SearchableText(b"")
        self.assertFalse(it.contains("X"))
        self.assertFalse(it.field_contains("subject", ""))

    @settings(deadline=None)
    @given(st.binary(max_size=300))
    def test_never_raises(self, octets: bytes) -> None:
        """
        Any octets can be searched.
        """
        SearchableText(octets).contains(folded("x"))
        SearchableText(b"Content-Type: text/html\r\n\r\n" + octets).contains(
            "X"
        )

    def test_folded_at_a_tab(self) -> None:
        """
        A value that was folded at a tab is found as one folded at a space.
        """
        it = SearchableText(b"Subject: more\r\n\tand more\r\n\r\n")

        self.assertTrue(it.field_contains("subject", folded("more and")))


class WindowTests(SynchronousTestCase):
    """
    Long parts, which are looked at through a window.
    """

    def setUp(self) -> None:
        self.patch(searchtext, "WINDOW", 64)
        self.patch(searchtext, "_SHORT", 0)

    def found_everywhere(
        self, text: str, fields: bytes, encode: object = None
    ) -> None:
        """
        See that each piece of a text is found, wherever windows are cut.
        """
        for shift in range(0, 70, 3):
            body = ("." * shift + text).encode()
            if encode is not None:
                body = encode(body)  # type: ignore[operator]
            it = message(body, fields)
            for at in range(0, len(text) - 7, 5):
                key = folded(text[at : at + 7])
                self.assertTrue(it.body_contains(key), (shift, key))

    TEXT = "Grüße, 한국어 и \U0001f354 hamburgers! " * 4

    def test_plain(self) -> None:
        """
        Characters of several octets are cut anywhere.
        """
        self.found_everywhere(
            self.TEXT, b"Content-Type: text/plain; charset=utf-8\r\n"
        )

    def test_unlabelled(self) -> None:
        """
        Text without a charset is known as UTF-8 by its first window.
        """
        self.found_everywhere(self.TEXT, b"")

    def test_unlabelled_and_not_utf8(self) -> None:
        """
        What is not UTF-8 in its first window is Windows-1252.
        """
        it = message("caf\u00e9 \u20ac ".encode("cp1252") * 40)
        self.assertTrue(it.body_contains(folded("é € café € ")))

    def test_other_charsets(self) -> None:
        """
        Charsets of one octet and of several are decoded across windows.
        """
        text = "\u65e5\u672c\u8a9e \u30cf\u30f3 " * 30
        for charset in ("iso-2022-jp", "shift_jis", "utf-16"):
            it = message(
                text.encode(charset),
                b"Content-Type: text/plain; charset=%b\r\n" % charset.encode(),
            )
            self.assertTrue(it.body_contains(folded(text[-60:-20])), charset)

    def test_bad_utf8(self) -> None:
        """
        What says that it is UTF-8 and is not stays that, but for the bad
        octets.
        """
        it = message(
            ("ü".encode() + b"\xff") * 60,
            b"Content-Type: text/plain; charset=utf-8\r\n",
        )
        self.assertTrue(it.body_contains(folded("ü\ufffdü")))

    def test_base64(self) -> None:
        """
        Encoded text is decoded across windows.
        """
        self.found_everywhere(
            self.TEXT,
            b"Content-Transfer-Encoding: base64\r\n",
            base64.encodebytes,
        )

    def test_jamo(self) -> None:
        """
        Decomposed Hangul is composed across windows.
        """
        text = "\u1112\u1161\u11ab\u1100\u116e\u11a8" * 30
        for shift in range(64):
            it = message(("." * shift + text).encode())
            self.assertTrue(it.body_contains("한국한국"), shift)
            self.assertFalse(it.body_contains("하"), shift)

    def test_line_ends(self) -> None:
        """
        CR LF is LF, also where a window ends between the two.
        """
        it = message(b"abc\r\n" * 100)
        for count in range(1, 30):
            self.assertTrue(it.body_contains("ABC\n" * count))

    def test_flowed(self) -> None:
        """
        Paragraphs are joined across windows.
        """
        it = message(
            b"ham \r\nburger \r\n" * 40 + b"\r\nfries\r\n",
            b"Content-Type: text/plain; format=flowed\r\n",
        )
        self.assertTrue(it.body_contains(folded("ham burger " * 40 + "\n")))


class MemoryTests(SynchronousTestCase):
    """
    What a large message costs.
    """

    def test_large_message_in_little_memory(self) -> None:
        """
        6 MB of text in a mapped file are searched in a few.
        """
        with open(self.mktemp(), "w+b") as file:
            file.write(b"Subject: x\r\nContent-Type: text/html\r\n\r\n")
            for _ in range(90):
                file.write(b"<p>Do you like ketchup?</p>\r\n" * 2400)
            file.write(b"<p>How about pickles?</p>\r\n")
            file.flush()
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            tracemalloc.start()
            try:
                found = SearchableText(mapped).contains(folded("PICKLES"))
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
                mapped.close()

        self.assertTrue(found)
        self.assertLess(peak, 4 * 1024 * 1024)
