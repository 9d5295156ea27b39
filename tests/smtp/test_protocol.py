"""
Tests for the SMTP factory.
"""

from __future__ import annotations

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.conversation import Settings
from mailsuite.smtp.listener import Listener, Purpose
from mailsuite.smtp.protocol import smtp_factory
from tests.support.dialogs import MemoryClient
from tests.support.memory_login import MemoryLogin
from tests.support.memory_reception import MemoryReception


class SMTPFactoryTests(SynchronousTestCase):
    """
    Tests for ``smtp_factory``.
    """

    def test_too_many_connections(self) -> None:
        """
        One more than an address may have is told so, and ended.
        """
        factory = smtp_factory(
            Settings(Clock()),
            Listener(Purpose.MX, "hamburger.edu"),
            reception=MemoryReception(),
            login=MemoryLogin({}),
            most=10,
            most_per_address=1,
        )
        address = IPv4Address("TCP", "192.0.2.1", 49152)

        first = MemoryClient(factory.buildProtocol(address))
        second = MemoryClient(factory.buildProtocol(address))

        self.assertEqual(first.received(), b"220 hamburger.edu\r\n")
        self.assertEqual(
            second.received(), b"421 hamburger.edu Too many connections\r\n"
        )
        self.assertTrue(second.closed())
