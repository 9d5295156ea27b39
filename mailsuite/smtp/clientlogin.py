"""
Logging in to a server that we send through (RFC 4954).

Implementation notes

- A password goes out as it is only to a server that proved who it is; to
  another one by explicit choice alone.  SCRAM tells nobody the password.
- The strongest mechanism that both have is the one that is tried; none after
  it, or somebody between would choose.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from OpenSSL import SSL

from mailsuite.errors import BadExchange
from mailsuite.smtp.clientconnection import ClientConnection
from mailsuite.smtp.wire.failures import (
    BadReply,
    CredentialsRefused,
    CredentialsUnusable,
    ShuttingDown,
)
from mailsuite.smtp.wire.peerreplies import PeerReply
from mailsuite.wire.sasl import decode_base64
from mailsuite.wire.saslclient import ScramClient, plain

_SECONDS = 120

T = TypeVar("T")


class InPool(Protocol):
    """
    Calls a function in a thread where it may be slow.
    """

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """
        What it returns or raises comes back.
        """


@dataclass(frozen=True, slots=True)
class Credentials:
    """
    Whom we are to a server.

    :param clear: the password may be told to a server that did not prove who
        it is, in clear if there is no TLS.
    """

    user: str
    password: str = field(repr=False)
    clear: bool = False


class ClientLogin:
    """
    One login.
    """

    def __init__(
        self,
        connection: ClientConnection,
        credentials: Credentials,
        *,
        in_pool: InPool,
        nonce: str,
    ) -> None:
        """
        :param nonce: for SCRAM; never used again.
        """
        self._connection = connection
        self._credentials = credentials
        self._in_pool = in_pool
        self._nonce = nonce

    async def log_in(
        self,
        mechanisms: frozenset[str],
        *,
        binding: bytes | None,
        trusted: bool,
    ) -> None:
        """
        We are logged in on return.

        :param mechanisms: the server's.
        :param binding: the channel's ``tls-exporter``, None if it has none.
        :param trusted: the server proved who it is.
        :raises CredentialsUnusable: no mechanism will do, or the server broke
            off SCRAM's rules.
        :raises CredentialsRefused: it says no.
        """
        plus = "SCRAM-SHA-256-PLUS" in mechanisms
        if plus and binding is not None:
            await self._scram("SCRAM-SHA-256-PLUS", binding, could_bind=True)
        elif "SCRAM-SHA-256" in mechanisms:
            # RFC 5802 6: "y" only if -PLUS was not offered.
            could_bind = binding is not None and not plus
            await self._scram("SCRAM-SHA-256", None, could_bind=could_bind)
        elif not mechanisms & {"PLAIN", "LOGIN"}:
            raise CredentialsUnusable("no login mechanism in common")
        elif not trusted and not self._credentials.clear:
            raise CredentialsUnusable(
                "the password is not told to a server that is not verified"
            )
        elif "PLAIN" in mechanisms:
            await self._plain()
        else:
            await self._login()

    async def _plain(self) -> None:
        message = plain(self._credentials.user, self._credentials.password)
        self._end(await self._say(b"AUTH PLAIN " + _base64(message)))

    async def _login(self) -> None:
        _continued(await self._say(b"AUTH LOGIN"))
        _continued(await self._say(_base64(self._credentials.user.encode())))
        password = self._credentials.password.encode()
        self._end(await self._say(_base64(password)))

    async def _scram(
        self, mechanism: str, binding: bytes | None, *, could_bind: bool
    ) -> None:
        exchange = ScramClient(
            self._credentials.user,
            self._credentials.password,
            nonce=self._nonce,
            binding=None if binding is None else ("tls-exporter", binding),
            could_bind=could_bind,
        )
        first = f"AUTH {mechanism} ".encode() + _base64(exchange.first)
        challenge = _continued(await self._say(first))
        try:
            slow = exchange.challenged(decode_base64(challenge))
            salted = await self._in_pool(slow.salted)
            final = await self._say(_base64(exchange.final(salted)))
            exchange.proven(decode_base64(_continued(final)))
        except BadExchange as broken:
            self._connection.abort()
            raise CredentialsUnusable(
                "the server did not prove that it knows the password"
            ) from broken
        self._end(await self._say(b""))

    async def _say(self, line: bytes) -> PeerReply:
        self._connection.write(line + b"\r\n")
        reply = await self._connection.reply(_SECONDS, "AUTH")
        if reply.code == 421:
            raise ShuttingDown(reply)
        if reply.refuses:
            raise CredentialsRefused(reply)
        return reply

    def _end(self, reply: PeerReply) -> None:
        if not reply.taken:
            raise BadReply(f"AUTH answered by {reply}")


def exporter_binding(handle: SSL.Connection) -> bytes | None:
    """
    The channel's ``tls-exporter`` (RFC 9266 2); None below TLS 1.3, where it
    would need what cannot be asked for here.
    """
    if handle.get_protocol_version_name() != "TLSv1.3":
        return None
    exported: bytes = handle.export_keying_material(
        b"EXPORTER-Channel-Binding", 32, b""
    )
    return exported


def _base64(octets: bytes) -> bytes:
    return base64.b64encode(octets)


def _continued(reply: PeerReply) -> bytes:
    """
    The challenge, not decoded.
    """
    if reply.code != 334:
        raise BadReply(f"AUTH answered by {reply}")
    return reply.text.encode()
