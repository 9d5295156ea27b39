"""
Tests for ``mailsuite.transfer.remaking``.
"""

from __future__ import annotations

from dataclasses import replace

from mailsuite.transfer.outcome import Outcome
from mailsuite.transfer.outgoing import Outgoing
from tests.support.queueing import (
    BOB,
    DAVE,
    DEFERRED,
    MINUTE,
    SENT,
    QueueTestCase,
    now,
)

FIELDS = (
    b"Return-Path: <>\r\nSubject: size\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n\r\n"
)
EIGHT = FIELDS + "Größe\r\n".encode()


class RemakingTests(QueueTestCase):
    """
    Hosts that take seven bits alone.
    """

    def setUp(self) -> None:
        super().setUp()
        self.remade: list[Outgoing | None] = []
        self.patch(self.elsewhere, "deliver", self.picky)
        self.deliver = type(self.elsewhere).deliver

    async def picky(self, outgoing: Outgoing) -> dict[int, Outcome]:
        """
        Have the message remade, and take it.
        """
        if outgoing.remade is not None:
            self.remade.append(await outgoing.remade())
            if self.remade[-1] is not None:
                outgoing = self.remade[-1]
        return await self.deliver(self.elsewhere, outgoing)

    def add(self, content: bytes, **given: object) -> str:
        """
        Queue a message for Bob that was signed.
        """
        arrival = self.mail.arrival(BOB, content=content)
        arrival = replace(
            arrival,
            prefix=b"Received: here\r\nDKIM-Signature: old\r\n",
            **given,
        )
        now(self.mail.queue.add(arrival))
        return arrival.queue_id

    def test_in_seven_bits_and_signed_anew(self) -> None:
        """
        The body is the same, our signature a new one.
        """
        self.add(EIGHT)

        ((_, octets),) = self.elsewhere.taken
        self.assertTrue(octets.isascii())
        self.assertTrue(octets.startswith(b"DKIM-Signature: "))
        self.assertEqual(octets.count(b"DKIM-Signature"), 1)
        self.assertIn(b"\r\nReceived: here\r\n", octets)
        self.assertTrue(octets.endswith(b"\r\n\r\nR3LDtsOfZQ0K\r\n"))
        self.assertEqual(self.mail.files(), [])

    def test_made_once(self) -> None:
        """
        Later attempts, and those after a restart, have the second content.
        """
        self.elsewhere.says[BOB] = DEFERRED
        queue_id = self.add(EIGHT)
        self.assertIn(f"{queue_id}.2.m", self.mail.files())
        self.again()
        self.elsewhere.says[BOB] = SENT
        self.clock.advance(5 * MINUTE)

        self.assertEqual(len(self.remade), 1)
        self.assertTrue(self.elsewhere.taken[0][1].isascii())
        self.assertEqual(self.mail.files(), [])

    def test_others_keep_what_they_are_sent(self) -> None:
        """
        What a stranger gave to be passed on is not changed.
        """
        origin = replace(self.mail.arrival(BOB).origin, user=None)
        self.add(EIGHT, origin=origin)

        self.assertEqual(self.remade, [None])

    def test_programs_on_this_machine(self) -> None:
        """
        What they send begins its way here too, with no login.
        """
        origin = replace(
            self.mail.arrival(BOB).origin, user=None, listener="local"
        )
        self.add(EIGHT, origin=origin)

        self.assertTrue(self.elsewhere.taken[0][1].isascii())

    def test_cannot_be_made(self) -> None:
        """
        Header fields beyond ASCII cannot be said in seven bits.
        """
        self.add("Subject: Größe\r\n\r\n".encode(), skip=0)

        self.assertEqual(self.remade, [None])

    def test_several_domains(self) -> None:
        """
        Two hosts that want it have it made once.
        """
        self.mail.add(BOB, DAVE, content=EIGHT)

        self.assertEqual(len(self.elsewhere.taken), 2)
        self.assertEqual(self.mail.files(), [])
