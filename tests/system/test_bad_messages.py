"""
Messages that no mail program makes, received and read back.
"""

from __future__ import annotations

import re

from tests.support.adversary import HardenedTestCase

_LITERAL = re.compile(rb"\{([0-9]+)\}\Z")
_PART = b"--b\r\n\r\nx\r\n"


class MessagesTests(HardenedTestCase):
    """
    Each comes back by IMAP and by POP3 as it came.
    """

    def kept(self, content: bytes) -> bytes:
        """
        Deliver a message, and read it back in every way.

        :return: its FETCH response of ENVELOPE and BODYSTRUCTURE.
        """
        self.assertEqual(self.deliver(content)[:3], b"250")
        client = self.logged_in()
        client.send(
            b"f FETCH * (ENVELOPE BODYSTRUCTURE RFC822.SIZE)\r\n"
            b"f1 FETCH * (BODY.PEEK[HEADER] BODY.PEEK[TEXT] BODY.PEEK[1.MIME]"
            b" BODY.PEEK[1]<0.100> BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n"
            b"f2 FETCH * (BINARY.SIZE[1] BINARY.PEEK[1])\r\n"
            b"f3 SEARCH TEXT zebra BODY zebra SUBJECT x SENTSINCE 1-Jan-2020"
            b"\r\n"
            b"f4 UID SEARCH HEADER From x LARGER 1\r\n"
        )
        said = b"\r\n".join(client.until(b"f OK"))
        client.until(b"f1 OK")
        client.until(b"f2 ")
        client.until(b"f3 OK")
        client.until(b"f4 OK")
        [whole] = self.literals(b"FETCH * BODY.PEEK[]")
        self.assertTrue(whole.endswith(content), whole[:500])
        self.assertIn(b"RFC822.SIZE %d" % len(whole), said)
        self.assertEqual(self.retrieved(), whole)
        return said

    def literals(self, command: bytes) -> list[bytes]:
        """
        The literals in the answer to an IMAP command.
        """
        client = self.logged_in()
        client.send(b"g " + command + b"\r\n")
        found: list[bytes] = []
        while not (line := client.line()).startswith(b"g "):
            if announced := _LITERAL.search(line):
                found.append(client.octets(int(announced[1])))
        return found

    def retrieved(self) -> bytes:
        """
        The last message, as POP3 has it.
        """
        client = self.popped(utf8=True)
        number = client.ask(b"STAT\r\n").split()[1]
        head = client.ask(b"RETR %b\r\n" % number)
        self.assertEqual(head[:4], b"+OK ")
        size = int(head.split()[1])
        lines: list[bytes] = []
        while (line := client.line()) != b".":
            lines.append(line.removeprefix(b"."))
        client.send(b"QUIT\r\n")
        client.rest()
        octets = b"\r\n".join([*lines, b""])
        # POP3 ends a last line that has no end.
        return octets[:size]

    def test_header_without_a_body(self) -> None:
        """
        With its empty line, and without.
        """
        self.kept(b"Subject: x\r\n\r\n")
        self.kept(b"Subject: x\r\n")
        self.kept(b"Subject: x")

    def test_body_without_a_header(self) -> None:
        """
        Text at once, an empty line first, a line that only looks like one.
        """
        self.kept(b"just text\r\n")
        self.kept(b"\r\njust text\r\n")
        self.kept(b" folded: from nothing\r\n\r\ntext\r\n")

    def test_nothing(self) -> None:
        """
        No octet at all.
        """
        self.kept(b"")
        self.kept(b"\r\n")
        self.kept(b".\r\n..\r\n...\r\n")

    def test_ten_thousand_nested_multiparts(self) -> None:
        """
        Each within the other.
        """
        content = b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
            % (level, level)
            for level in range(10_000)
        )

        said = self.kept(content)

        self.assertEqual(said.count(b'"mixed"'), 50)

    def test_ten_thousand_nested_messages(self) -> None:
        """
        Each within the other.
        """
        self.kept(b"Content-Type: message/rfc822\r\n\r\n" * 10_000)

    def test_ten_thousand_parts(self) -> None:
        """
        And as many again, one behind the other.
        """
        said = self.kept(
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
            + _PART * 20_000
            + b"--b--\r\n"
        )

        self.assertEqual(said.count(b'"text" "plain"'), 10_000 - 1)

    def test_multiparts_that_are_none(self) -> None:
        """
        Without a boundary, with one that never comes, with one too long.
        """
        for parameter in (b"", b"; boundary", b"; boundary=", b"; boundary=x",
                          b'; boundary="' + b"x" * 10_000 + b'"'):  # fmt: skip
            self.kept(
                b"Content-Type: multipart/mixed%b\r\n\r\n--y\r\n\r\nz\r\n"
                % parameter
            )

    def test_fields_that_are_costly(self) -> None:
        """
        Thousands of addresses, comments in comments, parameters, encoded
        words, fields; and lines that are as long.
        """
        self.kept(b"To: " + b"a@b, " * 100_000 + b"c@d\r\n\r\n")
        self.kept(b"To: " + b"(" * 100_000 + b"\r\n\r\n")
        self.kept(b"From: " + b"<" * 100_000 + b"\r\n\r\n")
        self.kept(b'From: "' + b"\\" * 100_001 + b"\r\n\r\n")
        self.kept(b"Content-Type: text/plain" + b"; a=b" * 50_000 + b"\r\n\r\n")
        self.kept(
            b"Content-Type: " + b"(" * 50_000 + b"/" * 50_000 + b"\r\n\r\n"
        )
        self.kept(b"Subject: " + b"=?utf-8?q?x?= " * 30_000 + b"\r\n\r\n")
        self.kept(b"X: y\r\n" * 80_000 + b"\r\n")
        self.kept(b"Subject: x\r\n" + b" y\r\n" * 100_000 + b"\r\n")
        self.kept(b"Date: " + b"9" * 100_000 + b"\r\n\r\n")
        self.kept(b"Subject:" + b" " * 500_000 + b"x\r\n\r\n")
        self.assertEqual(self.deliver(b"X: y\r\n" * 100_000)[:3], b"550")

    def test_eight_bits_everywhere(self) -> None:
        """
        In names, values, parameters, boundaries and encodings.
        """
        every = bytes(n for n in range(1, 256) if n not in b"\r\n")

        self.kept(b"Subject: " + every + b"\r\nFrom: " + every + b"\r\n\r\n")
        self.kept(every + b": x\r\n\r\n" + every)
        self.kept(
            b"Content-Type: multipart/mixed; boundary=\"\xff\"; " + every
            + b"\r\nContent-Transfer-Encoding: " + every
            + b"\r\n\r\n--\xff\r\n\r\nx\r\n--\xff--"
        )  # fmt: skip

    def test_encodings_that_are_broken(self) -> None:
        """
        Base64, quoted-printable, uuencode that are none.
        """
        for encoding in (b"base64", b"quoted-printable", b"x-uuencode", b"?"):
            self.kept(
                b"Content-Transfer-Encoding: %b\r\n\r\n" % encoding
                + b"=\xff=Z=" * 1000
                + b"zebra=\r\n=\r\n=="
            )
