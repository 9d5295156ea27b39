"""
A mail server that a test plays: what it offers, says and does is the test's.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, cast

_SECONDS = 60.0

#: Given each command (or ``.`` for the end of data): the reply, None for the
#: usual one, or an empty text to hang up without any.
Script = Callable[[str, "Session"], str | None]


@dataclass
class Session:
    """
    One connection of a client, while it lasts and afterwards.

    :ivar envelope: reverse-path and recipients that were accepted.
    :ivar content: of the message that is being received, as it was sent.
    """

    peer: tuple[str, int]
    tls: bool = False
    commands: list[str] = field(default_factory=list)
    envelope: list[str] = field(default_factory=list)
    content: bytes = b""


@dataclass(frozen=True)
class Taken:
    """
    A message that was answered 250.
    """

    mail: str
    recipients: tuple[str, ...]
    content: bytes
    tls: bool


class ScriptedPeer:
    """
    Listens from the start until ``stop``.

    :ivar sessions: all connections so far.
    :ivar taken: all messages so far.
    """

    def __init__(
        self,
        address: str,
        port: int,
        script: Script = lambda command, session: None,
        *,
        offers: Sequence[str] = ("PIPELINING", "8BITMIME"),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.sessions: list[Session] = []
        self.taken: list[Taken] = []
        self._script = script
        self._offers = list(offers)
        self._tls = tls
        self._listening = socket.create_server((address, port))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """
        Take no more connections.
        """
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(_SECONDS)

    def commands(self, verb: str) -> list[str]:
        """
        All commands of a kind, of all connections.
        """
        return [
            command
            for session in self.sessions
            for command in session.commands
            if command.upper().startswith(verb)
        ]

    # --- The conversation -----------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                connection, peer = self._listening.accept()
            except OSError:
                return
            connection.settimeout(_SECONDS)
            session = Session(peer[:2])
            self.sessions.append(session)
            threading.Thread(
                target=self._serve, args=(connection, session), daemon=True
            ).start()

    def _serve(self, connection: socket.socket, session: Session) -> None:
        try:
            with connection:
                self._talk(connection, session)
        except (OSError, EOFError):
            # The client, or the script, hung up.
            return

    def _talk(self, connection: socket.socket, session: Session) -> None:
        stream = cast(BinaryIO, connection.makefile("rwb", buffering=0))
        self._say(stream, self._script("CONNECT", session) or "220 ready")
        envelope = session.envelope
        while True:
            command = self._line(stream)
            session.commands.append(command)
            verb = command.partition(" ")[0].upper()
            reply = self._script(command, session)
            if reply is None:
                reply = self._usual(verb, session)
            self._say(stream, reply)
            if verb in ("MAIL", "RCPT") and reply.startswith("25"):
                envelope.append(command.partition(":")[2])
            elif verb == "RSET":
                envelope.clear()
            elif verb == "DATA" and reply.startswith("354"):
                self._take(stream, session)
            elif verb == "STARTTLS" and reply.startswith("220"):
                assert self._tls is not None
                secured = self._tls.wrap_socket(connection, server_side=True)
                stream = cast(BinaryIO, secured.makefile("rwb", buffering=0))
                session.tls = True
            elif verb == "QUIT" or reply.startswith("421"):
                return

    def _take(self, stream: BinaryIO, session: Session) -> None:
        lines = []
        while (line := stream.readline()) != b".\r\n":
            if not line:
                raise EOFError
            lines.append(line.removeprefix(b"."))
        session.content = b"".join(lines)
        reply = self._script(".", session)
        reply = "250 taken" if reply is None else reply
        if reply.startswith("250"):
            sender, *recipients = session.envelope
            self.taken.append(
                Taken(sender, tuple(recipients), session.content, session.tls)
            )
        session.envelope.clear()
        self._say(stream, reply)

    def _usual(self, verb: str, session: Session) -> str:
        match verb:
            case "EHLO":
                offers = list(self._offers)
                if self._tls and not session.tls:
                    offers.append("STARTTLS")
                return "\r\n".join(
                    [*(f"250-{one}" for one in ["peer", *offers]), "250 HELP"]
                )
            case "DATA":
                some = len(session.envelope) > 1
                return "354 go on" if some else "503 5.5.1 no recipients"
            case "STARTTLS":
                return "220 go on"
            case "QUIT":
                return "221 bye"
            case _:
                return "250 ok"

    def _line(self, stream: BinaryIO) -> str:
        line = stream.readline()
        if not line:
            raise EOFError
        return line.decode("utf-8", "replace").rstrip("\r\n")

    def _say(self, stream: BinaryIO, reply: str) -> None:
        if not reply:
            raise EOFError
        stream.write(f"{reply}\r\n".encode())
