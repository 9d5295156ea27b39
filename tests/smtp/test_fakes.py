"""
The fakes that SMTP is tested with keep the promises of ``interfaces``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from mailsuite.interfaces import (
    Channel,
    ILogin,
    ILoginSession,
    IReception,
    ISASLExchange,
    ITransaction,
)
from mailsuite.mail.envelope import Envelope, Origin, Sender
from tests.support.memory_login import MemoryLogin, MemoryLoginSession
from tests.support.memory_reception import MemoryReception, MemoryTransaction


class FakesTests(SynchronousTestCase):
    """
    Tests for ``MemoryReception`` and ``MemoryLogin``.
    """

    def test_reception(self) -> None:
        """
        Reception and its transactions.
        """
        reception = MemoryReception()
        envelope = Envelope(Origin("SMTP", "mx"), Sender(None))

        verifyObject(IReception, reception)
        verifyObject(ITransaction, MemoryTransaction(reception, envelope))

    def test_login(self) -> None:
        """
        Logins, their exchanges and their sessions.
        """
        login = MemoryLogin({})
        channel = Channel("smtp", "127.0.0.1", True, False, lambda _: None)

        verifyObject(ILogin, login)
        verifyObject(ISASLExchange, login.start("plain", channel))
        verifyObject(ILoginSession, MemoryLoginSession(login, "a@b.example"))
