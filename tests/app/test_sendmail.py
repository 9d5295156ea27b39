"""
Tests for ``mailsuite.app.sendmail``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.sendmail import (
    BadUsage,
    completed,
    content_of,
    header_recipients,
    parse,
    with_from,
    without_bcc,
)


class ParseTests(SynchronousTestCase):
    """
    Tests for ``parse``.
    """

    def test_usual_calls(self) -> None:
        """
        What cron, PHP and mailx call it with.
        """
        cron = parse(["-FCronDaemon", "-i", "-odi", "-oem", "-oi", "root"])
        self.assertEqual(cron.full_name, "CronDaemon")
        self.assertTrue(cron.dots)
        self.assertEqual(cron.recipients, ("root",))

        php = parse(["-t", "-i", "-f", "web@example.org"])
        self.assertTrue(php.from_header)
        self.assertEqual(php.sender, "web@example.org")

        mailx = parse(["-i", "-f<>", "--", "-odd@example.org"])
        self.assertEqual(mailx.sender, "")
        self.assertEqual(mailx.recipients, ("-odd@example.org",))

    def test_options_after_recipients(self) -> None:
        """
        Options may follow addresses.
        """
        found = parse(["bob@example.org", "-f", "a@example.org", "-q15m"])
        self.assertEqual(found.recipients, ("bob@example.org",))
        self.assertEqual(found.sender, "a@example.org")

    def test_notifications(self) -> None:
        """
        DSN's options become parameters of SMTP (RFC 3461).
        """
        found = parse(
            ["-N", "success,failure", "-R", "hdrs", "-V", "a+b c", "x"]
        )
        self.assertEqual(found.recipient_options, ("NOTIFY=FAILURE,SUCCESS",))
        self.assertEqual(found.mail_options, ("RET=HDRS", "ENVID=a+2Bb+20c"))
        for wrong in (
            ["-N", "never,delay"],
            ["-N", "x"],
            ["-R", "x"],
            ["-V", "é"],
        ):
            with self.assertRaises(BadUsage):
                parse([*wrong, "x"])

    def test_modes(self) -> None:
        """
        What is not sending.
        """
        self.assertEqual(parse(["-bs"]).mode, "s")
        self.assertEqual(parse(["-bp"]).mode, "p")
        for wrong in (["-bd"], ["-Z"]):
            with self.assertRaises(BadUsage):
                parse(wrong)


class MessageTests(SynchronousTestCase):
    """
    Tests for what is done to a message.
    """

    def test_line_ends_and_dots(self) -> None:
        """
        Lines end in CR LF; a dot ends the message unless it may not.
        """
        written = b"Subject: x\n\none\n.\ntwo"
        self.assertEqual(
            content_of(written, dots=False), b"Subject: x\r\n\r\none\r\n"
        )
        self.assertEqual(
            content_of(written, dots=True),
            b"Subject: x\r\n\r\none\r\n.\r\ntwo\r\n",
        )

    def test_recipients(self) -> None:
        """
        To, Cc and Bcc, each once; Resent fields alone where there are any.
        """
        usual = (
            b"To: Bob <bob@example.org>, root\r\nCc: bob@example.org\r\n"
            b"Bcc: eve@example.org\r\n\r\nTo: nobody@example.org\r\n"
        )
        self.assertEqual(
            header_recipients(usual),
            ["bob@example.org", "root", "eve@example.org"],
        )
        self.assertEqual(
            header_recipients(b"Resent-To: carol@example.org\r\n" + usual),
            ["carol@example.org"],
        )
        self.assertEqual(
            without_bcc(usual), usual.replace(b"Bcc: eve@example.org\r\n", b"")
        )

    def test_from_is_added(self) -> None:
        """
        Only where there is none; its name cannot break out of the field.
        """
        whole = b"From: a@example.org\r\n\r\nhello\r\n"
        self.assertEqual(with_from(whole, "x@y", "X"), whole)
        self.assertEqual(
            with_from(b"Subject: x\r\n\r\n", "x@y", 'A "B"\nEvil: 1'),
            b'From: "A \\"B\\" Evil: 1" <x@y>\r\nSubject: x\r\n\r\n',
        )
        self.assertEqual(
            with_from(b"just text\r\n", "x@y", None),
            b"From: x@y\r\n\r\njust text\r\n",
        )

    def test_bare_names(self) -> None:
        """
        A name alone is of this machine; the null path stays.
        """
        self.assertEqual(completed("root", "example.org"), "root@example.org")
        self.assertEqual(completed("a@b", "example.org"), "a@b")
        self.assertEqual(completed("", "example.org"), "")
