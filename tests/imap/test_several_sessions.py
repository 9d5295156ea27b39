"""
Tests that several sessions on one mailbox each hear the truth, in an order in
which it makes sense.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.support.imap_server import IMAPServer, TimedClient

_NEWS = re.compile(rb"\* ([0-9]+) (EXISTS|EXPUNGE|FETCH)(.*)")
_UID = re.compile(rb"UID ([0-9]+)")
_FLAGS = re.compile(rb"FLAGS \(([^)]*)\)")

#: Commands whose numbers must keep their meaning while they are answered
#: (RFC 9051 7.5.1).
_BY_NUMBER = (b"FETCH", b"STORE", b"SEARCH")


class Reader:
    """
    A client that believes what it is told, and knows nothing else.
    """

    def __init__(self, connection: TimedClient) -> None:
        self._connection = connection
        self._idling = False
        self.uids: list[int | None] = []
        self.flags: dict[int, frozenset[bytes]] = {}
        self.run(b"SELECT INBOX")
        self.learn()

    def run(self, command: bytes) -> None:
        """
        Give a command and take all that is answered.
        """
        self.wake()
        self._connection.send(b"t " + command + b"\r\n")
        self._hear(self._connection.received(), command.split(b" ")[0])

    def idle(self) -> None:
        """
        Begin to idle, if it does not.
        """
        if not self._idling:
            self.run(b"IDLE")
            self._idling = True

    def wake(self) -> None:
        """
        Take what was told in IDLE, and end it.
        """
        if self._idling:
            self._idling = False
            self._connection.send(b"DONE\r\n")
            self._hear(self._connection.received(), b"IDLE")

    def learn(self) -> None:
        """
        Ask for the UIDs and flags of messages that were only counted.
        """
        while None in self.uids:
            first = self.uids.index(None) + 1
            self.run(b"FETCH %d:* (UID FLAGS)" % first)
            if None in self.uids:
                # They are gone, and that could not be told.
                self.run(b"NOOP")

    def _hear(self, octets: bytes, command: bytes) -> None:
        for line in octets.splitlines():
            assert b"Internal error" not in line
            assert not line.startswith(b"t BAD"), line
            found = _NEWS.match(line)
            if found is not None:
                self._believe(int(found[1]), found[2], found[3], command)

    def _believe(
        self, number: int, what: bytes, rest: bytes, command: bytes
    ) -> None:
        match what:
            case b"EXISTS":
                assert number >= len(self.uids)
                self.uids += [None] * (number - len(self.uids))
            case b"EXPUNGE":
                assert command not in _BY_NUMBER
                uid = self.uids.pop(number - 1)
                if uid is not None:
                    del self.flags[uid]
            case b"FETCH":
                self._fetched(number, rest)

    def _fetched(self, number: int, items: bytes) -> None:
        found = _UID.search(items)
        if found is not None:
            uid = int(found[1])
            assert self.uids[number - 1] in (None, uid)
            self.uids[number - 1] = uid
        known = self.uids[number - 1]
        flags = _FLAGS.search(items)
        if flags is not None and known is not None:
            named = frozenset(flags[1].split()) - {b"\\Recent"}
            self.flags[known] = named


def _some(reader: Reader, first: int, length: int) -> bytes:
    """
    A range of numbers that the client knows.
    """
    first = first % len(reader.uids) + 1
    return b"%d:%d" % (first, min(first + length, len(reader.uids)))


def _append(reader: Reader, first: int, length: int) -> None:
    reader.run(b"APPEND INBOX {6+}\r\na: b\r\n")


def _numbered(template: bytes) -> Callable[[Reader, int, int], None]:
    def run(reader: Reader, first: int, length: int) -> None:
        # What it hears on leaving IDLE may change the numbers.
        reader.wake()
        if reader.uids:
            reader.run(template % _some(reader, first, length))

    return run


def _plain(command: bytes) -> Callable[[Reader, int, int], None]:
    return lambda reader, first, length: reader.run(command)


ACTIONS = (
    _append,
    _append,
    _numbered(b"STORE %b +FLAGS (\\Deleted)"),
    _numbered(b"STORE %b FLAGS (\\Flagged)"),
    _numbered(b"STORE %b -FLAGS (\\Deleted)"),
    _numbered(b"FETCH %b (UID FLAGS)"),
    _numbered(b"SEARCH %b"),
    _numbered(b"COPY %b INBOX"),
    _numbered(b"MOVE %b INBOX"),
    _numbered(b"MOVE %b Trash"),
    _plain(b"UID FETCH 1:* (FLAGS)"),
    _plain(b"UID STORE 2:* +FLAGS ($x)"),
    _plain(b"EXPUNGE"),
    _plain(b"UID EXPUNGE 1:*"),
    _plain(b"NOOP"),
    lambda reader, first, length: reader.idle(),
)

STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(ACTIONS),
        st.integers(0, 20),
        st.integers(0, 3),
    ),
    max_size=40,
)


class SeveralSessionsTests(SynchronousTestCase):
    """
    Tests for three clients that have the same mailbox selected.
    """

    @settings(max_examples=120, deadline=None)
    @given(STEPS)
    def test_all_end_with_the_truth(
        self,
        steps: list[tuple[int, Callable[[Reader, int, int], None], int, int]],
    ) -> None:
        """
        Whatever they do, and in whatever order: each hears of every message,
        knows its flags, and never takes one for another.
        """
        server = IMAPServer()
        for _ in range(3):
            server.append()
        readers = [Reader(server.logged_in()) for _ in range(3)]

        for reader, action, first, length in steps:
            action(readers[reader], first, length)
            server.clock.advance(0)
            if action is not ACTIONS[-1]:
                readers[reader].learn()

        for reader in readers:
            reader.run(b"NOOP")
            reader.learn()
        truth = Reader(server.logged_in())
        for reader in readers:
            self.assertEqual(reader.uids, truth.uids)
            self.assertEqual(reader.flags, truth.flags)
