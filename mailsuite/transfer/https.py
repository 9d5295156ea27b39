"""
Asks web servers of other domains, over HTTPS alone.

Implementation notes

- Names are asked of our own resolver.
- The handshake verifies nothing; the chain is judged as for SMTP when it is
  over (see ``smtp.clienttls``), and only then the agent gets the connection.
- No redirect is followed (RFC 8461 3.3).
- All that a server sends is counted, so that no number of header fields fills
  the memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from OpenSSL import SSL
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    succeed,
)
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    DNSLookupError,
)
from twisted.internet.error import (
    TimeoutError as ConnectTimedOut,
)
from twisted.internet.interfaces import (
    IConsumer,
    IHandshakeListener,
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, ResponseDone
from twisted.web.error import SchemeNotSupported
from twisted.web.http_headers import Headers
from twisted.web.iweb import (
    IAgentEndpointFactory,
    IBodyProducer,
    IResponse,
)
from zope.interface import implementer

from mailsuite.interfaces import IResolver
from mailsuite.mail.dns import Question, RecordType
from mailsuite.smtp.clienttls import ClientConnections, Judge, client_context
from mailsuite.smtp.wire.failures import NotAuthenticated

#: Seconds for everything (RFC 8461 3.3), and for the connection to one
#: address.
_SECONDS = 60
_CONNECT_SECONDS = 15

#: Octets of a body (RFC 8461 3.3), and of all that comes with one.
LONGEST_BODY = 64 * 1024
_MOST_OCTETS = LONGEST_BODY + 32 * 1024

#: Addresses that are tried.
_MOST_ADDRESSES = 4

_STANDARD_PORT = 443


class NoAnswer(Exception):
    """
    There is no answer: no server, no end in time, nonsense, or too much.
    """


class NotTrusted(NoAnswer):
    """
    The server is not authenticated.
    """


@dataclass(frozen=True, slots=True)
class Answered:
    """
    What a server said.

    :param media_type: in lower case, without parameters; empty if unknown.
    """

    status: int
    media_type: str
    body: bytes


class HTTPS:
    """
    Asks web servers.

    :param judge: of their certificates.
    :param port: where servers are for whose port the URL has no word.
    """

    # The reactor offers TCP and time; no one interface says so.
    def __init__(
        self,
        reactor: Any,
        resolver: IResolver,
        judge: Judge,
        *,
        port: int = _STANDARD_PORT,
    ) -> None:
        self._reactor = reactor
        self._resolver = resolver
        self._judge = judge
        self._port = port
        self._context = client_context()

    async def get(self, url: str) -> Answered:
        """
        What a server answers to GET.

        :raises NoAnswer:
        """
        return await self._ask(b"GET", url, {}, None)

    async def post(self, url: str, body: bytes, media_type: str) -> Answered:
        """
        What a server answers to POST.

        :raises NoAnswer:
        """
        fields = {"Content-Type": [media_type]}
        return await self._ask(b"POST", url, fields, _Octets(body))

    async def _ask(
        self,
        method: bytes,
        url: str,
        fields: dict[str, list[str]],
        body: _Octets | None,
    ) -> Answered:
        way = _Way(
            self._reactor,
            self._resolver,
            self._judge,
            self._context,
            self._port,
        )
        asking = Deferred.fromCoroutine(
            self._answer(way, method, url, fields, body)
        )
        timer = self._reactor.callLater(_SECONDS, asking.cancel)
        try:
            return await asking
        except CancelledError:
            if timer.active():
                raise
            raise NoAnswer("no answer in time") from None
        finally:
            if timer.active():
                timer.cancel()
            way.abort()

    async def _answer(
        self,
        way: _Way,
        method: bytes,
        url: str,
        fields: dict[str, list[str]],
        body: _Octets | None,
    ) -> Answered:
        agent = Agent.usingEndpointFactory(self._reactor, way)
        headers = Headers({"User-Agent": ["Mailsuite"], **fields})
        try:
            response = await agent.request(method, url.encode(), headers, body)
            content = await _body(response)
        except (CancelledError, NoAnswer):
            raise
        # The agent's own exceptions have no root of their own, and broken
        # answers raise whatever its parser stumbles over.
        except Exception as error:
            raise _fact(error, too_long=way.overflowed) from error
        return Answered(response.code, _media_type(response), content)


def _fact(error: Exception, *, too_long: bool) -> NoAnswer | CancelledError:
    reasons = [error, *(x.value for x in getattr(error, "reasons", ()))]
    for reason in reasons:
        if isinstance(reason, CancelledError | ConnectingCancelledError):
            return CancelledError()
        if isinstance(reason, NotAuthenticated):
            return NotTrusted(str(reason))
        if isinstance(reason, SSL.Error):
            return NotTrusted("TLS handshake failed")
        if isinstance(reason, SchemeNotSupported):
            return NoAnswer("not an https URL")
        if isinstance(reason, ConnectError | ConnectTimedOut):
            return NoAnswer("no connection")
        if isinstance(reason, DNSLookupError):
            return NoAnswer("no address")
    return NoAnswer("too long" if too_long else "no answer that makes sense")


def _media_type(response: IResponse) -> str:
    values = response.headers.getRawHeaders("Content-Type") or [""]
    kind: str = values[-1].partition(";")[0].strip().lower()
    return kind


@implementer(IAgentEndpointFactory)
class _Way:
    """
    The connection of one request.

    :ivar overflowed: more came through it than may.
    """

    def __init__(
        self,
        reactor: Any,
        resolver: IResolver,
        judge: Judge,
        context: SSL.Context,
        port: int,
    ) -> None:
        self._reactor = reactor
        self._resolver = resolver
        self._judge = judge
        self._context = context
        self._port = port
        self._bounded: _Bounded | None = None

    @property
    def overflowed(self) -> bool:
        return self._bounded is not None and self._bounded.overflowed

    def abort(self) -> None:
        """
        The connection is closed, if there is one.
        """
        if self._bounded is not None:
            self._bounded.abort()

    def endpointForURI(  # noqa: N802 - the name is Twisted's
        self, uri: URI
    ) -> IStreamClientEndpoint:
        """
        Where a URL's server is.
        """
        if uri.scheme != b"https":
            raise SchemeNotSupported(f"not https: {uri.scheme!r}")
        return _Named(self, uri.host.decode("ascii"), uri.port)

    async def connect(
        self, factory: IProtocolFactory, host: str, port: int
    ) -> IProtocol:
        """
        A connection to the first address that takes one, with a server that is
        authenticated.

        :raises NotAuthenticated: it is not.
        """
        port = self._port if port == _STANDARD_PORT else port
        failure: Exception = DNSLookupError(host)
        for address in (await self._addresses(host))[:_MOST_ADDRESSES]:
            kind = TCP6ClientEndpoint if ":" in address else TCP4ClientEndpoint
            endpoint = wrapClientTLS(
                ClientConnections(self._context, host),
                kind(self._reactor, address, port, timeout=_CONNECT_SECONDS),
            )
            try:
                # wrapClientTLS unwraps its own protocol, so it is ours.
                bounding = _Bounding(factory)  # type: ignore[no-untyped-call]  # Twisted's
                bounded: Any = await endpoint.connect(bounding)
            except (ConnectError, ConnectTimedOut) as error:
                failure = error
                continue
            self._bounded = bounded
            handle = await bounded.handshaken
            chain = handle.get_peer_cert_chain(as_cryptography=True)
            self._judge(tuple(chain or ()), host)
            protocol: IProtocol = bounded.wrappedProtocol
            return protocol
        raise failure

    async def _addresses(self, host: str) -> Sequence[str]:
        found: list[str] = []
        for kind in (RecordType.AAAA, RecordType.A):
            answer = await self._resolver.ask(Question(host, kind))
            found += [x for x in answer.records if isinstance(x, str)]
        return found


@implementer(IStreamClientEndpoint)
class _Named:
    """
    A server by its name.
    """

    def __init__(self, way: _Way, host: str, port: int) -> None:
        self._way = way
        self._host = host
        self._port = port

    # The name and the parameter's are Twisted's.
    def connect(
        self,
        protocolFactory: IProtocolFactory,  # noqa: N803
    ) -> Deferred[IProtocol]:
        """
        A connection to it.
        """
        # The agent's factory would have the log tell of each connection.
        quiet: Any = protocolFactory
        quiet.noisy = False
        return Deferred.fromCoroutine(
            self._way.connect(protocolFactory, self._host, self._port)
        )


@implementer(IHandshakeListener)
class _Bounded(ProtocolWrapper):
    """
    Ends a connection through which too much comes.

    :ivar handshaken: fires at the end of the handshake.
    """

    def __init__(
        self, factory: WrappingFactory[_Bounded], wrapped: IProtocol
    ) -> None:
        super().__init__(factory, wrapped)
        self.overflowed = False
        self._received = 0
        self.handshaken: Deferred[SSL.Connection] = Deferred()

    def handshakeCompleted(self) -> None:  # noqa: N802
        """
        The handshake is over.
        """
        # The TLS side's; no interface says that it has one.
        transport: Any = self.transport
        self.handshaken.callback(transport.getHandle())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The connection ended.
        """
        if not self.handshaken.called:
            self.handshaken.errback(reason)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]  # Twisted's

    def dataReceived(self, data: bytes) -> None:
        """
        Octets arrived.
        """
        self._received += len(data)
        if self._received > _MOST_OCTETS:
            self.overflowed = True
            self.abort()
        else:
            self.wrappedProtocol.dataReceived(data)

    def abort(self) -> None:
        """
        Close it at once; it may be closed already.
        """
        if self.transport is not None:
            cast("ITCPTransport", self.transport).abortConnection()


