"""
Tests for reports found in what they came in.
"""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app import receivedreports
from mailsuite.app.receivedreports import (
    Found,
    Unreadable,
    reports_in,
    reports_of_file,
)
from mailsuite.emailauth.dmarcreportxml import print_report
from mailsuite.transfer import tlsreport
from tests.app.test_unpacking import zipped
from tests.support.receivedmail import (
    dmarc_report,
    message,
    packed,
    tls_report,
)

DMARC = dmarc_report()
XML = print_report(DMARC)
TLS = tls_report()
JSON = tlsreport.print_report(TLS)


class ReportsInTests(SynchronousTestCase):
    """
    Tests for ``reports_in``.
    """

    def found(self, octets: bytes) -> list[Found]:
        """
        What is found.
        """
        return list(reports_in(octets))

    def test_files(self) -> None:
        """
        As they are, in gzip, in zip, in both, with a byte order mark.
        """
        self.assertEqual(self.found(XML), [DMARC])
        self.assertEqual(self.found(b"\xef\xbb\xbf" + XML), [DMARC])
        self.assertEqual(self.found(JSON), [TLS])
        self.assertEqual(self.found(packed(JSON)), [TLS])
        self.assertEqual(self.found(zipped([XML, JSON])), [DMARC, TLS])
        self.assertEqual(self.found(packed(zipped([XML]))), [DMARC])

    def test_messages(self) -> None:
        """
        In an attachment of any type, and in a message in a message.
        """
        octets = packed(XML)
        for kind, name, content in (
            ("application/gzip", "a.xml.gz", octets),
            ("application/octet-stream", "report", octets),
            ("application/zip", "a.zip", zipped([XML])),
            ("application/tlsrpt+gzip", "a.json.gz", octets),
            ("text/xml", "a.xml", XML),
            ("text/plain", "a.xml", XML),
        ):
            self.assertEqual(
                self.found(message(content, kind, name)), [DMARC], kind
            )
        inside = message(packed(XML))
        forwarded = (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
            b"Content-Type: message/rfc822\r\n\r\n" + inside + b"\r\n--b--\r\n"
        )
        self.assertEqual(self.found(forwarded), [DMARC])

    def test_lines_that_end_in_lf(self) -> None:
        """
        Saved messages have the line ends of the system.
        """
        saved = message(packed(XML)).replace(b"\r\n", b"\n")

        self.assertEqual(self.found(saved), [DMARC])

    def test_text_is_no_report(self) -> None:
        """
        The message's own text is not read, whatever it looks like.
        """
        plain = b"Subject: x\r\n\r\n<feedback>\r\n"

        self.assertEqual(self.found(plain), [])

    def test_not_reports(self) -> None:
        """
        What cannot be read is told, and does not hide what can.
        """
        [xml] = self.found(b"<html></html>")
        [json] = self.found(b'{"a": 1}')
        self.assertIsInstance(xml, Unreadable)
        self.assertIsInstance(json, Unreadable)
        self.assertEqual(self.found(b"\x89PNG\r\n"), [])
        broken, whole = self.found(zipped([b"<html></html>", XML]))
        self.assertIsInstance(broken, Unreadable)
        self.assertEqual(whole, DMARC)

    def test_entities(self) -> None:
        """
        A document type is refused, before anything in it counts.
        """
        laughs = (
            b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "'
            + b"c" * 1000
            + b'">]><feedback>&b;</feedback>'
        )
        [found] = self.found(laughs)

        self.assertEqual(found, Unreadable("a document type is not allowed"))

    def test_many_values(self) -> None:
        """
        JSON of more values than a report has is not even read.
        """
        self.patch(receivedreports, "_MOST_COMMAS", 5)

        self.assertEqual(
            self.found(b'{"a":[1,2,3,4,5,6,7]}'),
            [Unreadable("there are more values than a report has")],
        )

    def test_nested_for_ever(self) -> None:
        """
        A file in a file in a file is as deep as it goes.
        """
        octets = XML
        for _ in range(10):
            octets = packed(octets)

        self.assertEqual(self.found(octets), [])

    def test_many_bombs(self) -> None:
        """
        All parts of a message share what may be unpacked of it.
        """
        limit = 1000
        self.patch(receivedreports, "_MOST_PACKED", limit)
        self.patch(receivedreports, "_MOST_UNPACKED", 3 * limit)
        bomb = packed(b"\0" * (limit + 1))
        small = packed(b"\0" * limit)
        self.assertEqual(self.found(small), [])

        parts = b"".join(
            b"--b\r\nContent-Type: application/gzip\r\n"
            b"Content-Transfer-Encoding: binary\r\n\r\n" + one + b"\r\n"
            for one in (bomb, small, small, packed(XML[:1]))
        )
        found = self.found(
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            + parts
            + b"--b--\r\n"
        )

        self.assertEqual(
            found, [Unreadable("there is too much in the gzip file")] * 2
        )

    @given(st.binary(max_size=200))
    def test_anything(self, octets: bytes) -> None:
        """
        Nothing that comes raises.
        """
        list(reports_in(octets))
        list(reports_in(message(octets)))


class ReportsOfFileTests(SynchronousTestCase):
    """
    Tests for ``reports_of_file``.
    """

    def found(self, octets: bytes) -> list[Found]:
        """
        What is found.
        """
        return list(reports_of_file(io.BytesIO(octets)))

    def test_one(self) -> None:
        """
        A report, a message with one, and a file with none.
        """
        self.assertEqual(self.found(XML), [DMARC])
        self.assertEqual(self.found(message(packed(XML))), [DMARC])
        self.assertEqual(
            self.found(b"hello"), [Unreadable("there is no report in it")]
        )
        self.assertEqual(
            self.found(b""), [Unreadable("there is no report in it")]
        )

    def test_mbox(self) -> None:
        """
        Many messages in one file; a line of text that begins with "From " is
        quoted in it.
        """
        text = b"Subject: x\n\n>From here\n"
        mail = message(packed(XML)).replace(b"\r\n", b"\n")
        from_line = b"From rua@crepes.fr Tue Nov 25 00:00:00 2025\n"
        mbox = b"\n".join(from_line + one for one in (mail, text, mail))

        self.assertEqual(self.found(mbox), [DMARC, DMARC])

    def test_too_large(self) -> None:
        """
        A file or a message of more than so many octets is not read; others
        beside it are.
        """
        mail = message(packed(XML)).replace(b"\r\n", b"\n")
        self.patch(receivedreports, "LONGEST", len(mail) + 10)
        large = b"Subject: x\n\n" + b"0123456789\n" * (len(mail) // 10)

        self.assertEqual(
            self.found(large), [Unreadable("the file is too large")]
        )
        mbox = b"From x\n" + large + b"\nFrom x\n" + mail
        self.assertEqual(
            self.found(mbox), [Unreadable("a message is too large"), DMARC]
        )
