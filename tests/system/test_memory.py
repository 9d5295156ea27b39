"""
How much memory the largest message takes.
"""

from __future__ import annotations

from tests.support.adversary import HardenedTestCase, memory, reset_peak

_OCTETS = 52_000_000

#: Above what an idle suite has.
_BOUND = 40_000_000


class MemoryTests(HardenedTestCase):
    """
    One message just below the limit, in and out.
    """

    def peak(self) -> int:
        """
        The most that there was since the last reset, above idle.
        """
        return memory(self.suite, "VmHWM") - self._octets_before

    def test_in_by_smtp_and_out_by_imap_and_pop3(self) -> None:
        """
        Each takes a fraction of the message's size.
        """
        line = b"Do you like ketchup? How about pickles, then?\r\n"
        content = b"Subject: large\r\n\r\n" + line * (_OCTETS // len(line))
        reset_peak(self.suite)

        self.assertEqual(self.deliver(content)[:3], b"250")
        received = self.peak()
        client = self.logged_in()
        client.send(b"n NOOP\r\nf FETCH 1 (ENVELOPE BODYSTRUCTURE BODY[])\r\n")
        self.assertGreater(client.discard_until(b"f OK"), len(content))
        fetched = self.peak()
        client = self.popped()
        client.send(b"RETR 1\r\n")
        self.assertGreater(client.discard_until(b"."), len(content))
        client.send(b"QUIT\r\n")
        client.rest()
        retrieved = self.peak()

        self.assertLess(received, _BOUND)
        self.assertLess(fetched, _BOUND)
        self.assertLess(retrieved, _BOUND)
