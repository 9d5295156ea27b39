"""
A client that believes what it is told: one session's picture of a mailbox,
kept from untagged responses alone, and every contradiction noticed.
"""

from __future__ import annotations

import re
import socket

from tests.support.suite import RunningSuite

_LITERAL = re.compile(rb"\{([0-9]+)\}\r\n\Z")
_NEWS = re.compile(rb"\* ([0-9]+) (EXISTS|EXPUNGE|FETCH)\b")
_UID = re.compile(rb"\bUID ([0-9]+)")
_FLAGS = re.compile(rb"\bFLAGS \(([^)]*)\)")


class Contradiction(Exception):
    """
    What the server said does not fit what it said before.
    """


class PictureKeeper:
    """
    A session with INBOX selected.

    :ivar uids: by sequence number, less one; None where it was not told.
    :ivar flags: by UID, of messages whose flags are known.
    """

    def __init__(self, suite: RunningSuite, user: str = "alice") -> None:
        self._socket = socket.create_connection(
            ("127.0.0.1", suite.port("imap")), 60
        )
        self._stream = self._socket.makefile("rb")
        self._stream.readline()
        self._tag = 0
        self.uids: list[int | None] = []
        self.flags: dict[int, frozenset[bytes]] = {}
        self.command(
            b"LOGIN %b %b" % (user.encode(), suite.password(user).encode())
        )
        self.select()

    def select(self) -> None:
        """
        Forget the picture, and take a new one.
        """
        self.uids, self.flags = [], {}
        self.command(b"SELECT INBOX")
        self.command(b"FETCH 1:* (UID FLAGS)")

    def close(self) -> None:
        """
        Hang up.
        """
        self._stream.close()
        self._socket.close()

    def command(self, text: bytes) -> bytes:
        """
        Send a command and take its news.

        :return: the tagged response, less the tag.
        :raises Contradiction: something does not fit.
        """
        self._tag += 1
        tag = b"c%d " % self._tag
        self._socket.sendall(tag + text + b"\r\n")
        numbered = text.split()[0] in (b"FETCH", b"STORE", b"SEARCH")
        while not (response := self._response()).startswith(tag):
            found = _NEWS.match(response)
            if found is None:
                continue
            if found[2] == b"EXPUNGE" and numbered:
                # RFC 9051 7.5.1
                raise Contradiction(f"EXPUNGE during {text!r}")
            self._take(int(found[1]), found[2], response)
        return response[len(tag) :]

    def _response(self) -> bytes:
        response = self._stream.readline()
        while found := _LITERAL.search(response):
            response += self._stream.read(int(found[1]))
            response += self._stream.readline()
        if not response.endswith(b"\r\n"):
            raise Contradiction("the connection ended")
        return response

    def _take(self, number: int, what: bytes, response: bytes) -> None:
        if what == b"EXISTS":
            if number < len(self.uids):
                raise Contradiction(f"{len(self.uids)} shrank: {response!r}")
            self.uids += [None] * (number - len(self.uids))
            return
        if number > len(self.uids):
            raise Contradiction(f"of {len(self.uids)}: {response!r}")
        if what == b"EXPUNGE":
            del self.uids[number - 1]
            return
        self._take_fetch(number, response)

    def _take_fetch(self, number: int, response: bytes) -> None:
        known = self.uids[number - 1]
        if found := _UID.search(response):
            uid = int(found[1])
            if known not in (None, uid):
                raise Contradiction(f"was {known}: {response!r}")
            known = self.uids[number - 1] = uid
        if known is not None and (found := _FLAGS.search(response)):
            flags = frozenset(found[1].split()) - {b"\\Recent"}
            self.flags[known] = flags
