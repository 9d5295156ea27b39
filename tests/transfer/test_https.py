"""
Tests for ``mailsuite.transfer.https``.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from mailsuite.transfer.certificates import Authorities
from mailsuite.transfer.https import (
    HTTPS,
    LONGEST_BODY,
    Answered,
    NoAnswer,
    NotTrusted,
)
from tests.support.authorities import Holder, authority, certificate
from tests.support.memory_resolver import MemoryResolver, records

_HOST = "mta-sts.example.org"
_URL = f"https://{_HOST}/file"


class _Page(Resource):
    """
    One page for every path.
    """

    isLeaf = True  # noqa: N815 - the name is Twisted's

    def __init__(self, answer: Callable[[Request], Any]) -> None:
        super().__init__()
        self.render = answer


class _Endless(Protocol):
    """
    A server that writes header fields without an end.
    """

    def dataReceived(self, data: bytes) -> None:
        """
        The request.
        """
        assert self.transport is not None
        self.transport.write(b"HTTP/1.1 200 OK\r\n")
        self.transport.registerProducer(self, False)  # type: ignore[attr-defined]

    def resumeProducing(self) -> None:
        """
        One field more.
        """
        assert self.transport is not None
        self.transport.write(b"X: " + b"x" * 1000 + b"\r\n")

    def stopProducing(self) -> None:
        """
        The client is gone.
        """


class HTTPSTests(TestCase):
    """
    Tests for ``HTTPS``, against servers on loopback.
    """

    def setUp(self) -> None:
        self.root = authority("root")
        self.holder = certificate([_HOST], self.root)

    def serve(self, factory: Factory, holder: Holder | None = None) -> HTTPS:
        """
        A server with a certificate, and who asks it.
        """
        options = (holder or self.holder).server_options()
        port = reactor.listenSSL(  # type: ignore[attr-defined]
            0, factory, options, interface="127.0.0.1"
        )
        self.addCleanup(port.stopListening)
        file = Path(self.mktemp())
        file.write_bytes(self.root.pem())
        return HTTPS(
            reactor,
            MemoryResolver(records(_HOST, A=["127.0.0.1"])),
            Authorities([str(file)]).judge,
            port=port.getHost().port,
        )

    def page(
        self, answer: Callable[[Request], Any], holder: Holder | None = None
    ) -> HTTPS:
        """
        A server of one page, and who asks it.
        """
        return self.serve(Site(_Page(answer)), holder)

    async def fact(self, asking: Coroutine[Any, Any, Answered]) -> NoAnswer:
        """
        Why there is no answer.
        """
        return await self.assertFailure(
            Deferred.fromCoroutine(asking), NoAnswer
        )

    async def test_get(self) -> None:
        """
        The status, the media type without its parameters, the body.
        """
        seen: list[Request] = []

        def answer(request: Request) -> bytes:
            seen.append(request)
            request.setHeader("Content-Type", "Text/Plain; charset=utf-8")
            return b"How about pickles?"

        answered = await self.page(answer).get(_URL)

        expected = Answered(200, "text/plain", b"How about pickles?")
        self.assertEqual(answered, expected)
        self.assertEqual(seen[0].uri, b"/file")
        self.assertEqual(seen[0].getHeader("host"), _HOST)

    async def test_post(self) -> None:
        """
        The body arrives whole, with its type.
        """
        seen: list[tuple[bytes, str | None]] = []

        def answer(request: Request) -> bytes:
            body = request.content.read()
            seen.append((body, request.getHeader("content-type")))
            request.setResponseCode(201)
            return b""

        body = b"x" * 200_000
        answered = await self.page(answer).post(_URL, body, "a/b")

        self.assertEqual(answered.status, 201)
        self.assertEqual(seen, [(body, "a/b")])

    async def test_no_redirect(self) -> None:
        """
        An answer that leads elsewhere is the answer (RFC 8461 3.3).
        """

        def answer(request: Request) -> bytes:
            request.redirect(_URL.encode())
            return b""

        self.assertEqual((await self.page(answer).get(_URL)).status, 302)

    async def test_another_name(self) -> None:
        """
        A good certificate for another name is not good.
        """
        holder = certificate(["www.example.org"], self.root)
        asked: list[Request] = []
        https = self.page(lambda request: asked.append(request) or b"", holder)

        fact = await self.fact(https.get(_URL))

        self.assertIsInstance(fact, NotTrusted)
        self.assertEqual(asked, [])

    async def test_unknown_authority(self) -> None:
        """
        Nor is one that nobody vouches for.
        """
        holder = certificate([_HOST], authority("root"))
        https = self.page(lambda _: b"", holder)
        self.assertIsInstance(await self.fact(https.get(_URL)), NotTrusted)

    async def test_expired(self) -> None:
        """
        Nor one whose time is over.
        """
        holder = certificate([_HOST], self.root, expired=True)
        https = self.page(lambda _: b"", holder)
        self.assertIsInstance(await self.fact(https.get(_URL)), NotTrusted)

    async def test_longest_body(self) -> None:
        """
        64 kB, and not an octet more.
        """
        bodies = [b"x" * LONGEST_BODY, b"x" * (LONGEST_BODY + 1)]
        https = self.page(lambda _: bodies.pop(0))

        self.assertEqual(len((await https.get(_URL)).body), LONGEST_BODY)
        self.assertEqual(str(await self.fact(https.get(_URL))), "too long")

    async def test_endless_body(self) -> None:
        """
        What has no end is cut off.
        """

        def answer(request: Request) -> int:
            request.write(b"x" * 1_000_000)
            return NOT_DONE_YET

        fact = await self.fact(self.page(answer).get(_URL))
        self.assertEqual(str(fact), "too long")

    async def test_endless_header(self) -> None:
        """
        So is a header section.
        """
        factory = Factory.forProtocol(_Endless)
        fact = await self.fact(self.serve(factory).get(_URL))
        self.assertEqual(str(fact), "too long")

    async def test_cut_body(self) -> None:
        """
        A body that ends before its length is no answer.
        """

        def answer(request: Request) -> int:
            request.setHeader("Content-Length", "100")
            request.write(b"version: STSv1")
            request.loseConnection()
            return NOT_DONE_YET

        await self.fact(self.page(answer).get(_URL))

    async def test_nobody_there(self) -> None:
        """
        No server, no answer.
        """
        https = self.page(lambda _: b"")
        fact = await self.fact(https.get(f"https://{_HOST}:1/file"))
        self.assertEqual(str(fact), "no connection")


class WithoutServerTests(SynchronousTestCase):
    """
    Tests for ``HTTPS`` where nobody answers.
    """

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.https = HTTPS(
            self.reactor,
            MemoryResolver(records(_HOST, A=["192.0.2.1"])),
            lambda _chain, _name: "",
        )

    def asking(self, url: str) -> Deferred[Answered]:
        """
        GET under way.
        """
        return Deferred.fromCoroutine(self.https.get(url))

    def test_standard_port(self) -> None:
        """
        The address is the resolver's, the port the standard one.
        """
        asking = self.asking(_URL)
        asking.addErrback(lambda _: None)
        host, port, *_ = self.reactor.tcpClients[0]
        self.assertEqual((host, port), ("192.0.2.1", 443))
        asking.cancel()

    def test_in_time(self) -> None:
        """
        After a minute nobody waits any more.
        """
        asking = self.asking(_URL)
        self.reactor.advance(59)
        self.assertNoResult(asking)
        self.reactor.advance(2)
        fact = self.failureResultOf(asking, NoAnswer).value
        self.assertEqual(str(fact), "no answer in time")

    def test_no_address(self) -> None:
        """
        A name without addresses has no server.
        """
        asking = self.asking("https://www.example.org/")
        fact = self.failureResultOf(asking, NoAnswer).value
        self.assertEqual(str(fact), "no address")

    def test_in_clear(self) -> None:
        """
        Nothing is asked for in clear, and no nonsense is asked.
        """
        for url in (
            f"http://{_HOST}/",
            "mailto:bob@example.org",
            "https://",
            "https://[/",
            f"https://{_HOST}:x/",
            f"https://{_HOST}/\r\nX: y",
            "https://ex\xe4mple.org/",
        ):
            self.failureResultOf(self.asking(url), NoAnswer)
        self.assertEqual(self.reactor.tcpClients, [])
