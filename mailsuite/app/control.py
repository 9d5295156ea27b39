"""
The control socket: how ``mailsuite`` commands reach a running suite.

A client sends one line of JSON, ``{"operation": ..., "arguments": {...}}``, and
gets one back, ``{"result": ...}`` or ``{"error": "..."}``.  The socket lies in
the state folder with mode 0600: who can open it may do everything.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IReactorUNIX
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from mailsuite.app.operations import Plain, UnknownOperation
from mailsuite.errors import MailError

SOCKET_NAME = "control.socket"

#: An import of 100,000 accounts fits.
_MOST_OCTETS = 64 * 1024 * 1024
_CLIENT_SECONDS = 600.0

Perform = Callable[[str, dict[str, Plain]], Awaitable[Plain]]


class Request(msgspec.Struct):
    """
    What a command asks for.
    """

    operation: str
    arguments: dict[str, Any] = {}


class Reply(msgspec.Struct, omit_defaults=True):
    """
    What it gets.
    """

    result: Any = None
    error: str | None = None


class NotRunning(Exception):
    """
    No suite listens in that state folder.
    """


class OperationFailed(Exception):
    """
    The suite could not do it; the text is for the operator.
    """


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


def ask(state: Path, operation: str, arguments: dict[str, Plain]) -> Plain:
    """
    Have the running suite carry out an operation; blocks until it is done.

    :raises NotRunning: there is none.
    :raises OperationFailed: it could not be done.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with connection:
        connection.settimeout(_CLIENT_SECONDS)
        try:
            connection.connect(short_path(state / SOCKET_NAME))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunning(str(state)) from error
        except OSError as error:
            raise OperationFailed(
                f"{state / SOCKET_NAME}: {error.strerror}"
            ) from error
        request = Request(operation, arguments)
        connection.sendall(msgspec.json.encode(request) + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            piece = connection.recv(65536)
            if not piece:
                raise OperationFailed("the suite ended the connection")
            answer += piece
    reply = msgspec.json.decode(answer, type=Reply)
    if reply.error is not None:
        raise OperationFailed(reply.error)
    return reply.result


def short_path(path: Path) -> str:
    """
    A path that fits into the 108 octets of a socket's address.
    """
    text = str(path)
    if len(os.fsencode(text)) < 100:
        return text
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    # The descriptor is needed until the caller's bind or connect is done, and
    # is closed with the process: there is one a process.
    return f"/proc/self/fd/{folder}/{path.name}"
