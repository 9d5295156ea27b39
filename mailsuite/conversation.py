"""
One connection: octets from the network to a session, its answers back.

SMTP, POP3 and IMAP differ in their octets (``IWire``) and in what they decide
(``ISession``); how a connection is pumped, paused, encrypted, timed and ended
is the same, and stands here.

Implementation notes

- One event at a time.  What arrives meanwhile waits in the wire's buffer;
  over ``_HIGH_WATER`` of it, reading pauses.
- Answers that follow one another without waiting leave in one write.
- A long answer is an asynchronous iterator of pieces; the next piece is asked
  for when the transport has taken the last.
- Octets that came in clear behind STARTTLS are never acted on: if there are
  any, the session's ``injected`` says what to answer, and the connection ends.
- Time comes from the injected clock; one timer a connection, moved lazily.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
)
from dataclasses import dataclass, field
from functools import partial
from types import coroutine
from typing import Any, TypeVar
from typing import Protocol as Shape

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IHalfCloseableProtocol,
    IOpenSSLServerConnectionCreator,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mailsuite.wire.buffer import NEED_DATA

T = TypeVar("T")

#: Octets of input that may wait before reading pauses.
_HIGH_WATER = 65536

#: Octets of answers that are joined to one write at the most.
_JOIN = 65536


@dataclass(frozen=True, slots=True)
class Close:
    """
    An answer after which we end the connection.
    """

    octets: bytes = b""


@dataclass(frozen=True, slots=True)
class StartTLS:
    """
    An answer after which the connection is encrypted.

    :param injected: what to say, and end, if the client sent more behind its
        command before the handshake.
    """

    octets: bytes
    injected: bytes


@dataclass(frozen=True, slots=True)
class Then:
    """
    An answer, and what is done once it is on its way.
    """

    octets: bytes
    work: Callable[[], Coroutine[Any, Any, None]]


#: What a session answers: octets, nothing, pieces, or a turn of the connection.
Answer = bytes | AsyncIterator[bytes] | Close | StartTLS | Then | None


class IWire(Shape):
    """
    A protocol's octets as events; sans I/O.
    """

    def receive_data(self, octets: bytes) -> None:
        """
        Octets arrived.
        """

    def next_event(self) -> object:
        """
        The next event, or ``NEED_DATA``.
        """

    def pending(self) -> int:
        """
        How many octets wait to be understood.
        """


class ISession(Shape):
    """
    A protocol's decisions.
    """

    @property
    def idle_seconds(self) -> float:
        """
        How long the client may be silent at this point.
        """

    def greet(self) -> Answer:
        """
        What is said first.
        """

    def answer(self, event: object) -> Coroutine[Any, Any, Answer]:
        """
        Carry out one event of the wire: an ``async def``.
        """

    def secured(self) -> None:
        """
        The connection is encrypted from here on; forget what came before.
        """

    def timed_out(self) -> bytes:
        """
        Last words to a client that was silent too long.
        """

    def stopping(self) -> bytes:
        """
        Last words when the suite stops or the account's sessions are ended.
        """

    def broken(self) -> bytes:
        """
        Last words after a bug of ours: a constant.
        """

    def lost(self) -> None:
        """
        The connection is gone; give back what the session holds.
        """


class ITranscript(Shape):
    """
    Somebody who writes down the conversation.
    """

    def client(self, octets: bytes) -> None:
        """
        The client said this.
        """

    def server(self, octets: bytes) -> None:
        """
        We said this.
        """


@dataclass(frozen=True, slots=True)
class Peer:
    """
    Who is at the other end, for a session.

    :param address: its IP address; that of the real client behind a proxy.
    :param loopback: it is on this machine (and so is any proxy's client).
    """

    address: str
    loopback: bool


@dataclass(slots=True)
class Settings:
    """
    What all connections of one listener share.

    :param clock: for timeouts.
    :param tls: for STARTTLS; None if it is not offered.
    :param open_conversations: those that are connected; for an orderly stop.
    """

    clock: IReactorTime
    tls: IOpenSSLServerConnectionCreator | None = None
    open_conversations: set[Conversation] = field(default_factory=set)


@implementer(IPushProducer, IHalfCloseableProtocol)
class Conversation(Protocol):
    """
    One connection of any of the protocols.

    ``build`` makes wire and session when the connection is made, since only
    then the peer is known.
    """

    _log = Logger()

    # Plain or TLS: no annotation of Twisted's names what both can do.
    transport: Any

    def __init__(
        self,
        settings: Settings,
        build: BuildSession,
        transcript: ITranscript | None = None,
    ) -> None:
        self._settings = settings
        self._build = build
        self._transcript = transcript
        self._answering: Deferred[None] | None = None
        self._drained: Deferred[None] | None = None
        self._full = False
        self._paused = False
        self._ending = False
        self._input_ended = False
        self._timer: IDelayedCall | None = None
        self._last_heard = 0.0
        self._wire: IWire
        self._session: ISession

    # --- What Twisted calls ---------------------------------------------------

    def connectionMade(self) -> None:
        """
        Greet the client.  (Name and case are Twisted's.)
        """
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)
        self.transport.registerProducer(self, True)
        self._settings.open_conversations.add(self)
        self._wire, self._session = self._build(self)
        self._heard()
        self._give(self._session.greet())

    def dataReceived(self, data: bytes) -> None:
        """
        Octets arrived.  (Name and case are Twisted's.)
        """
        if self._ending:
            return
        self._last_heard = self._settings.clock.seconds()
        if self._transcript is not None:
            self._transcript.client(data)
        self._wire.receive_data(data)
        if self._answering is None:
            self._pump()
        elif self._wire.pending() > _HIGH_WATER and not self._paused:
            self._paused = True
            self.transport.pauseProducing()

    def readConnectionLost(self) -> None:
        """
        The client will send no more: finish its commands, then end.
        """
        self._input_ended = True
        if self._answering is None:
            self.end(b"")

    def writeConnectionLost(self) -> None:
        """
        The client hears no more.
        """
        self.transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The connection is gone.  (Name and case are Twisted's.)
        """
        self._ending = True
        self._settings.open_conversations.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        drained, self._drained = self._drained, None
        if drained is not None:
            drained.cancel()
        if self._answering is not None:
            self._answering.cancel()
        self._session.lost()

    def pauseProducing(self) -> None:
        """
        The transport has enough to send for now.
        """
        self._full = True

    def resumeProducing(self) -> None:
        """
        The transport takes more.
        """
        self._full = False
        drained, self._drained = self._drained, None
        if drained is not None:
            drained.callback(None)

    def stopProducing(self) -> None:
        """
        The transport takes nothing more; ``connectionLost`` follows.
        """

    # --- What sessions call ---------------------------------------------------

    @property
    def tls(self) -> bool:
        """
        Whether the connection is encrypted.
        """
        return ISSLTransport.providedBy(self.transport)

    @property
    def can_start_tls(self) -> bool:
        """
        Whether STARTTLS can be offered at this moment.
        """
        return self._settings.tls is not None and not self.tls

    def peer(self) -> Peer:
        """
        Who is at the other end.
        """
        address = getattr(self.transport.getPeer(), "host", "") or ""
        loopback = not address or address == "::1" or address.startswith("127.")
        return Peer(address, loopback or address.startswith("::ffff:127."))

    def handle(self) -> object | None:
        """
        The TLS connection object, for channel bindings; None in clear.
        """
        return self.transport.getHandle() if self.tls else None

    def tell(self, octets: bytes) -> None:
        """
        Send what was not asked for (IDLE's news); only between answers.
        """
        self._write(octets)

    @property
    def congested(self) -> bool:
        """
        Whether the client is slow to take what it was sent.
        """
        return self._full

    def heard(self) -> None:
        """
        Begin to count the client's silence anew.
        """
        self._last_heard = self._settings.clock.seconds()

    def end(self, octets: bytes) -> None:
        """
        Say the last words and end the connection; nothing more is read.
        """
        if self._ending:
            return
        self._write(octets)
        self._ending = True
        # TLS does not say goodbye while there is a producer.
        self.transport.unregisterProducer()
        self.transport.loseConnection()
        # What is under way is cancelled by connectionLost.
        # A peer that takes nothing more does not keep the connection.
        self._reset_timer(_LINGER)

    def stop(self) -> None:
        """
        End the conversation in the protocol's words; for an orderly stop.
        """
        self.end(self._session.stopping())

    # --- The pump -------------------------------------------------------------

    def _pump(self) -> None:
        if self._ending or self._answering is not None:
            return
        event = self._wire.next_event()
        if event is NEED_DATA:
            return
        # Most answers wait for nothing, and need no Deferred.
        work = self._answer(event)
        try:
            waited = work.send(None)
        except StopIteration:
            return
        except BaseException:  # noqa: BLE001  # it is handed on whole
            self._give_up(Failure())
            return
        self._answering = Deferred.fromCoroutine(_rest(work, waited))
        self._answering.addErrback(self._give_up)
        self._answering.addCallback(self._go_on)

    def _go_on(self, _: None) -> None:
        self._answering = None
        if self._paused and not self._ending:
            self._paused = False
            self.transport.resumeProducing()
        self._pump()

    async def _answer(self, event: object) -> None:
        joined: list[bytes] = []
        size = 0
        while event is not NEED_DATA and not self._ending:
            answer = await self._answered(event, joined)
            match answer:
                case None:
                    pass
                case bytes():
                    joined.append(answer)
                    size += len(answer)
                case Close(octets):
                    self.end(b"".join([*joined, octets]))
                    return
                case StartTLS(octets, injected):
                    self._write(b"".join(joined))
                    self._start_tls(octets, injected)
                    joined, size = [], 0
                case Then(octets, work):
                    joined.append(octets)
                    self._send_joined(joined)
                    size = 0
                    await work()
                case _:
                    self._write(b"".join(joined))
                    joined, size = [], 0
                    await self._send_pieces(answer)
            if size > _JOIN or self._full:
                self._write(b"".join(joined))
                joined, size = [], 0
                await self._drain()
            if self._paused and self._wire.pending() <= _HIGH_WATER:
                self._paused = False
                self.transport.resumeProducing()
            event = self._wire.next_event()
        self._write(b"".join(joined))
        self._heard()
        if self._input_ended:
            self.end(b"")

    async def _answered(self, event: object, joined: list[bytes]) -> Answer:
        """
        The session's answer; if it has to wait, or fails, what stands in
        ``joined`` is sent first.
        """
        # A Deferred for each event would cost more than many an answer does:
        # so the first step is made by hand.
        work = self._session.answer(event)
        try:
            waited = work.send(None)
        except StopIteration as answered:
            answer: Answer = answered.value
            return answer
        except BaseException:
            self._send_joined(joined)
            raise
        self._send_joined(joined)
        return await _rest(work, waited)

    def _send_joined(self, joined: list[bytes]) -> None:
        self._write(b"".join(joined))
        joined.clear()

    async def _send_pieces(self, pieces: AsyncIterator[bytes]) -> None:
        try:
            async for piece in pieces:
                if self._ending:
                    return
                self._write(piece)
                if self._full:
                    await self._drain()
        finally:
            if isinstance(pieces, AsyncGenerator):
                # What it holds open is given back at once.
                await pieces.aclose()

    async def _drain(self) -> None:
        """
        Wait until the transport takes more.
        """
        if self._full and not self._ending:
            self._drained = Deferred()
            self._heard()
            await self._drained

    def _give(self, answer: Answer) -> None:
        match answer:
            case bytes():
                self._write(answer)
            case Close(octets):
                self.end(octets)

    def _write(self, octets: bytes) -> None:
        if octets and not self._ending:
            if self._transcript is not None:
                self._transcript.server(octets)
            self.transport.write(octets)

    def _start_tls(self, octets: bytes, injected: bytes) -> None:
        if self._wire.pending():
            self.end(injected)
            return
        assert self._settings.tls is not None
        self._write(octets)
        self.transport.startTLS(self._settings.tls)
        self._session.secured()

    def _give_up(self, failure: Failure) -> None:
        if self._ending and failure.check(CancelledError):
            return
        self._log.failure(
            "Bug while answering {peer}", failure, peer=self.peer().address
        )
        self.end(self._session.broken())

    # --- Silence --------------------------------------------------------------

    def _heard(self) -> None:
        self.heard()
        due = self._last_heard + self._session.idle_seconds
        if self._timer is None or self._timer.getTime() > due:
            self._reset_timer(self._session.idle_seconds)

    def _reset_timer(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._settings.clock.callLater(seconds, self._silent)

    def _silent(self) -> None:
        """
        The timer is due: end, or wait for what is left.
        """
        self._timer = None
        if self._ending:
            self.transport.abortConnection()
            return
        waited = self._settings.clock.seconds() - self._last_heard
        left = self._session.idle_seconds - waited
        if self._answering is not None and self._drained is None:
            # We are at work; the client waits for us.
            left = max(left, self._session.idle_seconds)
        if left > 0:
            self._reset_timer(left)
        else:
            self.end(self._session.timed_out())


@coroutine
def _rest(work: Coroutine[Any, Any, T], waited: Any) -> Generator[Any, Any, T]:
    """
    Go on with a coroutine that has begun and waits.
    """
    while True:
        try:
            result = yield waited
        except GeneratorExit:
            work.close()
            raise
        except BaseException as failure:  # noqa: BLE001  # it is the session's
            resume = partial(work.throw, failure)
        else:
            resume = partial(work.send, result)
        try:
            waited = resume()
        except StopIteration as ended:
            value: T = ended.value
            return value


#: Seconds that a peer has to take our last words.
_LINGER = 30.0


class BuildSession(Shape):
    """
    Makes a connection's two halves.
    """

    def __call__(self, conversation: Conversation) -> tuple[IWire, ISession]:
        """
        Called once, when the connection is made.
        """


class ConversationFactory(Factory):
    """
    Builds a ``Conversation`` for each connection, up to a limit.

    :param most: connections at once; one more is refused with ``refusal``.
    :param most_per_address: connections at once from one IP address.
    """

    noisy = False

    def __init__(
        self,
        settings: Settings,
        build: BuildSession,
        *,
        refusal: bytes,
        most: int,
        most_per_address: int,
        transcript: TranscriptOf | None = None,
    ) -> None:
        self.settings = settings
        self._build = build
        self._refusal = refusal
        self._most = most
        self._most_per_address = most_per_address
        self._transcript = transcript
        self._by_address: dict[str, int] = {}

    def buildProtocol(self, addr: object) -> Protocol:
        """
        (Name and case are Twisted's.)
        """
        host = getattr(addr, "host", "") or ""
        count = self._by_address.get(host, 0)
        too_many = len(self.settings.open_conversations) >= self._most
        if too_many or (host and count >= self._most_per_address):
            return _Refusing(self._refusal)
        transcript = self._transcript(host) if self._transcript else None
        self._by_address[host] = count + 1
        return _Counted(self, host, transcript)

    def forget(self, host: str) -> None:
        """
        A connection from that address has ended.
        """
        left = self._by_address.get(host, 1) - 1
        if left:
            self._by_address[host] = left
        else:
            self._by_address.pop(host, None)


class TranscriptOf(Shape):
    """
    Makes the transcript of one connection.
    """

    def __call__(self, host: str) -> ITranscript:
        """
        :param host: the peer's address.
        """


class _Counted(Conversation):
    def __init__(
        self,
        factory: ConversationFactory,
        host: str,
        transcript: ITranscript | None,
    ) -> None:
        super().__init__(factory.settings, factory._build, transcript)
        self._factory = factory
        self._host = host

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Count one connection less.
        """
        self._factory.forget(self._host)
        super().connectionLost(reason)


class _Refusing(Protocol):
    transport: Any  # as above

    def __init__(self, refusal: bytes) -> None:
        self._refusal = refusal

    def connectionMade(self) -> None:
        """
        Say why not, and end.
        """
        self.transport.write(self._refusal)
        self.transport.loseConnection()
