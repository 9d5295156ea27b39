"""
The suite's end of the control socket; see ``asking``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IReactorUNIX
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from mailsuite.app.asking import SOCKET_NAME, Plain, Reply, Request, short_path
from mailsuite.app.operations import UnknownOperation
from mailsuite.errors import MailError

#: An import of 100,000 accounts fits.
_MOST_OCTETS = 64 * 1024 * 1024

Perform = Callable[[str, dict[str, Plain]], Awaitable[Plain]]


class ControlProtocol(LineOnlyReceiver):
    """
    One command's connection.
    """

    delimiter = b"\n"
    MAX_LENGTH = _MOST_OCTETS
    _log = Logger()

    def __init__(self, perform: Perform) -> None:
        self._perform = perform

    def lineReceived(self, line: bytes) -> None:
        """
        A request arrived.  (Name and case are Twisted's.)
        """
        work = Deferred.fromCoroutine(self._reply(line))
        work.addErrback(self._give_up)

    async def _reply(self, line: bytes) -> None:
        try:
            request = msgspec.json.decode(line, type=Request)
            result = await self._perform(request.operation, request.arguments)
            reply = Reply(result=result)
        except msgspec.DecodeError:
            reply = Reply(error="not a request")
        except UnknownOperation as unknown:
            reply = Reply(error=f"unknown operation {unknown}")
        except MailError as error:
            reply = Reply(error=error.public)
        self._send(reply)

    def _give_up(self, failure: Failure) -> None:
        self._log.failure("Bug while carrying out a command", failure)
        self._send(Reply(error="Internal error; the log has the reason"))

    def _send(self, reply: Reply) -> None:
        assert self.transport is not None
        self.transport.write(msgspec.json.encode(reply) + b"\n")
        self.transport.loseConnection()


class ControlFactory(Factory):
    """
    Makes a ``ControlProtocol`` for each command.
    """

    noisy = False

    def __init__(self, perform: Perform) -> None:
        self._perform = perform

    def buildProtocol(self, addr: object) -> ControlProtocol:
        """
        (Name and case are Twisted's.)
        """
        return ControlProtocol(self._perform)


def listen(
    state: Path, reactor: IReactorUNIX, factory: ControlFactory
) -> IListeningPort:
    """
    Take commands; the socket has mode 0600 from its first moment, and one that
    a killed suite left is removed.  The caller holds the state folder's lock.
    """
    path = state / SOCKET_NAME
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    mask = os.umask(0o177)
    try:
        port: IListeningPort = reactor.listenUNIX(
            short_path(path), factory, mode=0o600
        )
    finally:
        os.umask(mask)
    return port
