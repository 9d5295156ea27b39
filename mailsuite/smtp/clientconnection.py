"""
The client's end of a connection: replies as they come, octets as they can go.

Implementation notes

- What arrived before a connection ended is read before its end is told: a
  server that takes a message and goes has taken it.
- Replies that nobody asked for are held within bounds, and make the connection
  unusable.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IHandshakeListener,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Client
from twisted.python.failure import Failure
from zope.interface import implementer

from mailsuite.smtp.clienttls import ClientConnections
from mailsuite.smtp.deadline import Deadline
from mailsuite.smtp.wire.failures import BadReply, Lost, TLSFailed
from mailsuite.smtp.wire.peerreplies import PeerReply, ReplyReader

#: Replies that wait to be read: far more than any group of commands has.
_MOST_WAITING = 2048


@implementer(IPushProducer, IHandshakeListener)
class ClientConnection(Protocol):
    """
    One connection to a server.

    :ivar told: called when something happened, and nobody waits here.
    """

    transport: Client

    def __init__(self, clock: IReactorTime) -> None:
        self._deadline = Deadline(clock, self._timed_out)
        self._reader = ReplyReader()
        self._replies: deque[PeerReply] = deque()
        self._waiting: Deferred[None] | None = None
        self._bad: BadReply | None = None
        self._too_late = False
        self._paused = False
        self._shaken = False
        self._why_lost = ""
        self.told: Callable[[], None] = _nothing
        #: Whether it still stands.
        self.open = False

    @property
    def has_reply(self) -> bool:
        """
        Whether something waits to be read, whole or in part.
        """
        return bool(self._replies) or self._reader.begun or bool(self._bad)

    def write(self, octets: bytes) -> None:
        """
        Send, in one piece.
        """
        if self.open:
            self.transport.write(octets)

    async def reply(
        self, seconds: float, step: str, *, after_data: bool = False
    ) -> PeerReply:
        """
        The next reply.

        :param step: what it is the answer to, for the error.
        :param after_data: a message may have been taken.
        :raises Lost: there is none, within ``seconds``; the connection is
            gone.
        :raises BadReply: it is none.
        """
        while True:
            reply = self.reply_now(step, after_data=after_data)
            if reply is not None:
                return reply
            await self._wait(seconds, step, after_data)

    def reply_now(self, step: str, *, after_data: bool) -> PeerReply | None:
        """
        As ``reply``; None if it has not come yet.
        """
        if self._replies:
            self._deadline.clear()
            return self._replies.popleft()
        if self._bad is not None:
            raise self._bad
        if not self.open or self._too_late:
            raise self._lost(step, after_data)
        return None

    def expect_within(self, seconds: float) -> None:
        """
        If nothing has come by then, the connection is ended, and told so.
        """
        self._deadline.set(seconds)

    async def start_tls(
        self, connections: ClientConnections, seconds: float
    ) -> SSL.Connection:
        """
        Shake hands.

        :raises TLSFailed: that failed, or octets in clear came behind the
            answer to STARTTLS (somebody else's, perhaps).
        """
        if self.has_reply:
            raise TLSFailed("octets in clear before TLS began")
        self.transport.startTLS(connections)
        try:
            while not self._shaken:
                await self._wait(seconds, "TLS handshake", False)
        except Lost as lost:
            text = str(lost) if lost.timed_out else self._why_lost
            raise TLSFailed(f"TLS handshake failed: {text}") from lost
        handle = self.transport.getHandle()
        assert isinstance(handle, SSL.Connection)
        return handle

    def start_streaming(self) -> None:
        """
        From here on ``drained`` waits for a slow network.
        """
        if self.open:
            self.transport.registerProducer(self, True)

    def stop_streaming(self) -> None:
        """
        No more than a little comes now.
        """
        self._paused = False
        if self.open:
            self.transport.unregisterProducer()

    async def drained(self, seconds: float) -> None:
        """
        The network can take more.

        :raises Lost: it took nothing for so long; or the connection is gone.
        """
        while self._paused and not self.has_reply:
            await self._wait(seconds, "content", False)
        if not self.open and not self.has_reply:
            raise self._lost("content", False)

    async def close(self, seconds: float) -> None:
        """
        End it in order; with force if that is not done in time.  It is gone
        on return.
        """
        if self.open:
            self.transport.loseConnection()
        while self.open:
            try:
                await self._wait(seconds, "closing", False)
            except Lost:
                return

    def abort(self) -> None:
        """
        End it at once.
        """
        if self.open:
            self.transport.abortConnection()

    async def _wait(self, seconds: float, step: str, after_data: bool) -> None:
        """
        Something happened.
        """
        if not self.open or self._too_late:
            raise self._lost(step, after_data)
        self._deadline.set(seconds)
        self._waiting = Deferred()
        try:
            await self._waiting
        finally:
            self._waiting = None
            self._deadline.clear()

    def _lost(self, step: str, after_data: bool) -> Lost:
        return Lost(step, after_data=after_data, timed_out=self._too_late)

    def _wake(self) -> None:
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.callback(None)
        else:
            self.told()

    def _timed_out(self) -> None:
        self._too_late = True
        self.abort()
        self._wake()

    # What Twisted calls.

    def connectionMade(self) -> None:
        """
        It stands.
        """
        self.open = True
        self.transport.setTcpNoDelay(True)

    def handshakeCompleted(self) -> None:  # noqa: N802 - the name is Twisted's
        """
        TLS is in force.
        """
        self._shaken = True
        self._wake()

    def dataReceived(self, data: bytes) -> None:
        """
        Octets arrived.
        """
        if self._bad is not None:
            return
        try:
            self._replies.extend(self._reader.feed(data))
            if len(self._replies) > _MOST_WAITING:
                raise BadReply("replies that nobody asked for")
        except BadReply as bad:
            self._bad = bad
            self.abort()
        if self._replies or self._bad:
            self._wake()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """
        It is gone.
        """
        self.open = False
        self._why_lost = _why(reason)
        self._deadline.stop()
        self._wake()

    def pauseProducing(self) -> None:
        """
        The network is slower than we are.
        """
        self._paused = True

    def resumeProducing(self) -> None:
        """
        It can take more.
        """
        self._paused = False
        self._wake()

    def stopProducing(self) -> None:
        """
        The connection ends; ``connectionLost`` tells.
        """


def _nothing() -> None:
    """
    Nobody has to be told.
    """


def _why(reason: Failure) -> str:
    if isinstance(reason.value, SSL.Error):
        # A list of (library, function, reason), the last one being the cause.
        errors = reason.value.args[0] if reason.value.args else ()
        if errors:
            return str(errors[-1][2])
    return "connection lost"
