"""
Tests for ``mailsuite.app.localmail``: the client's side of the UNIX socket.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.localmail import (
    SOCKET_NAME,
    CannotSubmit,
    Submitted,
    connect,
    submit,
)

BOB = "bob@crepes.fr"
CONTENT = b"Subject: x\r\n\r\n.dot\r\n"
ACCEPTED = b"250 2.0.0 Message accepted for delivery as 65a1b2c3001\r\n"


class Server(threading.Thread):
    """
    Says what it is told, a line for each line; then ends the connection.
    """

    def __init__(self, path: Path, greeting: bytes, *replies: bytes) -> None:
        super().__init__()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._greeting = greeting
        self._replies = replies
        self.lines: list[bytes] = []

    def run(self) -> None:
        """
        Serve one client.
        """
        connection, _ = self._listening.accept()
        self._listening.close()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(self._greeting)
            for reply in self._replies:
                line = lines.readline()
                self.lines.append(line)
                while reply == ACCEPTED and line not in (b".\r\n", b""):
                    line = lines.readline()
                    self.lines.append(line)
                connection.sendall(reply)


class SubmitTests(SynchronousTestCase):
    """
    Tests for ``submit``.
    """

    def setUp(self) -> None:
        # A colon is nothing special in a path.
        self.state = Path(self.mktemp() + ":0")
        self.state.mkdir(parents=True)

    def submitted(
        self, *replies: bytes, greeting: bytes = b"220 here\r\n"
    ) -> Submitted:
        """
        What comes of a message for two, to a server that says this.
        """
        self.server = Server(self.state / SOCKET_NAME, greeting, *replies)
        self.server.start()
        try:
            return submit(self.state, "", [BOB, "eve@crepes.fr"], CONTENT)
        finally:
            self.server.join(10)

    def refused(self, *replies: bytes, **given: bytes) -> CannotSubmit:
        """
        Why it is not taken.
        """
        with self.assertRaises(CannotSubmit) as caught:
            self.submitted(*replies, **given)
        return caught.exception

    def test_taken(self) -> None:
        """
        The queue id is told, and who was refused.
        """
        found = self.submitted(
            b"250-here\r\n250 SIZE 1000\r\n",
            b"250 ok\r\n",
            b"250 ok\r\n",
            b"550 no such user\r\n",
            b"354 go\r\n",
            ACCEPTED,
            b"221 bye\r\n",
        )

        self.assertEqual(
            found,
            Submitted("65a1b2c3001", {"eve@crepes.fr": "550 no such user"}),
        )
        self.assertIn(b"..dot\r\n", self.server.lines)
        self.assertEqual(self.server.lines[-1].lower(), b"quit\r\n")

    def test_no_farewell(self) -> None:
        """
        What was taken is taken, whatever comes after: the caller would send
        it again.
        """
        for farewell in ((), (b"421 stopping\r\n",)):
            (self.state / SOCKET_NAME).unlink(missing_ok=True)
            found = self.submitted(
                b"250 here\r\n",
                *[b"250 ok\r\n"] * 3,
                b"354 go\r\n",
                ACCEPTED,
                *farewell,
            )
            self.assertEqual(found.refused, {})

    def test_refusals(self) -> None:
        """
        The server's words, and whether the same may succeed later.
        """
        hello = b"250 here\r\n"
        ok = b"250 ok\r\n"
        for replies, text, temporary in (
            ((hello, b"552 too large\r\n"), "552 too large", False),
            ((hello, b"452 no room\r\n"), "452 no room", True),
            ((hello, ok, *[b"550 nobody\r\n"] * 2), "550 nobody", False),
            ((hello, ok, ok, ok, b"451 wait\r\n"), "451 wait", True),
            ((hello, ok, ok, ok, b"554 no\r\n"), "554 no", False),
        ):
            (self.state / SOCKET_NAME).unlink(missing_ok=True)
            why = self.refused(*replies, b"221 bye\r\n")
            self.assertEqual(str(why), text)
            self.assertEqual(why.temporary, temporary)

    def test_too_many_connections(self) -> None:
        """
        A greeting that sends away is heeded.
        """
        why = self.refused(greeting=b"421 too many\r\n")
        self.assertEqual((str(why), why.temporary), ("421 too many", True))

    def test_lost(self) -> None:
        """
        A server that dies is a matter of this moment.
        """
        self.assertTrue(self.refused(b"250 here\r\n").temporary)

    def test_not_running(self) -> None:
        """
        There is nobody: said with the socket's path.
        """
        for ask in (
            lambda: submit(self.state, "", [BOB], CONTENT),
            lambda: connect(self.state),
        ):
            with self.assertRaises(CannotSubmit) as caught:
                ask()
            self.assertTrue(caught.exception.temporary)
            self.assertIn(SOCKET_NAME, str(caught.exception))

    def test_no_addresses(self) -> None:
        """
        A line end in an address, or what is no UTF-8, never gets into a
        command.
        """
        for address in ("bob@x\r\nQUIT", "b\udcff@x"):
            with self.assertRaises(CannotSubmit) as caught:
                submit(self.state, "", [BOB, address], CONTENT)
            self.assertFalse(caught.exception.temporary)
            self.assertIn("no address", str(caught.exception))
