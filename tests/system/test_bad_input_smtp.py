"""
What SMTP, submission and LMTP answer to who keeps to no rule.
"""

from __future__ import annotations

from tests.support.adversary import Adversary, HardenedTestCase, eventually


class SMTPTests(HardenedTestCase):
    """
    The listener for other hosts.
    """

    def greeted(self, protocol: str = "smtp") -> Adversary:
        """
        A connection that has said EHLO.
        """
        client = self.connect(protocol)
        client.send(b"EHLO client.test\r\n")
        client.until(b"250 ")
        return client

    def at_data(self, parameters: bytes = b"") -> Adversary:
        """
        A connection whose message is awaited.
        """
        client = self.greeted()
        client.send(b"MAIL FROM:<x@client.test>%b\r\n" % parameters)
        client.send(b"RCPT TO:<alice@localhost>\r\nDATA\r\n")
        client.until(b"354 ")
        return client

    def messages(self) -> int:
        """
        How many alice has.
        """
        folder = self.suite.state / "mail/localhost/alice/Maildir"
        return len([*folder.glob("new/*"), *folder.glob("cur/*")])

    def code(self, client: Adversary, octets: bytes) -> bytes:
        """
        The code of the reply to this.
        """
        return client.ask(octets)[:3]

    def test_lines_that_are_too_long(self) -> None:
        """
        Are refused whole, and the next one is understood.
        """
        client = self.greeted()

        self.assertEqual(
            self.code(client, b"NOOP " + b"x" * 3000 + b"\r\n"), b"500"
        )
        self.assertEqual(
            self.code(client, b"MAIL FROM:<" + b"x" * 1_000_000 + b"@b>\r\n")[
                :1
            ],
            b"5",
        )
        self.assertEqual(
            self.code(client, b"y" * 10_000_000 + b"\r\nNOOP\r\n"), b"500"
        )
        self.assertEqual(client.line()[:3], b"250")

    def test_what_is_no_command(self) -> None:
        """
        Unknown verbs, NULs, controls, 8-bit: 500 or 501, twenty times.
        """
        client = self.greeted()

        for nonsense in (
            b"GET / HTTP/1.1",
            b"",
            b"\0",
            b"NOOP\0",
            b"N\0OOP",
            b"\xff\xfe\xfd",
            b"HELO \x01",
            b"EHLO \xff\xff",
            b"MAIL FROM:<\0@b>",
            b"MAIL FROM:<\xff@b>",
            b"MAIL",
            b"MAIL FROM:<a@b> SIZE=x",
            b"MAIL FROM:<a@b> SIZE=99999999999999999999999999",
            b"MAIL FROM:<a@b> BODY=9BIT",
        ):
            reply = self.code(client, nonsense + b"\r\n")
            self.assertEqual(reply[:1], b"5", (nonsense, reply))
        self.assertEqual(self.code(client, b"NOOP\r\n"), b"250")
        client.send(b"\r\n" * 20)
        self.assertIn(b"\r\n421 ", client.rest())

    def test_commands_out_of_order(self) -> None:
        """
        503, and the order that is right still goes.
        """
        client = self.connect("smtp")

        for early in (b"MAIL FROM:<a@b>", b"RCPT TO:<alice@localhost>",
                      b"DATA", b"BDAT 0 LAST", b"AUTH PLAIN AAAA"):  # fmt: skip
            self.assertEqual(self.code(client, early + b"\r\n"), b"503", early)
        client.send(b"EHLO client.test\r\n")
        client.until(b"250 ")
        for early in (b"RCPT TO:<alice@localhost>", b"DATA"):
            self.assertEqual(self.code(client, early + b"\r\n"), b"503", early)
        self.assertEqual(self.code(client, b"MAIL FROM:<>\r\n"), b"250")
        self.assertEqual(self.code(client, b"MAIL FROM:<>\r\n"), b"503")
        self.assertEqual(self.code(client, b"DATA\r\n"), b"503")
        self.assertEqual(
            self.code(client, b"RCPT TO:<alice@localhost>\r\n"), b"250"
        )
        self.assertEqual(self.code(client, b"DATA\r\n"), b"354")
        self.assertEqual(self.code(client, b"\r\n.\r\n"), b"250")

    def test_a_bare_line_feed_ends_the_session(self) -> None:
        """
        Since what follows cannot be understood.
        """
        client = self.greeted()

        client.send(b"NOOP\nMAIL FROM:<a@b>\nRCPT TO:<alice@localhost>\n")

        self.assertEqual(client.rest()[:4], b"421 ")

    def test_bare_ends_in_a_message(self) -> None:
        """
        550 or so once the data ends, nothing smuggled, nothing kept.
        """
        before = self.messages()

        for content in (
            b"a: b\r\n\r\nx\n.\n",
            b"a: b\r\n\r\nx\r.\r",
            b"a: b\n\ntext\r\n",
            b"a: b\r\n\r\nx\n.\r\nMAIL FROM:<evil@x>\r\n",
            b"a: b\r\n\r\nNUL \0\r\n",
        ):
            client = self.at_data()
            reply = client.ask(content + b"\r\n.\r\n")
            self.assertEqual(reply[:1], b"5", (content, reply))
            self.assertEqual(self.code(client, b"NOOP\r\n"), b"250")
        self.assertEqual(self.messages(), before)

    def test_a_message_that_is_too_large(self) -> None:
        """
        100 MB against the limit of 50: at once where it is announced; else
        read to its end and refused.
        """
        client = self.greeted()
        announced = b"MAIL FROM:<a@b> SIZE=%d\r\n" % (100 << 20)
        self.assertEqual(self.code(client, announced), b"552")
        before = self.messages()

        client = self.at_data()
        piece = b"x" * 998 + b"\r\n"
        for _ in range(100):
            client.send(piece * 1049)

        self.assertEqual(self.code(client, b".\r\n"), b"552")
        self.assertEqual(self.code(client, b"NOOP\r\n"), b"250")
        self.assertEqual(self.messages(), before)

    def test_chunks_that_are_too_large(self) -> None:
        """
        A chunk of 4 GB of which little comes; one of any number of digits.
        """
        client = self.greeted()
        client.send(b"MAIL FROM:<a@b>\r\nRCPT TO:<alice@localhost>\r\n")
        client.until(b"250 2.1.5")
        client.send(b"BDAT %d\r\n" % (4 << 30) + b"x" * 1_000_000)
        client.close()

        client = self.greeted()
        reply = self.code(client, b"BDAT " + b"9" * 500 + b"\r\n")
        self.assertIn(reply, (b"421", b"501", b"552"))

    def test_wrong_base64(self) -> None:
        """
        501, and then another try.
        """
        client = self.connect("submissions")
        client.send(b"EHLO client.test\r\n")
        client.until(b"250 ")

        self.assertEqual(self.code(client, b"AUTH PLAIN !!!\r\n"), b"501")
        self.assertEqual(self.code(client, b"AUTH PLAIN\r\n"), b"334")
        self.assertEqual(self.code(client, b"A\r\n"), b"501")
        self.assertEqual(self.code(client, b"AUTH LOGIN\r\n"), b"334")
        self.assertEqual(self.code(client, b"*\r\n"), b"501")
        self.assertEqual(self.code(client, b"AUTH LOGIN\r\n"), b"334")
        self.assertIn(
            self.code(client, b"A" * 100_000 + b"\r\n"), (b"500", b"501")
        )
        self.assertEqual(self.code(client, b"AUTH NOPE\r\n"), b"504")
        self.assertEqual(self.code(client, b"NOOP\r\n"), b"250")

    def test_eight_bits_where_they_may_not_be(self) -> None:
        """
        An address beyond ASCII needs SMTPUTF8.
        """
        client = self.greeted()

        self.assertEqual(
            self.code(client, "MAIL FROM:<ü@b>\r\n".encode())[:1], b"5"
        )
        self.assertEqual(self.code(client, b"MAIL FROM:<a@b>\r\n"), b"250")
        self.assertEqual(
            self.code(client, "RCPT TO:<ü@localhost>\r\n".encode())[:2], b"55"
        )

    def test_octets_behind_starttls(self) -> None:
        """
        Are never acted on: the session ends without a handshake.
        """
        before = self.messages()
        client = self.greeted()

        client.send(
            b"STARTTLS\r\nEHLO x\r\nMAIL FROM:<a@b>\r\n"
            b"RCPT TO:<alice@localhost>\r\nDATA\r\n\r\n.\r\n"
        )

        self.assertRegex(client.rest(), rb"\A554 [^\r]*\r\n\Z")
        self.assertEqual(self.messages(), before)

    def test_no_handshake_behind_starttls(self) -> None:
        """
        Rubbish instead of it ends the connection.
        """
        client = self.greeted()
        self.assertEqual(self.code(client, b"STARTTLS\r\n"), b"220")

        client.send(b"EHLO x\r\n" * 100)
        client.rest()

    def test_clients_that_go_away(self) -> None:
        """
        In the midst of commands and of messages, with and without goodbye.
        """
        before = self.messages()
        half = b"Subject: half\r\n\r\n" + b"x" * 3_000_000
        client = self.at_data()
        client.send(half)
        client.reset()
        client = self.at_data()
        client.send(half)
        client.half_close()
        client.rest()
        client = self.greeted()
        client.send(b"MAIL FROM:<a@")
        client.half_close()
        self.assertEqual(client.rest(), b"")
        client = self.greeted()
        client.send(b"NOOP\r\nQUIT\r\nNOOP\r\n")
        client.half_close()
        self.assertRegex(client.rest(), rb"\A250 [^\r]*\r\n221 [^\r]*\r\n\Z")

        self.assertEqual(self.messages(), before)

    def test_a_whole_message_and_a_half_close(self) -> None:
        """
        The client hears that it was taken.
        """
        client = self.at_data()

        client.send(b"Subject: last words\r\n\r\n\r\n.\r\n")
        client.half_close()

        self.assertEqual(client.rest()[:4], b"250 ")

    def test_thousands_of_commands_at_once(self) -> None:
        """
        Are answered one by one, or ended by one 421; a client that reads
        nothing is not answered into memory.
        """
        client = self.greeted()
        client.send_while_taken(b"NOOP\r\n" * 100_000)
        replies = client.rest()
        self.assertEqual(replies.count(b"\r\n421 "), 1)

        client = self.greeted()
        client.send(b"MAIL FROM:<a@b>\r\n" + b"RCPT TO:<a@b>\r\n" * 5000)
        self.assertIn(b"421 ", client.rest())

    def test_many_recipients_at_once(self) -> None:
        """
        Behind the limit each is refused for the time being.
        """
        client = self.greeted()
        client.send(b"MAIL FROM:<a@b>\r\n")
        client.send(b"RCPT TO:<alice@localhost>\r\n" * 2000 + b"NOOP\r\n")

        lines = client.until(b"250 2.0.0")

        self.assertEqual(sum(x.startswith(b"250 2.1.5") for x in lines), 1000)
        self.assertEqual(sum(x.startswith(b"452 ") for x in lines), 1000)

    def test_submission_keeps_strangers_out(self) -> None:
        """
        Nothing of a transaction goes before the login.
        """
        client = self.greeted("submission")

        client.send(b"MAIL FROM:<a@b>\r\nRCPT TO:<alice@localhost>\r\nDATA\r\n")

        self.assertEqual(client.line()[:3], b"530")
        self.assertEqual(client.line()[:3], b"503")
        self.assertEqual(client.line()[:3], b"503")

    def test_lmtp(self) -> None:
        """
        Knows LHLO alone, and a reply for each recipient at the end.
        """
        client = self.connect("lmtp")
        self.assertEqual(self.code(client, b"EHLO x\r\n"), b"500")
        client.send(b"LHLO x\r\nMAIL FROM:<a@b>\r\n")
        client.until(b"250 ")
        client.line()
        client.send(
            b"RCPT TO:<alice@localhost>\r\nRCPT TO:<nobody@localhost>\r\n"
            b"RCPT TO:<bob@localhost>\r\nDATA\r\n"
        )
        client.until(b"354 ")

        client.send(b"bare \n here\r\n.\r\nNOOP\r\n")

        self.assertEqual(client.line()[:1], b"5")
        self.assertEqual(client.line()[:1], b"5")
        self.assertEqual(client.line()[:3], b"250")

    def test_an_endless_line_in_a_message(self) -> None:
        """
        Of 20 MB without an end is kept as it came.
        """
        before = self.messages()

        reply = self.deliver(b"Subject: long\r\n\r\n" + b"x" * (20 << 20))

        self.assertEqual(reply[:3], b"250")
        self.assertTrue(eventually(lambda: self.messages() == before + 1))
