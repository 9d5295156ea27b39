"""
What POP3 answers to who keeps to no rule.
"""

from __future__ import annotations

from tests.support.adversary import HardenedTestCase


class POP3Tests(HardenedTestCase):
    """
    Before and behind a login, in clear and over TLS.
    """

    def test_lines_that_are_too_long(self) -> None:
        """
        Are refused whole, and the next one is understood.
        """
        client = self.connect("pop3")

        self.assertEqual(
            client.ask(b"USER " + b"x" * 2000 + b"\r\n")[:4], b"-ERR"
        )
        client.send(b"y" * 20_000_000 + b"\r\nCAPA\r\n")
        self.assertEqual(client.line()[:4], b"-ERR")
        self.assertEqual(client.line()[:3], b"+OK")
        client.until(b".")

    def test_what_is_no_command(self) -> None:
        """
        -ERR, and some of them end the session.
        """
        client = self.connect("pop3s")

        for nonsense in (b"GET / HTTP/1.1", b"", b"\0", b"NOOP\0", b"\xff",
                         b"USER \xff", b"USER", b"PASS", b"CAPA x",
                         b"CAPA\nCAPA", b"CAPA\rCAPA"):  # fmt: skip
            self.assertEqual(
                client.ask(nonsense + b"\r\n")[:4], b"-ERR", nonsense
            )
        client.send(b"\r\n" * 1000)
        client.rest()

    def test_commands_out_of_order(self) -> None:
        """
        -ERR in a state that has them not.
        """
        client = self.connect("pop3")
        for early in (b"STAT", b"LIST", b"RETR 1", b"DELE 1", b"PASS x"):
            self.assertEqual(client.ask(early + b"\r\n")[:4], b"-ERR", early)

        client = self.popped()
        for late in (b"USER bob", b"PASS x", b"STLS", b"AUTH PLAIN"):
            self.assertEqual(client.ask(late + b"\r\n")[:4], b"-ERR", late)
        self.assertEqual(client.ask(b"QUIT\r\n")[:3], b"+OK")

    def test_numbers_that_are_none(self) -> None:
        """
        Zero, negative, huge, missing.
        """
        client = self.popped()

        for command in (b"RETR 0", b"RETR -1", b"RETR 1", b"RETR x",
                        b"RETR 99999999999999999999", b"RETR",
                        b"DELE 4294967296", b"LIST 1", b"UIDL 7",
                        b"TOP 1", b"TOP 1 99999999999"):  # fmt: skip
            self.assertEqual(
                client.ask(command + b"\r\n")[:4], b"-ERR", command
            )
        self.assertEqual(client.ask(b"STAT\r\n")[:3], b"+OK")

    def test_wrong_base64(self) -> None:
        """
        -ERR, and then another try.
        """
        client = self.connect("pop3s")

        self.assertEqual(client.ask(b"AUTH PLAIN !!!\r\n")[:4], b"-ERR")
        self.assertEqual(client.ask(b"AUTH PLAIN\r\n")[:2], b"+ ")
        self.assertEqual(client.ask(b"x" * 100_000 + b"\r\n")[:4], b"-ERR")
        self.assertEqual(client.ask(b"AUTH PLAIN\r\n")[:2], b"+ ")
        self.assertEqual(client.ask(b"\0\r\n")[:4], b"-ERR")
        self.assertEqual(client.ask(b"QUIT\r\n")[:3], b"+OK")

    def test_octets_behind_stls(self) -> None:
        """
        Are never acted on: the session ends without a handshake.
        """
        client = self.connect("pop3")

        client.send(b"STLS\r\nUSER alice\r\nPASS x\r\n")

        self.assertRegex(client.rest(), rb"\A-ERR [^\r]*\r\n\Z")

    def test_no_handshake_behind_stls(self) -> None:
        """
        Rubbish instead of it ends the connection.
        """
        client = self.connect("pop3")
        self.assertEqual(client.ask(b"STLS\r\n")[:3], b"+OK")

        client.send(b"CAPA\r\n" * 100)
        client.rest()

    def test_half_closed_connections(self) -> None:
        """
        What was asked is answered; marks without QUIT are void.
        """
        self.assertEqual(self.deliver(b"a: b\r\n\r\nc\r\n")[:3], b"250")
        client = self.popped()
        client.send(b"DELE 1\r\nNOOP\r\nQUI")
        client.half_close()
        self.assertEqual(client.rest().count(b"+OK"), 2)

        client = self.popped()
        self.assertEqual(client.ask(b"STAT\r\n")[:6], b"+OK 1 ")
        client.send(b"DELE 1\r\nQUIT\r\n")
        client.half_close()
        self.assertEqual(client.rest().count(b"+OK"), 2)

        client = self.popped()
        self.assertEqual(client.ask(b"STAT\r\n"), b"+OK 0 0")

    def test_thousands_of_commands_at_once(self) -> None:
        """
        Are answered in their order.
        """
        client = self.popped()

        client.send(b"NOOP\r\n" * 20_000 + b"QUIT\r\n")

        self.assertEqual(client.rest().count(b"+OK"), 20_001)