class _Bounding(WrappingFactory):
    protocol = _Bounded
    noisy = False


async def _body(response: IResponse) -> bytes:
    """
    :raises NoAnswer: it is too long.
    """
    gathering = _Gathering()
    response.deliverBody(gathering)
    await gathering.ended
    content = b"".join(gathering.pieces)
    if len(content) > LONGEST_BODY:
        raise NoAnswer("too long")
    return content


class _Gathering(Protocol):
    """
    Gathers a body.

    :ivar ended: fires when it is whole, or with what came between.
    """

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended: Deferred[None] = Deferred(lambda _: None)

    def dataReceived(self, data: bytes) -> None:
        """
        A piece of it.
        """
        self.pieces.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        The end of it, or of the connection.
        """
        if self.ended.called:
            return
        if reason.check(ResponseDone):
            self.ended.callback(None)
        else:
            # What ends with the connection may have been cut (RFC 9112 8).
            self.ended.errback(reason)


@implementer(IBodyProducer)
class _Octets:
    """
    A request's body.
    """

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.length = len(octets)

    def startProducing(  # noqa: N802
        self, consumer: IConsumer
    ) -> Deferred[None]:
        """
        All of it at once.
        """
        consumer.write(self._octets)
        return succeed(None)

    def pauseProducing(self) -> None:
        """
        It is written already.
        """

    def resumeProducing(self) -> None:
        """
        It is written already.
        """

    def stopProducing(self) -> None:
        """
        It is written already.
        """
