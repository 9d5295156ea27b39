"""
Our client and our server talk to each other.
"""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.client import ClientMessage, SMTPClient
from mailsuite.smtp.listener import Purpose
from mailsuite.smtp.wire.peerreplies import PeerReply
from tests.support.dialogs import MemoryClient
from tests.support.memory_reception import MemoryReception
from tests.support.smtp_client import CONDUCT, Peer, message
from tests.support.smtp_server import MemoryServer

_CONTENTS = st.lists(
    st.tuples(
        st.lists(
            st.sampled_from([b"", b".", b"..", b".x", b"x" * 300, b"QUIT"]),
            max_size=6,
        ),
        # Small, and large enough to be sent in pieces.
        st.sampled_from([1, 1, 1, 2000]),
    ).map(lambda made: b"".join(line + b"\r\n" for line in made[0]) * made[1]),
    min_size=1,
    max_size=5,
)


class Both:
    """
    A client of ours connected to a server of ours.
    """

    def __init__(self, purpose: Purpose, reception: MemoryReception) -> None:
        lmtp = purpose is Purpose.LMTP
        self.peer = Peer(dataclasses.replace(CONDUCT, lmtp=lmtp))
        self.server: MemoryClient = MemoryServer(purpose, reception).connect()
        self.peer.accept()
        self.pump()
        clients: list[SMTPClient] = []
        self.peer.connecting.addCallback(clients.append)
        (self.client,) = clients

    def pump(self) -> None:
        """
        Carry octets to and fro until nobody says anything.
        """
        while True:
            said, heard = self.peer.heard(), self.server.received()
            if not said and not heard:
                return
            if said:
                self.server.send(said)
            if heard:
                self.peer.say_octets(heard)

    def send(self, messages: list[ClientMessage]) -> list[list[PeerReply]]:
        """
        All of them, each as soon as it may be.
        """
        replies: list[list[PeerReply]] = []
        left = list(messages)

        async def one(sent: ClientMessage) -> None:
            replies.append(list(await self.client.send(sent)))

        sending: list[Deferred[None]] = []
        while left:
            while left and self.client.ready:
                sending.append(Deferred.fromCoroutine(one(left.pop(0))))
            answered = len(replies)
            self.pump()
            if len(replies) == answered:
                break
        for sent in sending:
            # What is still under way never ends: both wait.
            sent.cancel()
            sent.addErrback(lambda failure: None)
        return replies


class BothSidesTests(SynchronousTestCase):
    """
    What the one sends is what the other takes.
    """

    def exchange(self, purpose: Purpose, contents: list[bytes]) -> None:
        """
        Send them, to bob who is here and nobody who is not.
        """
        reception = MemoryReception("bob@hamburger.edu")
        reception.size_limit = 10_000_000
        both = Both(purpose, reception)

        replies = both.send(
            [message(content, "bob", "nobody") for content in contents]
        )

        self.assertEqual(
            [[reply.code for reply in answer] for answer in replies],
            [[250, 550]] * len(contents),
        )
        self.assertEqual(
            [accepted.content for accepted in reception.accepted], contents
        )
        self.assertTrue(both.client.ready)

    @given(_CONTENTS)
    @settings(max_examples=60, deadline=None)
    def test_chunks(self, contents: list[bytes]) -> None:
        """
        Over BDAT, which our MX offers.
        """
        self.exchange(Purpose.MX, contents)

    @given(_CONTENTS)
    @settings(max_examples=60, deadline=None)
    def test_data(self, contents: list[bytes]) -> None:
        """
        Over DATA, as LMTP has it.
        """
        self.exchange(Purpose.LMTP, contents)
