"""
Tests for ``mailsuite.imap.commands.store``: what dialogues do not show.
"""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from tests.support.imap_server import IMAPServer

_ROW = re.compile(rb"\* ([0-9]+) FETCH \(FLAGS \(([^)]*)\)")


class ManyMessagesTests(SynchronousTestCase):
    """
    STORE on more messages than are told of at once.
    """

    def setUp(self) -> None:
        self.server = IMAPServer()
        for _ in range(2500):
            self.server.append()
        self.client = self.server.logged_in("INBOX")

    def test_all_are_told(self) -> None:
        """
        Each message is told once, in order.
        """
        octets = self.client.ask(b"STORE 1:* +FLAGS (\\Seen)")

        rows = _ROW.findall(octets)
        self.assertEqual(
            rows, [(b"%d" % n, b"\\Seen \\Recent") for n in range(1, 2501)]
        )
        self.assertTrue(octets.endswith(b"\r\nt OK STORE completed\r\n"))

    def test_code_at_the_end(self) -> None:
        """
        The messages that were left alone are named behind the others' rows.
        """
        self.client.ask(b"ENABLE CONDSTORE")
        modseq = self.server.account.found("INBOX").highestmodseq
        self.client.ask(b"STORE 7 +FLAGS (\\Flagged)")

        octets = self.client.ask(
            b"STORE 1:* (UNCHANGEDSINCE %d) +FLAGS (\\Seen)" % modseq
        )

        self.assertEqual(len(_ROW.findall(octets)), 2499)
        self.assertNotIn(b"* 7 FETCH", octets)
        self.assertIn(b"\r\nt OK [MODIFIED 7] ", octets)

    def test_others_get_their_turn(self) -> None:
        """
        The reactor is left between the pieces when they take long.
        """
        ticks = iter(range(1_000_000))
        self.server.clock.seconds = lambda: float(next(ticks))
        self.client.received()

        self.client.send(b"a STORE 1:* +FLAGS (\\Seen)\r\n")
        first = self.client.received()
        for _ in range(10):
            self.server.clock.advance(0)
        rest = self.client.received()

        self.assertEqual(len(_ROW.findall(first)), 1000)
        self.assertEqual(len(_ROW.findall(rest)), 1500)
        self.assertIn(b"a OK STORE completed\r\n", rest)
