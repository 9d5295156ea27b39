"""
Golden conversations with the POP3 server (tests/dialogs/pop3).
"""

from __future__ import annotations

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from tests.support.dialogs import dialog, play
from tests.support.pop3_server import POP3Server, filled


class DialogsTests(SynchronousTestCase):
    """
    Conversations, word for word.
    """

    def setUp(self) -> None:
        self.server = POP3Server()
        self.server.deliver(
            filled(b"Subject: one\r\n\r\n", 498),
            filled(b"Subject: two\r\n\r\n", 912),
        )

    def play(self, name: str) -> None:
        """
        Play ``tests/dialogs/pop3/<name>.dialog`` to its end.
        """
        self.successResultOf(
            ensureDeferred(play(dialog(f"pop3/{name}"), self.server.connect))
        )

    def test_course(self) -> None:
        """
        The course's dialogue goes as the course has it.
        """
        self.play("course")

        self.assertEqual(self.server.uids(), [])

    def test_download_and_delete(self) -> None:
        """
        What the first client deleted, the second does not find.
        """
        self.play("download-and-delete")

        self.assertEqual(self.server.uids(), [])

    def test_download_and_keep(self) -> None:
        """
        What the first client kept, the second finds by the same ids.
        """
        self.play("download-and-keep")

        self.assertEqual(self.server.uids(), [1, 2])

    def test_maildrop(self) -> None:
        """
        Marks for deletion hide messages, and RSET takes them off.
        """
        self.play("maildrop")

        self.assertEqual(self.server.uids(), [1, 2])

    def test_bad_input(self) -> None:
        """
        Mistakes are answered, and the session goes on.
        """
        self.play("bad-input")

        self.assertEqual(self.server.uids(), [1, 2])

    def test_logins(self) -> None:
        """
        AUTH in all its courses, failures, and the lock on the maildrop.
        """
        self.play("logins")

    def test_capabilities(self) -> None:
        """
        What is listed, and what can be chosen of it.
        """
        self.play("capabilities")

    def test_utf8(self) -> None:
        """
        A message with header fields in UTF-8, without UTF8 and with it.
        """
        self.server.deliver(
            (
                "From: Hélène <helene@example.org>\r\n"
                "To: josé@example.org\r\n"
                "Subject: Grüße\r\n"
                "Content-Type: text/plain; charset=utf-8\r\n"
                "Content-Transfer-Encoding: 8bit\r\n"
                "\r\n"
                "Grüße\r\n"
                "aus Köln\r\n"
            ).encode()
        )

        self.play("utf8")
