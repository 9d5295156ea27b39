"""
Tests for ``mailsuite.app.sockets``.
"""

from __future__ import annotations

import os
import socket

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app import sockets
from mailsuite.app.config import Listener
from mailsuite.app.sockets import PortsTaken, open_all


class OpenAllTests(SynchronousTestCase):
    """
    Tests for ``open_all``.
    """

    def test_a_free_port_is_told(self) -> None:
        """
        Port 0 becomes the one that was had.
        """
        [bound] = open_all([Listener("imap", 0)], {})
        self.addCleanup(bound.socket.close)

        self.assertEqual(bound.port, bound.socket.getsockname()[1])
        self.assertEqual(bound.family, socket.AF_INET)

    def test_all_taken_ports_are_named_at_once(self) -> None:
        """
        Each with what can be done; none stays open.
        """
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            listeners = [
                Listener("imap", 0),
                Listener("pop3", port, option="--port pop3=NUMBER"),
                Listener("smtp", port, option="--port smtp=NUMBER"),
            ]

            with self.assertRaises(PortsTaken) as caught:
                open_all(listeners, {})

        lines = str(caught.exception).splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn("--port pop3=NUMBER", lines[0])
        self.assertIn("--port smtp=NUMBER", lines[1])

    def test_sockets_of_systemd_are_taken_by_name_and_by_port(self) -> None:
        """
        sd_listen_fds(3): the name first, else the port.
        """
        passed = [socket.socket() for _ in range(2)]
        for one in passed:
            one.bind(("127.0.0.1", 0))
            one.listen()
        ports = [one.getsockname()[1] for one in passed]
        self.patch(sockets, "_FIRST_PASSED", _adjacent(passed))
        environment = {
            "LISTEN_PID": str(os.getpid()),
            "LISTEN_FDS": "2",
            "LISTEN_FDNAMES": "imap:mailsuite.socket",
        }

        bound = open_all(
            [Listener("pop3", ports[1]), Listener("imap", 9)], environment
        )

        for one in bound:
            self.addCleanup(one.socket.close)
        self.assertEqual([one.port for one in bound], [ports[1], ports[0]])


def _adjacent(passed: list[socket.socket]) -> int:
    """
    Move sockets to neighbouring descriptors, as systemd hands them on.

    :return: the first of them.
    """
    first = 200
    for place, one in enumerate(passed):
        os.dup2(one.detach(), first + place)
    return first
