"""
What IMAP answers to who keeps to no rule.
"""

from __future__ import annotations

from base64 import b64encode

from tests.support.adversary import Adversary, HardenedTestCase


class IMAPTests(HardenedTestCase):
    """
    Before and behind a login, in clear and over TLS.
    """

    def tagged(self, client: Adversary, command: bytes) -> bytes:
        """
        The response that ends this command, less its tag.
        """
        tag, _, _ = command.partition(b" ")
        client.send(command + b"\r\n")
        return client.until(tag + b" ")[-1].removeprefix(tag + b" ")

    def assertAnswers(self, client: Adversary) -> None:
        """
        The session goes on.
        """
        self.assertEqual(self.tagged(client, b"alive NOOP")[:2], b"OK")

    def test_lines_that_are_too_long(self) -> None:
        """
        BAD with their tag, and the next one is understood.
        """
        client = self.connect("imap")

        said = self.tagged(client, b"a NOOP " + b"x" * 70_000)
        self.assertEqual(said[:4], b"BAD ")
        said = self.tagged(client, b"b LOGIN " + b"x" * 20_000_000)
        self.assertEqual(said[:4], b"BAD ")
        client.send(b"y" * 10_000_000 + b"\r\n")
        self.assertEqual(client.line()[:6], b"* BAD ")
        self.assertAnswers(client)

    def test_what_is_no_command(self) -> None:
        """
        BAD; twenty of them end the session.
        """
        client = self.connect("imap")

        for nonsense in (
            b"GET / HTTP/1.1",
            b"",
            b"\0",
            b" ",
            b"a",
            b"a NOOP\0",
            b"a N\0OOP",
            b"a NOOP ",
            b"\xff \xff",
            b"a LOGIN x\xff y",
            b'a LOGIN "x',
            b'a LOGIN "x\0" y',
            b"a LIST (((((",
            b"a bare\nNOOP",
            b"a bare\rNOOP",
            b"* NOOP",
            b"+ NOOP",
        ):
            reply = client.ask(nonsense + b"\r\n")
            self.assertIn(b" BAD ", reply, nonsense)
        self.assertAnswers(client)
        client.send(b"x\r\n" * 30)
        self.assertIn(b"* BYE ", client.rest())

    def test_commands_out_of_order(self) -> None:
        """
        BAD in a state that has them not.
        """
        client = self.connect("imap")
        for early in (
            b"SELECT INBOX",
            b"FETCH 1 FLAGS",
            b"CLOSE",
            b"IDLE",
            b"APPEND INBOX {3+}\r\nabc",
            b"MOVE 1 Trash",
        ):
            said = self.tagged(client, b"a " + early)
            self.assertEqual(said[:3], b"BAD", early)
        self.assertEqual(client.ask(b"DONE\r\n")[:8], b"DONE BAD")

        client = self.logged_in()
        for late in (b"LOGIN a b", b"AUTHENTICATE PLAIN", b"STARTTLS"):
            said = self.tagged(client, b"a " + late)
            self.assertEqual(said[:3], b"BAD", late)
        self.assertEqual(self.tagged(client, b"a UNSELECT")[:2], b"OK")
        self.assertEqual(self.tagged(client, b"a FETCH 1 FLAGS")[:3], b"BAD")
        self.assertAnswers(client)

    def test_literals_of_four_gigabytes(self) -> None:
        """
        Are refused before they come; where they come unasked, no octet of
        them is a command.
        """
        for client in (self.connect("imap"), self.logged_in()):
            for size in (b"4294967296", b"9" * 400):
                for command in (b"LOGIN {%b}", b"NOOP {%b}", b"{%b}"):
                    said = self.tagged(client, b"a " + command % size)
                    self.assertEqual(said[:3], b"BAD", command)
            self.assertAnswers(client)
        said = self.tagged(client, b"a APPEND INBOX {4294967296}")
        self.assertEqual(said[:11], b"NO [TOOBIG]")
        self.assertAnswers(client)

        # Nobody waits for the end of so much.
        announced = b"a APPEND INBOX {4294967296+}\r\n"
        client.send(announced + b"b NOOP\r\n" * 1_000)
        said = client.rest()
        self.assertIn(b"* BYE ", said)
        self.assertNotIn(b"b OK", said)

    def test_an_append_that_is_too_large(self) -> None:
        """
        100 MB unasked are swallowed to their end, and refused.
        """
        client = self.logged_in()
        size = 100 << 20

        client.send(b"a APPEND INBOX {%d+}\r\n" % size)
        for _ in range(100):
            client.send(b"x" * (1 << 20))

        client.send(b"\r\n")
        self.assertEqual(client.until(b"a ")[-1][:13], b"a NO [TOOBIG]")
        self.assertAnswers(client)

    def test_an_append_that_grows_too_large(self) -> None:
        """
        50 MB of bare LF would be 100 MB with CR LF.
        """
        client = self.logged_in()

        client.send(b"a APPEND INBOX {%d}\r\n" % (50 << 20))
        client.until(b"+ ")
        for _ in range(50):
            client.send(b"\n" * (1 << 20))
        client.send(b"\r\n")

        self.assertEqual(client.until(b"a ")[-1][:13], b"a NO [TOOBIG]")
        self.assertAnswers(client)

    def test_appends_that_are_broken_off(self) -> None:
        """
        NUL, octets behind the literal, a client that goes: nothing is kept.
        """
        client = self.logged_in()
        for octets in (b"x" * 99 + b"\0", b"x" * 100 + b" rubbish"):
            client.send(b"a APPEND INBOX {100}\r\n")
            client.until(b"+ ")
            client.send(octets + b"\r\n")
            self.assertEqual(client.until(b"a ")[-1][:5], b"a BAD")
        client.send(b"a APPEND INBOX {5000000}\r\n")
        client.until(b"+ ")
        client.send(b"x" * 4_000_000)
        client.reset()
        client = self.logged_in()
        client.send(b"a APPEND INBOX {5000000}\r\n")
        client.until(b"+ ")
        client.send(b"x" * 4_000_000)
        client.half_close()
        self.assertEqual(client.rest(), b"")

        client = self.logged_in()
        client.send(b"a STATUS INBOX (MESSAGES)\r\n")
        self.assertEqual(client.line(), b"* STATUS INBOX (MESSAGES 0)")

    def test_ten_thousand_parentheses(self) -> None:
        """
        Wherever a client may put them.
        """
        client = self.logged_in()
        deep = b"(" * 10_000
        for command in (
            b"SEARCH " + deep + b"ALL" + b")" * 10_000,
            b"SEARCH " + b"NOT " * 10_000 + b"ALL",
            b"FETCH 1 " + deep,
            b"STORE 1 FLAGS " + deep,
            b'LIST "" ' + deep,
            b"ID " + deep,
            b"STATUS INBOX " + deep,
            b"APPEND INBOX " + deep,
        ):
            said = self.tagged(client, b"a " + command)
            self.assertEqual(said[:3], b"BAD", command[:30])
            self.assertAnswers(client)

    def test_patterns_and_sets_that_are_costly(self) -> None:
        """
        Wildcards, and ranges without end, take no time.
        """
        client = self.logged_in()

        for command, kind in (
            (b'LIST "" "' + b"*a" * 500 + b'"', b"OK"),
            (b'LIST "" "' + b"%*" * 5000 + b'x"', b"OK"),
            (b"UID FETCH 1:4294967295 FLAGS", b"OK"),
            (b"UID SEARCH UID 1:4294967295,1:4294967295", b"OK"),
            (b"UID FETCH " + b"1:4294967295," * 3000 + b"1 FLAGS", b"OK"),
            (b"UID FETCH 4294967296 FLAGS", b"BA"),
            (b"UID FETCH 0 FLAGS", b"BA"),
            (b"FETCH 1:99999999999999999999 FLAGS", b"BA"),
            (b"UID FETCH 1 BODY[" + b"1." * 49 + b"1]", b"OK"),
            (b"UID FETCH 1 BODY[" + b"1." * 5000 + b"1]", b"BA"),
            (b"SEARCH " + b"OR ALL " * 5000 + b"ALL", b"OK"),
            (b"SEARCH " + b"OR NOT ALL " * 5000 + b"ALL", b"OK"),
            (b"UID FETCH 1 BODY[]<4294967296.0>", b"BA"),
        ):
            said = self.tagged(client, b"a " + command)
            self.assertEqual(said[:2], kind, command[:40])
        self.assertAnswers(client)

    def test_wrong_base64(self) -> None:
        """
        BAD, and then another try.
        """
        client = self.connect("imaps")

        for response in (b"!!!", b"A", b"AAA=A", b"\xff", b"x" * 100_000):
            client.send(b"a AUTHENTICATE PLAIN\r\n")
            client.until(b"+")
            said = client.ask(response + b"\r\n")
            self.assertEqual(said[:5], b"a BAD", response[:9])
        said = self.tagged(client, b"a AUTHENTICATE PLAIN !!!")
        self.assertEqual(said[:3], b"BAD")
        nul = b64encode(b"\0\0\0\0")
        said = self.tagged(client, b"a AUTHENTICATE PLAIN " + nul)
        self.assertIn(said[:2], (b"NO", b"BA"))
        self.assertAnswers(client)

    def test_idle_that_is_not_done(self) -> None:
        """
        Anything but DONE ends it with BAD.
        """
        client = self.logged_in()

        for words in (b"x" * 100_000, b"\0", b"DONE DONE"):
            client.send(b"a IDLE\r\n")
            client.until(b"+ ")
            client.send(words + b"\r\n")
            self.assertEqual(client.until(b"a ")[-1][:5], b"a BAD")
            # What stood there may be taken for a command.
            client.send(b"sync NOOP\r\n")
            client.until(b"sync OK")
        client.send(b"a IDLE\r\n")
        client.until(b"+ ")
        client.half_close()
        client.rest()

    def test_octets_behind_starttls(self) -> None:
        """
        Are never acted on: the session ends without a handshake.
        """
        client = self.connect("imap")

        client.send(b"a STARTTLS\r\nb NOOP\r\nc LOGIN x y\r\n")

        said = client.rest()
        self.assertNotIn(b"a OK", said)
        self.assertNotIn(b"b ", said)
        self.assertNotIn(b"c ", said)

    def test_no_handshake_behind_starttls(self) -> None:
        """
        Rubbish instead of it ends the connection.
        """
        client = self.connect("imap")
        self.assertEqual(self.tagged(client, b"a STARTTLS")[:2], b"OK")

        client.send(b"b NOOP\r\n" * 100)
        client.rest()

    def test_half_closed_connections(self) -> None:
        """
        What was asked is answered; half a command is not.
        """
        client = self.connect("imap")
        client.send(b"a NOOP\r\nb CAPABILITY\r\nc NO")
        client.half_close()

        said = client.rest()

        self.assertIn(b"a OK", said)
        self.assertIn(b"b OK", said)
        self.assertNotIn(b"c ", said)

    def test_thousands_of_commands_at_once(self) -> None:
        """
        Are answered in their order; also one that reads late.
        """
        client = self.logged_in()

        client.send(b"".join(b"n%d NOOP\r\n" % n for n in range(20_000)))
        said = client.until(b"n19999 ")

        tags = [line.split()[0] for line in said]
        self.assertEqual(tags, [b"n%d" % n for n in range(20_000)])

    def test_names_that_are_none(self) -> None:
        """
        Slashes, dots, NULs and paths out of the maildir are NO or BAD.
        """
        client = self.logged_in()

        for name in (
            b'"../../etc"',
            b'".."',
            b'"."',
            b'""',
            b'"/"',
            b'"/etc/passwd"',
            b'"a//b"',
            b'"a\\\\b/../../c"',
            b'"a/../b"',
            b'"cur"/x',
            b'"&"',
            b'"&AAA-"',
            b'"&2AE-"',
            b'"&Jjo!"',
            b'"\xff\xff"',
            b'"' + b"x" * 1000 + b'"',
            b'"' + b"y/" * 3000 + b'z"',
        ):
            said = self.tagged(client, b"a CREATE " + name)
            self.assertIn(said[:2], (b"NO", b"BA"), name)
            self.tagged(client, b"b DELETE " + name)
            self.tagged(client, b"b STATUS %b (MESSAGES)" % name)
            self.assertAnswers(client)
        mail = self.suite.state / "mail/localhost/alice"
        self.assertEqual(
            [p.name for p in mail.parent.iterdir() if p.name != "bob"],
            ["alice"],
        )
