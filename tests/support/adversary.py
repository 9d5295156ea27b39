"""
Clients that keep to no protocol, and what a suite must look like after them.
"""

from __future__ import annotations

import atexit
import os
import re
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import TestCase

from tests.support.suite import RunningSuite

_SECONDS = 30.0

#: How much more memory a suite may have after what its clients did, octets.
_GROWTH = 48 << 20

_WORRIES = re.compile(r"Traceback|Unhandled|Bug while|never awaited")


class Adversary:
    """
    A connection on which anything can be said.
    """

    def __init__(self, suite: RunningSuite, protocol: str) -> None:
        """
        Connect, with TLS where the protocol has it from its start.
        """
        address = ("127.0.0.1", suite.port(protocol))
        self._socket = socket.create_connection(address, _SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if protocol in ("submissions", "imaps", "pop3s"):
            self.start_tls()
        self._waiting = b""
        self._ended = False

    def start_tls(self) -> None:
        """
        Shake hands, trusting anybody.
        """
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._socket = context.wrap_socket(self._socket)

    def send_in_clear(self, octets: bytes) -> None:
        """
        Say this below TLS.
        """
        os.write(self._socket.fileno(), octets)

    def end_tls(self) -> None:
        """
        Say goodbye in TLS, and wait for the other end's.
        """
        assert isinstance(self._socket, ssl.SSLSocket)
        self._socket = self._socket.unwrap()

    def send(self, octets: bytes) -> None:
        """
        Say this.
        """
        self._socket.sendall(octets)

    def send_while_taken(self, octets: bytes) -> bool:
        """
        Say this, if need be until the other end has gone.

        :return: whether all of it was taken.
        """
        try:
            self.send(octets)
        except (ConnectionError, TimeoutError, ssl.SSLError):
            return False
        return True

    def line(self) -> bytes:
        """
        The next line, without its end; empty if there will be none.
        """
        while b"\r\n" not in self._waiting:
            if not self._receive():
                line, self._waiting = self._waiting, b""
                return line
        line, _, self._waiting = self._waiting.partition(b"\r\n")
        return line

    def ask(self, octets: bytes) -> bytes:
        """
        Say this and take one line.
        """
        self.send(octets)
        return self.line()

    def until(self, start: bytes) -> list[bytes]:
        """
        Lines up to the one that begins so.
        """
        lines = [self.line()]
        while not lines[-1].startswith(start):
            if self._ended and not self._waiting:
                raise AssertionError(f"no {start!r} in {lines[-20:]!r}")
            lines.append(self.line())
        return lines

    def octets(self, count: int) -> bytes:
        """
        So many octets, whatever they are.
        """
        while len(self._waiting) < count and self._receive():
            pass
        octets, self._waiting = self._waiting[:count], self._waiting[count:]
        return octets

    def discard_until(self, start: bytes) -> int:
        """
        How many octets come before a line that begins so, behind another;
        all are taken.
        """
        count = 0
        mark = b"\r\n" + start
        while (place := self._waiting.find(mark)) < 0:
            count += max(len(self._waiting) - len(mark), 0)
            self._waiting = self._waiting[-len(mark) :]
            if not self._receive():
                raise AssertionError(f"no {start!r}")
        self._waiting = self._waiting[place + 2 :]
        self.line()
        return count + place

    def timeout(self, seconds: float) -> None:
        """
        Wait no longer for the other end from here on.
        """
        self._socket.settimeout(seconds)

    def rest(self) -> bytes:
        """
        All that comes until the other end closes; it must.
        """
        while self._receive():
            pass
        rest, self._waiting = self._waiting, b""
        return rest

    def half_close(self) -> None:
        """
        Send no more.
        """
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """
        Go away.
        """
        self._socket.close()

    def reset(self) -> None:
        """
        Go away without a goodbye.
        """
        linger = b"\1\0\0\0\0\0\0\0"
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._socket.close()

    def _receive(self) -> bool:
        try:
            octets = self._socket.recv(1 << 16)
        except ConnectionError:
            octets = b""
        self._waiting += octets
        self._ended = not octets
        return not self._ended


class HardenedTestCase(TestCase):
    """
    Tests that share a suite, which each must leave as sound as it was.
    """

    timeout = 180

    def setUp(self) -> None:
        """
        Begin with what memory it has.
        """
        self.suite = _shared(type(self))
        self._octets_before = memory(self.suite)
        self.addCleanup(self._is_sound)

    def connect(self, protocol: str) -> Adversary:
        """
        A connection, its greeting taken.
        """
        client = Adversary(self.suite, protocol)
        self.addCleanup(client.close)
        self.assertTrue(client.line())
        return client

    def logged_in(self, protocol: str = "imap") -> Adversary:
        """
        Alice's IMAP session, with INBOX selected.
        """
        client = self.connect(protocol)
        password = self.suite.password("alice").encode()
        client.send(b"a LOGIN alice %b\r\nb SELECT INBOX\r\n" % password)
        client.until(b"b OK")
        return client

    def popped(
        self, protocol: str = "pop3", *, utf8: bool = False
    ) -> Adversary:
        """
        Alice's POP3 session.

        :param utf8: it takes messages as they are (RFC 6856).
        """
        client = self.connect(protocol)
        if utf8:
            self.assertEqual(client.ask(b"UTF8\r\n")[:3], b"+OK")
        password = self.suite.password("alice").encode()
        client.send(b"USER alice\r\nPASS %b\r\n" % password)
        self.assertTrue(client.line().startswith(b"+OK"))
        self.assertTrue(client.line().startswith(b"+OK"))
        return client

    def deliver(self, content: bytes, protocol: str = "smtp") -> bytes:
        """
        Hand in a message for alice.

        :return: the reply to its end.
        """
        client = self.connect(protocol)
        hello = b"LHLO" if protocol == "lmtp" else b"EHLO"
        client.send(hello + b" client.test\r\n")
        client.until(b"250 ")
        client.send(
            b"MAIL FROM:<x@client.test>\r\nRCPT TO:<alice@localhost>\r\n"
            b"BDAT %d LAST\r\n" % len(content)
        )
        client.send_while_taken(content)
        client.until(b"250 2.1.5")
        return client.line()

    def _is_sound(self) -> None:
        """
        Nothing of the test is left.
        """
        self.assertIsNone(self.suite.process.poll(), "it is gone")
        said = self.suite.output()
        self.assertIsNone(_WORRIES.search(said), said[-6000:])
        until = time.monotonic() + 10
        while left := leftovers(self.suite):
            if time.monotonic() > until:
                self.fail(f"left behind: {left}")
            time.sleep(0.02)
        growth = memory(self.suite) - self._octets_before
        self.assertLess(growth, _GROWTH, f"{growth >> 20} MiB more")


#: The suite that the tests of one class share: trial has no end of a class.
_suites: dict[type, RunningSuite] = {}


def _shared(tests: type) -> RunningSuite:
    """
    The suite of a class; that of the class before it is ended.
    """
    if tests not in _suites:
        _end_shared()
        folder = tempfile.mkdtemp(prefix=tests.__name__, dir=os.getcwd())
        _suites[tests] = RunningSuite(Path(folder))
    return _suites[tests]


@atexit.register
def _end_shared() -> None:
    while _suites:
        _suites.popitem()[1].stop()


def memory(suite: RunningSuite, key: str = "VmRSS") -> int:
    """
    Octets of memory that a suite has.

    :param key: as in ``/proc/PID/status``.
    """
    status = Path(f"/proc/{suite.process.pid}/status").read_text()
    found = re.search(rf"{key}:\s+([0-9]+) kB", status)
    assert found is not None
    return int(found[1]) << 10


def reset_peak(suite: RunningSuite) -> None:
    """
    Begin anew with what ``memory`` knows as ``VmHWM``.
    """
    Path(f"/proc/{suite.process.pid}/clear_refs").write_text("5")


def leftovers(suite: RunningSuite) -> list[str]:
    """
    What is not a message that is kept: in ``tmp``, in the queue, in files
    without a name.
    """
    state = suite.state
    found = [str(path) for path in state.glob("mail/**/tmp/*")]
    found += [str(path) for path in state.glob("queue/*/*")]
    for descriptor in Path(f"/proc/{suite.process.pid}/fd").iterdir():
        try:
            path = os.readlink(descriptor)
        except FileNotFoundError:
            continue
        if path.startswith(str(state)) and path.endswith("(deleted)"):
            found.append(path)
    return found


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    """
    Whether it holds within that time.
    """
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True
