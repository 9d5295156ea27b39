"""
Tests for replies.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.wire.replies import Reply


class ReplyTests(SynchronousTestCase):
    """
    Tests for ``Reply``.
    """

    def test_one_line(self) -> None:
        """
        The enhanced code is shown to those who know it.
        """
        reply = Reply(250, "2.1.0", "Sender ok")

        self.assertEqual(reply.octets(enhanced=False), b"250 Sender ok\r\n")
        self.assertEqual(
            reply.octets(enhanced=True), b"250 2.1.0 Sender ok\r\n"
        )

    def test_several_lines(self) -> None:
        """
        Each line but the last has a hyphen, and each the enhanced code.
        """
        reply = Reply(250, "2.1.5", "<a@b>\n<c@d>\n<e@f>")

        self.assertEqual(
            reply.octets(enhanced=True),
            b"250-2.1.5 <a@b>\r\n250-2.1.5 <c@d>\r\n250 2.1.5 <e@f>\r\n",
        )
        self.assertEqual(
            reply.octets(enhanced=False),
            b"250-<a@b>\r\n250-<c@d>\r\n250 <e@f>\r\n",
        )

    def test_no_enhanced_code(self) -> None:
        """
        3yz and greetings have none.
        """
        reply = Reply(354, None, "Go on")

        self.assertEqual(reply.octets(enhanced=True), b"354 Go on\r\n")

    def test_what_ends_a_connection(self) -> None:
        """
        221 and 421 do, and nothing else.
        """
        last = [
            code
            for code in (220, 221, 250, 354, 421, 451, 500, 554)
            if Reply(code, None, "").is_last
        ]

        self.assertEqual(last, [221, 421])

    def test_refusals(self) -> None:
        """
        4yz and 5yz are.
        """
        refused = [
            code
            for code in (221, 354, 421, 554)
            if Reply(code, None, "").is_refusal
        ]

        self.assertEqual(refused, [421, 554])
