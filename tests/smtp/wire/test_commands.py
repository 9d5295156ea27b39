"""
Tests for commands.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.smtp.wire import commands
from mailsuite.smtp.wire.commands import BadSyntax, parse_command

_VERBS = [
    b"HELO", b"EHLO", b"LHLO", b"MAIL", b"RCPT", b"DATA", b"BDAT", b"RSET",
    b"NOOP", b"QUIT", b"HELP", b"VRFY", b"EXPN", b"STARTTLS", b"AUTH",
    b"MAIL FROM:", b"RCPT TO:", b"MAIL FROM:<a@b>", b"RCPT TO:<a@b>",
]  # fmt: skip


class ParseCommandTests(SynchronousTestCase):
    """
    Tests for ``parse_command``.
    """

    def test_commands(self) -> None:
        """
        Each command, in any case of its letters, with spaces at its end.
        """
        bob = Address("bob", "hamburger.edu")
        for line, wanted in (
            (b"helo crepes.fr", commands.Helo("HELO", "crepes.fr")),
            (b"EHLO [192.0.2.1]", commands.Helo("EHLO", "[192.0.2.1]")),
            (b"Lhlo my_host", commands.Helo("LHLO", "my_host")),
            (b"MAIL FROM:<>", commands.Mail(None)),
            (b"mail from: <bob@hamburger.edu>", commands.Mail(bob)),
            (
                b"MAIL FROM:<bob@hamburger.edu> SIZE=1 BODY=7BIT",
                commands.Mail(bob, (("SIZE", "1"), ("BODY", "7BIT"))),
            ),
            (b"RCPT TO:<bob@hamburger.edu>  ", commands.Rcpt(bob)),
            (
                b"RCPT TO:<bob@hamburger.edu> X",
                commands.Rcpt(bob, (("X", None),)),
            ),
            (b"DATA", commands.Data()),
            (b"data\t ", commands.Data()),
            (b"BDAT 0", commands.Bdat(0)),
            (b"BDAT 4294967296 last", commands.Bdat(4294967296, last=True)),
            (b"BDAT", commands.UNREADABLE_BDAT),
            (b"BDAT -1", commands.UNREADABLE_BDAT),
            (b"BDAT 1 LAST x", commands.UNREADABLE_BDAT),
            (b"BDAT 1LAST", commands.UNREADABLE_BDAT),
            (b"bdat 1\0", commands.UNREADABLE_BDAT),
            (b"BDAT\t1", commands.UNREADABLE_BDAT),
            (b"BDAT 1 \xff", commands.UNREADABLE_BDAT),
            (b"BDAT \xc3\xbc", commands.UNREADABLE_BDAT),
            (b"BDATA 1", commands.UNKNOWN),
            (b"RSET", commands.Rset()),
            (b"NOOP x y", commands.Noop()),
            (b"QUIT", commands.Quit()),
            (b"HELP MAIL", commands.Help()),
            (b"VRFY bob", commands.Vrfy("bob")),
            (b"VRFY smtputf8", commands.Vrfy("smtputf8")),
            (b"EXPN Bob Burger SMTPUTF8", commands.Expn("Bob Burger", True)),
            (b"STARTTLS", commands.StartTLS()),
            (b"AUTH plain", commands.Auth("PLAIN")),
            (b"AUTH PLAIN =", commands.Auth("PLAIN", "=")),
            (
                b"AUTH SCRAM-SHA-256-PLUS bixh",
                commands.Auth("SCRAM-SHA-256-PLUS", "bixh"),
            ),
        ):
            self.assertEqual(parse_command(line), wanted, line)

    def test_bad_syntax(self) -> None:
        """
        Each mistake has the code of its own kind.
        """
        for line, code, enhanced in (
            (b"", 500, "5.5.2"),
            (b" NOOP", 500, "5.5.2"),
            (b"NOOPS", 500, "5.5.2"),
            (b"NOOP\0", 500, "5.5.2"),
            (b"NOOP\nQUIT", 500, "5.5.2"),
            (b"NOOP\rQUIT", 500, "5.5.2"),
            (b"NOOP \x1b[2J", 500, "5.5.2"),
            (b"NOOP \xff", 500, "5.5.2"),
            (b"NOOP \xc3\xbc", 501, "5.5.4"),
            (b"\xc3\xbc", 500, "5.5.2"),
            (b"EHLO", 501, "5.5.4"),
            (b"EHLO a b", 501, "5.5.4"),
            (b"EHLO (comment)", 501, "5.5.4"),
            (b"EHLO " + b"a" * 256, 501, "5.5.4"),
            (b"MAIL", 501, "5.5.2"),
            (b"MAIL <bob@hamburger.edu>", 501, "5.5.2"),
            (b"MAIL FROM:<bob>", 501, "5.1.7"),
            (b"MAIL FROM:<> =", 501, "5.5.4"),
            (b"RCPT FROM:<bob@hamburger.edu>", 501, "5.5.2"),
            (b"RCPT TO:bob@hamburger.edu", 501, "5.1.3"),
            (b"RCPT TO:<bob@hamburger.edu>NOTIFY", 501, "5.5.4"),
            (b"DATA x", 501, "5.5.4"),
            (b"RSET x", 501, "5.5.4"),
            (b"QUIT x", 501, "5.5.4"),
            (b"STARTTLS x", 501, "5.5.4"),
            (b"VRFY ", 501, "5.5.4"),
            (b"AUTH", 501, "5.5.4"),
            (b"AUTH =", 501, "5.5.4"),
        ):
            command = parse_command(line)
            assert isinstance(command, BadSyntax), line
            reply = command.reply
            self.assertEqual(
                (reply.code, reply.enhanced), (code, enhanced), line
            )

    @given(st.binary())
    def test_any_octets(self, line: bytes) -> None:
        """
        No octets make it raise.
        """
        self.assertIsInstance(parse_command(line), commands.Command)

    @given(st.sampled_from(_VERBS), st.text())
    def test_any_argument(self, verb: bytes, argument: str) -> None:
        """
        Nor do any arguments of the commands that there are.
        """
        line = verb + b" " + argument.encode("utf-8", "surrogatepass")

        self.assertIsInstance(parse_command(line), commands.Command)

    @given(st.from_regex(r"[a-z0-9.!-]{1,20}@[a-z0-9.-]{1,20}", fullmatch=True))
    def test_a_path_is_taken_from_the_line(self, text: str) -> None:
        """
        MAIL and RCPT read one and the same path.
        """
        mail = parse_command(f"MAIL FROM:<{text}>".encode())
        rcpt = parse_command(f"RCPT TO:<{text}>".encode())

        if isinstance(mail, commands.Mail):
            self.assertEqual(rcpt, commands.Rcpt(mail.reverse_path))
        else:
            self.assertIsInstance(rcpt, BadSyntax)
