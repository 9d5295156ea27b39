"""
A mail server that counts: which message came for whom, how often, and when.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import BinaryIO

_NUMBER = re.compile(rb"^X-Number: (\d+)\r$", re.MULTILINE)
_PATH = re.compile(rb"<([^>]*)>")

_EHLO = b"250-peer.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n"

#: How often a recipient is refused for the moment, and how often the answer to
#: a message is late, and by how many seconds at most.
_REFUSED = 0.05
_LATE = 0.2
_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Copy:
    """
    A message for somebody, and what it is counted by.
    """

    number: int
    recipient: str


class CountingPeer:
    """
    Takes mail on loopback, in threads of its own.

    :ivar port: where.
    :ivar life: of the server that sends; told by the test.
    :ivar came: of each copy, in which lives it came.
    """

    def __init__(self, seed: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=500)
        self.port: int = self._listener.getsockname()[1]
        self.life = 0
        self.came: dict[Copy, list[int]] = defaultdict(list)
        self._chance = Random(seed)
        self._lock = threading.Lock()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """
        Take no more connections.
        """
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # An answer to a server that was killed in between must not be
            # taken for one to the next: the life is the connection's.
            threading.Thread(
                target=self._talk, args=(connection, self.life), daemon=True
            ).start()

    def _talk(self, connection: socket.socket, life: int) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                connection.sendall(b"220 peer.test\r\n")
                self._listen(connection, life)
            except OSError:
                pass

    def _listen(self, connection: socket.socket, life: int) -> None:
        reader = connection.makefile("rb")
        recipients: list[str] = []
        while line := reader.readline():
            match line[:4].upper():
                case b"EHLO":
                    reply = _EHLO
                case b"RCPT":
                    reply = self._recipient(line, recipients)
                case b"DATA" if recipients:
                    connection.sendall(b"354 go on\r\n")
                    content = _content(reader)
                    if content is None:
                        return
                    self._took(content, recipients, life)
                    recipients = []
                    reply = b"250 2.0.0 taken\r\n"
                case b"DATA":
                    reply = b"554 5.5.1 for whom?\r\n"
                case b"QUIT":
                    connection.sendall(b"221 bye\r\n")
                    return
                case b"RSET":
                    recipients = []
                    reply = b"250 2.0.0 ok\r\n"
                case _:
                    reply = b"250 2.0.0 ok\r\n"
            connection.sendall(reply)

    def _recipient(self, line: bytes, recipients: list[str]) -> bytes:
        with self._lock:
            refused = self._chance.random() < _REFUSED
        if refused:
            return b"450 4.2.0 later\r\n"
        found = _PATH.search(line)
        assert found is not None
        recipients.append(found[1].decode())
        return b"250 2.1.5 ok\r\n"

    def _took(self, content: bytes, recipients: list[str], life: int) -> None:
        found = _NUMBER.search(content)
        assert found is not None, content[:500]
        with self._lock:
            for recipient in recipients:
                self.came[Copy(int(found[1]), recipient)].append(life)
            late = self._chance.random() < _LATE
            seconds = self._chance.random() * _SECONDS
        if late:
            time.sleep(seconds)


def _content(reader: BinaryIO) -> bytes | None:
    """
    A message's; None if the connection ends before it does.
    """
    lines: list[bytes] = []
    while (line := reader.readline()) != b".\r\n":
        if not line:
            return None
        lines.append(line)
    return b"".join(lines)
