"""
Tests for ``mailsuite.smtp.localpeer``.
"""

from __future__ import annotations

import os
import socket

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.smtp.localpeer import local_user


class Transport:
    """
    A connection's end.
    """

    def __init__(
        self, address: object, handle: socket.socket | None = None
    ) -> None:
        self.getPeer = lambda: address
        self.getHandle = lambda: handle


class LocalUserTests(SynchronousTestCase):
    """
    Tests for ``local_user``.
    """

    def test_program(self) -> None:
        """
        The kernel says whose it is.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs:
            user = local_user(Transport(UNIXAddress(None), ours))
        self.assertEqual(user, f"uid{os.getuid()}")

    def test_network(self) -> None:
        """
        Nobody vouches for who comes by it.
        """
        peer = IPv4Address("TCP", "127.0.0.1", 1025)
        self.assertEqual(local_user(Transport(peer)), "")
