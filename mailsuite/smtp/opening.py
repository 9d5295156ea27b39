"""
The beginning of a connection to a server: greeting, EHLO, STARTTLS, AUTH.
"""

from __future__ import annotations

import dataclasses
import secrets
from dataclasses import dataclass

from OpenSSL import SSL

from mailsuite.smtp.clientconnection import ClientConnection
from mailsuite.smtp.clientlogin import (
    ClientLogin,
    Credentials,
    InPool,
    exporter_binding,
)
from mailsuite.smtp.clienttls import (
    ClientConnections,
    Negotiated,
    TLSDemand,
    TLSMode,
    negotiated,
)
from mailsuite.smtp.wire.capabilities import Capabilities
from mailsuite.smtp.wire.failures import (
    BadReply,
    CredentialsUnusable,
    GreetingRefused,
    HelloRefused,
    ShuttingDown,
    TLSNotOffered,
)
from mailsuite.smtp.wire.peerreplies import PeerReply

# RFC 5321 4.5.3.2.1; EHLO and STARTTLS have no time of their own.
_GREETING_SECONDS = 300
_COMMAND_SECONDS = 300
_HANDSHAKE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Conduct:
    """
    How we behave on a connection.

    :param our_name: for EHLO: a host name of ours, or an address literal.
    :param credentials: None: nobody logs in.
    :param lmtp: LHLO, and an answer for each recipient (RFC 2033).
    """

    our_name: str
    tls: TLSDemand
    credentials: Credentials | None = None
    lmtp: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """
    What came of it.
    """

    capabilities: Capabilities
    tls: Negotiated | None


class Opening:
    """
    The beginning of one connection.
    """

    def __init__(
        self,
        connection: ClientConnection,
        conduct: Conduct,
        *,
        host: str,
        context: SSL.Context,
        in_pool: InPool,
    ) -> None:
        self._connection = connection
        self._conduct = conduct
        self._host = host
        self._context = context
        self._in_pool = in_pool
        self._handle: SSL.Connection | None = None
        self._tls: Negotiated | None = None

    async def open(self) -> Opened:
        """
        On return a transaction can begin.

        :raises SendingFailed: with what came between.
        """
        demand = self._conduct.tls
        if demand.implicit:
            await self._shake_hands()
        await self._greeted()
        capabilities = await self._hello()
        if not demand.implicit and await self._started_tls(capabilities):
            # RFC 3207 4.2: what was said before counts no longer.
            capabilities = await self._hello()
        if self._conduct.credentials is not None:
            await self._log_in(self._conduct.credentials, capabilities)
        return Opened(capabilities, self._tls)

    async def _greeted(self) -> None:
        reply = await self._connection.reply(_GREETING_SECONDS, "greeting")
        if reply.refuses:
            raise GreetingRefused(reply)
        _positive(reply)

    async def _hello(self) -> Capabilities:
        verb = "LHLO" if self._conduct.lmtp else "EHLO"
        reply = await self._say(verb)
        if reply.taken:
            return Capabilities.of(reply)
        if reply.temporary or self._conduct.lmtp:
            raise HelloRefused(reply)
        # RFC 5321 4.1.1.1
        reply = await self._say("HELO")
        if reply.taken:
            return Capabilities()
        raise HelloRefused(reply)

    async def _say(self, verb: str) -> PeerReply:
        return await self._command(f"{verb} {self._conduct.our_name}")

    async def _command(self, line: str) -> PeerReply:
        verb = line.split(" ")[0]
        self._connection.write(f"{line}\r\n".encode())
        reply = await self._connection.reply(_COMMAND_SECONDS, verb)
        if reply.code == 421:
            raise ShuttingDown(reply)
        return reply if reply.refuses else _positive(reply)

    async def _started_tls(self, capabilities: Capabilities) -> bool:
        if self._conduct.tls.mode is TLSMode.NONE:
            return False
        required = self._conduct.tls.mode is TLSMode.REQUIRED
        if not capabilities.starttls:
            if required:
                raise TLSNotOffered("STARTTLS is not offered")
            return False
        reply = await self._command("STARTTLS")
        if reply.refuses:
            if required:
                raise TLSNotOffered("STARTTLS refused", reply)
            return False
        await self._shake_hands()
        return True

    async def _shake_hands(self) -> None:
        demand = self._conduct.tls
        name = demand.server_name or self._host
        handle = await self._connection.start_tls(
            ClientConnections(self._context, name), _HANDSHAKE_SECONDS
        )
        self._handle = handle
        self._tls = negotiated(handle)
        if demand.judge is not None:
            verified = demand.judge(self._tls.chain, name)
            self._tls = dataclasses.replace(self._tls, verified=verified)

    async def _log_in(
        self, credentials: Credentials, capabilities: Capabilities
    ) -> None:
        if not capabilities.mechanisms:
            raise CredentialsUnusable("the server offers no login")
        login = ClientLogin(
            self._connection,
            credentials,
            in_pool=self._in_pool,
            nonce=secrets.token_urlsafe(24),
        )
        handle = self._handle
        await login.log_in(
            capabilities.mechanisms,
            binding=None if handle is None else exporter_binding(handle),
            trusted=self._tls is not None and bool(self._tls.verified),
        )


def _positive(reply: PeerReply) -> PeerReply:
    if not reply.taken:
        raise BadReply(f"neither yes nor no: {reply}")
    return reply
