"""
The control socket: how ``mailsuite`` commands reach a running suite.

A client sends one line of JSON, ``{"operation": ..., "arguments": {...}}``, and
gets one back, ``{"result": ...}`` or ``{"error": "..."}``.  The socket lies in
the state folder with mode 0600: who can open it may do everything.

Implementation notes

- Nothing of Twisted is imported here: a command that asks is done in a quarter
  of the time that the suite takes to be read.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import msgspec

SOCKET_NAME = "control.socket"

_CLIENT_SECONDS = 600.0

#: Arguments and results are what JSON can carry.
Plain = Any


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
