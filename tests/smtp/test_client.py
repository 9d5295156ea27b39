"""
Tests for ``mailsuite.smtp.client`` and what it stands on.
"""

from __future__ import annotations

import dataclasses

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.envelope import Sender
from mailsuite.smtp.client import ClientMessage, SMTPClient
from mailsuite.smtp.wire.failures import (
    BadReply,
    BrokenContent,
    Lost,
    NotOffered,
    ShuttingDown,
)
from mailsuite.smtp.wire.peerreplies import PeerReply
from tests.support.dialogs import dialog
from tests.support.memory_content import MemoryContent
from tests.support.slicing import every_slicing
from tests.support.smtp_client import (
    CONDUCT,
    Peer,
    message,
    opened,
    play_server,
)

_LARGE = (b"." + b"x" * 76 + b"\r\n") * 3000
_READY = ("250 sender", "250 recipient", "354 go")


def sending(
    client: SMTPClient, sent: ClientMessage
) -> Deferred[tuple[PeerReply, ...]]:
    """
    A message under way.
    """
    return Deferred.fromCoroutine(client.send(sent))


def streamed(content: MemoryContent) -> ClientMessage:
    """
    A message whose content is read as it goes.
    """
    return dataclasses.replace(message(b""), content=content)


class DialogsTests(SynchronousTestCase):
    """
    Conversations, word for word.
    """

    def play(
        self, name: str, peer: Peer, *messages: ClientMessage
    ) -> list[list[int]]:
        """
        Send the messages as soon as each may be, then QUIT.

        :return: the codes that decided.
        """
        codes: list[list[int]] = []
        left = list(messages)

        async def send(client: SMTPClient, one: ClientMessage) -> None:
            codes.append([reply.code for reply in await client.send(one)])
            await go_on(client)

        async def go_on(client: SMTPClient) -> None:
            if not left and len(codes) == len(messages):
                await client.quit()
            while left and client.ready:
                Deferred.fromCoroutine(send(client, left.pop(0)))

        peer.connecting.addCallback(
            lambda client: Deferred.fromCoroutine(go_on(client))
        )
        peer.accept()
        play_server(dialog(f"smtp/client_{name}"), peer)
        return codes

    def test_course(self) -> None:
        """
        The course's dialogue goes as the course has it.
        """
        content = b"Do you like ketchup?\r\nHow about pickles?\r\n"

        codes = self.play("course", Peer(), message(content))

        self.assertEqual(codes, [[250]])

    def test_pipelining(self) -> None:
        """
        Two messages share a write once one was taken.
        """
        codes = self.play(
            "pipelining",
            Peer(),
            message(b"first\r\n"),
            message(b"second\r\n", "bob", "nobody"),
            message(b"nothing\r\n", "nobody"),
            message(b".dots\r\n"),
        )

        self.assertEqual(codes, [[250], [250, 550], [550], [451]])

    def test_chunking(self) -> None:
        """
        Chunks need no dots, and RSET after a refusal.
        """
        codes = self.play(
            "chunking",
            Peer(),
            message(b".ab\r\n"),
            message(b".\r\n"),
            message(b"c\r\n", "nobody"),
        )

        self.assertEqual(codes, [[250], [552], [550]])

    def test_lmtp(self) -> None:
        """
        Each recipient has an answer.
        """
        codes = self.play(
            "lmtp",
            Peer(dataclasses.replace(CONDUCT, lmtp=True)),
            message(b"hello\r\n", "bob", "nobody", "carol"),
        )

        self.assertEqual(codes, [[250, 550, 452]])


