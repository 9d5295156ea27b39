"""
Connections to other servers, ready for messages: SMTP's client, and LMTP's.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from twisted.internet.defer import CancelledError
from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
)
from twisted.internet.error import ConnectError, ConnectingCancelledError
from twisted.internet.error import TimeoutError as ConnectTimeout
from twisted.internet.interfaces import IAddress, IReactorTCP, IReactorTime
from twisted.internet.protocol import Factory

from mailsuite.smtp.client import SMTPClient
from mailsuite.smtp.clientconnection import ClientConnection
from mailsuite.smtp.clientlogin import InPool
from mailsuite.smtp.clienttls import client_context
from mailsuite.smtp.opening import Conduct, Opening
from mailsuite.smtp.place import Place
from mailsuite.smtp.wire.failures import ConnectFailed

_CONNECT_SECONDS = 30


class Connector:
    """
    Makes connections.
    """

    def __init__(self, reactor: IReactorTCP, in_pool: InPool) -> None:
        """
        :param reactor: the clock too.
        """
        self._reactor = reactor
        self._clock = IReactorTime(reactor)
        self._in_pool = in_pool
        self._context = client_context()

    async def connect(
        self,
        place: Place,
        conduct: Conduct,
        reached: Callable[[], None] | None = None,
    ) -> SMTPClient:
        """
        A connection over which a transaction can begin.

        :param reached: called once somebody has answered there, before a word
            is said.
        :raises SendingFailed: there is none, and nothing is left of it; nor is
            it when this is cancelled.
        """
        connection = ClientConnection(self._clock)
        six = ":" in place.address
        endpoint = (TCP6ClientEndpoint if six else TCP4ClientEndpoint)(
            self._reactor,
            place.address,
            place.port,
            timeout=_CONNECT_SECONDS,
            bindAddress=(place.source, 0) if place.source else None,
        )
        try:
            await endpoint.connect(_Once(connection))
        except ConnectingCancelledError as cancelled:
            raise CancelledError from cancelled
        except (ConnectError, OSError) as error:
            raise ConnectFailed(_why(error)) from error
        if reached is not None:
            reached()
        opening = Opening(
            connection,
            conduct,
            host=place.name,
            context=self._context,
            in_pool=self._in_pool,
        )
        try:
            opened = await opening.open()
        except BaseException:
            connection.abort()
            raise
        return SMTPClient(connection, place, opened, lmtp=conduct.lmtp)


class _Once(Factory):
    """
    One connection, that the log need not hear of twice.
    """

    noisy = False

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def buildProtocol(self, addr: IAddress | None) -> ClientConnection:
        """
        The TCP connection stands.  (Name and case are Twisted's.)
        """
        return self._connection


def _why(error: ConnectError | OSError) -> str:
    if isinstance(error, ConnectTimeout):
        return "no connection in time"
    number = error.osError if isinstance(error, ConnectError) else error.errno
    if isinstance(number, int):
        return os.strerror(number).lower()
    return "no connection"