class SendingTests(SynchronousTestCase):
    """
    Tests for ``SMTPClient.send``.
    """

    def codes(self, sent: Deferred[tuple[PeerReply, ...]]) -> list[int]:
        """
        The codes that decided.
        """
        return [reply.code for reply in self.successResultOf(sent)]

    def test_writes(self) -> None:
        """
        Commands are one write; content, end and the next commands another.
        """
        peer, client = opened("PIPELINING")
        sent = sending(client, message(b"one\r\n"))
        commands = peer.one_write()
        peer.say(*_READY)
        self.assertEqual(peer.one_write(), b"one\r\n.\r\n")
        self.assertFalse(client.ready)
        peer.say("250 taken")
        self.assertEqual(self.codes(sent), [250])

        sent = sending(client, message(b"two\r\n"))
        self.assertTrue(client.ready)
        last = sending(client, message(b"three\r\n"))
        self.assertFalse(client.ready)
        self.assertEqual(peer.one_write(), commands)
        peer.say(*_READY)
        self.assertEqual(peer.one_write(), b"two\r\n.\r\n" + commands)
        peer.say("250 taken", *_READY)

        self.assertEqual(self.codes(sent), [250])
        self.assertEqual(peer.one_write(), b"three\r\n.\r\n")
        self.assertTrue(client.past_end)
        peer.say("250 taken")
        self.assertEqual(self.codes(last), [250])
        self.assertEqual(client.taken, 3)

    def test_one_write_a_message(self) -> None:
        """
        Who sends another when the first ends has it in the second's write,
        though the second's replies came in the same segment.
        """
        peer, client = opened("PIPELINING")
        client.taken = 1
        first = sending(client, message(b"one\r\n"))
        sending(client, message(b"two\r\n"))
        commands = peer.one_write()
        peer.say(*_READY)
        self.assertEqual(peer.one_write(), b"one\r\n.\r\n" + commands)
        first.addCallback(lambda _: sending(client, message(b"three\r\n")))

        peer.say("250 taken", *_READY)

        self.assertEqual(peer.one_write(), b"two\r\n.\r\n" + commands)

    def test_any_slicing(self) -> None:
        """
        Where the network cuts the replies makes no difference.
        """
        replies = b"250 a\r\n550-b\r\n550 b\r\n250 c\r\n354\r\n"
        for pieces in every_slicing(replies):
            peer, client = opened("PIPELINING")
            sent = sending(client, message(b".one\r\n", "nobody", "bob"))
            peer.heard()
            for piece in pieces:
                peer.say_octets(piece)
            self.assertEqual(peer.one_write(), b"..one\r\n.\r\n")
            for octet in b"250 taken\r\n":
                peer.say_octets(bytes([octet]))
            self.assertEqual(self.codes(sent), [550, 250])

    def test_behind_the_end(self) -> None:
        """
        A message that comes when the first has gone is begun at once.
        """
        peer, client = opened("PIPELINING")
        client.taken = 1
        sent = sending(client, message(b"one\r\n"))
        commands = peer.heard()
        peer.say(*_READY)
        peer.heard()

        last = sending(client, message(b"two\r\n"))

        self.assertEqual(peer.one_write(), commands)
        peer.say("452 4.3.1 full", "250 sender", "550 no", "503 nobody")
        self.assertEqual(self.codes(sent), [452])
        self.assertEqual(self.codes(last), [550])
        self.assertTrue(client.usable)

    def test_rset(self) -> None:
        """
        After a transaction that was left open, RSET is in front.
        """
        peer, client = opened("PIPELINING")
        sent = sending(client, message(b"one\r\n"))
        peer.say("250 sender", "550 no", "503 nobody")
        self.codes(sent)
        peer.heard()

        sending(client, message(b"two\r\n"))

        self.assertTrue(peer.one_write().startswith(b"RSET\r\nMAIL FROM:"))

    def test_large(self) -> None:
        """
        Large content goes out in pieces, as the network takes it.
        """
        peer, client = opened("PIPELINING")
        content = MemoryContent(_LARGE)
        sent = sending(
            client, dataclasses.replace(message(b""), content=content)
        )
        peer.heard()
        peer.transport.slow = True
        peer.say(*_READY)
        self.assertIsNotNone(peer.transport.producer)
        octets = peer.heard()
        self.assertLess(len(octets), len(_LARGE))
        while not octets.endswith(b"\r\n.\r\n"):
            assert peer.transport.producer is not None
            peer.transport.producer.resumeProducing()
            octets += peer.heard()

        self.assertEqual(
            octets, _LARGE.replace(b"\r\n.", b"\r\n..").join([b".", b".\r\n"])
        )
        self.assertIsNone(peer.transport.producer)
        peer.say("250 taken")
        self.assertEqual(self.codes(sent), [250])
        self.assertFalse(content.closed)

    def test_slow_network(self) -> None:
        """
        A network that takes nothing for three minutes is none; the message
        was not taken.
        """
        peer, client = opened("PIPELINING")
        sent = sending(client, message(_LARGE))
        peer.transport.slow = True
        peer.say(*_READY)
        peer.reactor.advance(179)
        self.assertNoResult(sent)
        peer.reactor.advance(1)

        lost = self.failureResultOf(sent, Lost).value
        self.assertEqual((lost.after_data, lost.timed_out), (False, True))

    def test_large_in_chunks(self) -> None:
        """
        Without PIPELINING each chunk waits for the answer to the last.
        """
        peer, client = opened("CHUNKING")
        sent = sending(client, message(_LARGE))
        peer.heard()
        peer.say("250 sender")
        peer.heard()
        peer.say("250 recipient")
        first = peer.heard()
        self.assertTrue(first.startswith(b"BDAT 131072\r\n"))
        self.assertEqual(len(first), 131072 + 13)
        peer.say("250 chunk")
        last = peer.heard()
        size = len(_LARGE) - 131072
        self.assertTrue(last.startswith(b"BDAT %d LAST\r\n" % size))
        peer.say("250 taken")

        self.assertEqual(self.codes(sent), [250])
        self.assertEqual(first[13:] + last.split(b"\r\n", 1)[1], _LARGE)

    def test_chunk_refused(self) -> None:
        """
        Behind a refused chunk nothing more is sent.
        """
        peer, client = opened("CHUNKING")
        sent = sending(client, message(_LARGE))
        peer.say("250 sender")
        peer.say("250 recipient")
        peer.heard()
        peer.say("552 5.3.4 too large")

        self.assertEqual(self.codes(sent), [552])
        self.assertEqual(peer.heard(), b"")
        self.assertTrue(client.usable)

    def test_refused_in_the_middle(self) -> None:
        """
        A refusal before the end of DATA's content decides; the connection is
        given up.
        """
        peer, client = opened("PIPELINING")
        sent = sending(client, message(_LARGE))
        peer.transport.slow = True
        peer.say(*_READY)
        peer.say("552 5.3.4 too large")

        self.assertEqual(self.codes(sent), [552])
        self.assertFalse(client.usable)
        self.assertTrue(peer.transport.gone)

    def test_ended_in_the_middle(self) -> None:
        """
        421, nonsense or nothing more before the end of the content: it was
        not taken.
        """
        for line, failure in (
            ("421 4.3.2 going", ShuttingDown),
            ("250 taken", BadReply),
            ("", Lost),
        ):
            peer, client = opened("PIPELINING")
            sent = sending(client, message(_LARGE))
            peer.transport.slow = True
            peer.say(*_READY)
            if line:
                peer.say(line)
            else:
                peer.transport.lose()

            failed = self.failureResultOf(sent, failure).value
            self.assertFalse(getattr(failed, "after_data", False))
            self.assertFalse(client.usable)

    def test_broken_content(self) -> None:
        """
        A bare CR or LF, and NUL, never go out, in no slice of any content.
        """
        for bad in (b"a\rb\r\n", b"a\n", b"a\0\r\n", b"a\r"):
            peer, client = opened("PIPELINING")
            sent = sending(client, message(bad))
            self.failureResultOf(sent, BrokenContent)
            self.assertEqual(peer.heard(), b"")
            self.assertTrue(client.usable)

    def test_broken_large_content(self) -> None:
        """
        Found in the middle, it has no end of data.
        """
        for bad in (b"a\nb\r\n", b"a\r"):
            peer, client = opened("PIPELINING")
            sent = sending(client, message(_LARGE + bad))
            peer.heard()
            peer.say(*_READY)

            self.failureResultOf(sent, BrokenContent)
            octets = peer.heard()
            self.assertNotIn(b"\r\n.\r\n", octets)
            self.assertNotIn(b"a\n", octets)
            self.assertTrue(peer.transport.gone)

    def test_content_shrank(self) -> None:
        """
        Content that is shorter than it said has no end either.
        """
        peer, client = opened("PIPELINING")
        content = MemoryContent(_LARGE)
        content.size += 1
        sent = sending(
            client, dataclasses.replace(message(b""), content=content)
        )
        peer.say(*_READY)

        self.failureResultOf(sent, BrokenContent)
        self.assertNotIn(b"\r\n.\r\n", peer.heard())

    def test_lost(self) -> None:
        """
        What was lost before the end of data was not taken; after it, nobody
        knows.
        """
        for replies, after_data in (((), False), (_READY, True)):
            peer, client = opened("PIPELINING")
            sent = sending(client, message(b"one\r\n"))
            if replies:
                peer.say(*replies)
            peer.transport.lose()

            lost = self.failureResultOf(sent, Lost).value
            self.assertEqual(lost.after_data, after_data)
            self.assertFalse(lost.timed_out)
            self.assertFalse(client.usable)

    def test_answer_and_gone(self) -> None:
        """
        An answer counts though the connection is lost right behind it.
        """
        peer, client = opened("PIPELINING")
        sent = sending(client, message(b"one\r\n"))
        peer.say(*_READY)
        peer.transport.protocol.dataReceived(b"250 taken\r\n")
        peer.transport.lose()

        self.assertEqual(self.codes(sent), [250])

    def test_second_is_lost_too(self) -> None:
        """
        With the first, the second is lost; it was never taken.
        """
        peer, client = opened("PIPELINING")
        client.taken = 1
        sent = sending(client, message(b"one\r\n"))
        last = sending(client, message(b"two\r\n"))
        peer.say(*_READY)
        peer.transport.lose()

        self.assertTrue(self.failureResultOf(sent, Lost).value.after_data)
        self.assertFalse(self.failureResultOf(last, Lost).value.after_data)

    def test_times(self) -> None:
        """
        Each answer is waited for as long as RFC 5321 4.5.3.2 says.
        """
        for replies, seconds in (
            ((), 300),
            (_READY[:1], 300),
            (_READY[:2], 120),
            (_READY, 600),
        ):
            peer, client = opened("PIPELINING")
            sent = sending(client, message(b"one\r\n"))
            if replies:
                peer.say(*replies)
            peer.reactor.advance(seconds - 1)
            self.assertNoResult(sent)
            peer.reactor.advance(1)

            self.assertTrue(self.failureResultOf(sent, Lost).value.timed_out)

    def test_shutting_down(self) -> None:
        """
        421 ends all that is under way, and takes nothing of it.
        """
        peer, client = opened("PIPELINING")
        client.taken = 1
        sent = sending(client, message(b"one\r\n"))
        last = sending(client, message(b"two\r\n"))
        peer.say(*_READY, "421 4.3.2 going")

        self.failureResultOf(sent, ShuttingDown)
        self.failureResultOf(last, ShuttingDown)
        self.assertFalse(client.usable)

    def test_unasked(self) -> None:
        """
        What is said to an idle connection ends its use.
        """
        peer, client = opened("PIPELINING")
        peer.say("421 4.4.2 idle for too long")

        self.assertFalse(client.usable)

    def test_bad_reply(self) -> None:
        """
        What is no reply ends the connection.
        """
        peer, client = opened("PIPELINING")
        sent = sending(client, message(b"one\r\n"))
        peer.say("who are you")

        self.failureResultOf(sent, BadReply)
        self.assertTrue(peer.transport.gone)

    def test_flood(self) -> None:
        """
        Replies without end are not gathered.
        """
        peer, client = opened("PIPELINING")
        peer.say_octets(b"250 ok\r\n" * 5000)

        self.assertFalse(client.usable)
        self.assertTrue(peer.transport.gone)

    def test_not_offered(self) -> None:
        """
        What the server lacks is found before a word is said.
        """
        peer, client = opened("PIPELINING")
        sent = sending(
            client, message(b"one\r\n", sender=Sender(None, requiretls=True))
        )

        self.failureResultOf(sent, NotOffered)
        self.assertEqual(peer.heard(), b"")
        self.assertTrue(client.ready)

    def test_cancelled(self) -> None:
        """
        A cancelled message takes the connection with it.
        """
        peer, client = opened("PIPELINING")
        sent = sending(client, message(b"one\r\n"))
        sent.cancel()
        peer.reactor.advance(0)

        self.failureResultOf(sent, CancelledError)
        self.assertTrue(peer.transport.gone)

    def test_cancelled_before_its_turn(self) -> None:
        """
        One that was not begun leaves it to the first.
        """
        peer, client = opened("PIPELINING")
        client.taken = 1
        sent = sending(client, message(b"one\r\n"))
        last = sending(client, message(b"two\r\n"))
        last.cancel()
        self.failureResultOf(last, CancelledError)
        peer.say(*_READY, "250 taken")

        self.assertEqual(self.codes(sent), [250])
        self.assertTrue(client.ready)

    def test_most_messages(self) -> None:
        """
        MAILMAX is kept to (RFC 9422).
        """
        peer, client = opened("PIPELINING", "LIMITS MAILMAX=1")
        sent = sending(client, message(b"one\r\n"))
        peer.say(*_READY, "250 taken")

        self.assertEqual(self.codes(sent), [250])
        self.assertFalse(client.usable)

    def test_quit_without_an_answer(self) -> None:
        """
        QUIT waits ten seconds, then the connection is gone.
        """
        peer, client = opened("PIPELINING")
        quitting = Deferred.fromCoroutine(client.quit())
        peer.reactor.advance(10)
        peer.reactor.advance(0)

        self.successResultOf(quitting)
        self.assertTrue(peer.transport.gone)
