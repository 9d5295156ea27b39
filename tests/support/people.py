"""
A directory with accounts, and logins to them, that need no reactor.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.accounts.administration import Administration
from mailsuite.accounts.directory import Directory
from mailsuite.accounts.passwords import Passwords
from mailsuite.accounts.places import Places
from mailsuite.accounts.threads import SameThread
from mailsuite.disk import Disk

T = TypeVar("T")

#: Few, so that tests are quick.
ITERATIONS = 10


class PeopleTestCase(SynchronousTestCase):
    """
    A test with a directory on the disk: ``localhost`` is the default domain.

    :ivar scheme: how passwords are kept.
    :ivar home: the template of accounts' folders.
    """

    scheme = "ssha256"
    home = "/mail/{domain}/{local}"

    def setUp(self) -> None:
        """
        Open an empty directory.
        """
        self.path = self.mktemp()
        self.clock = Clock()
        self.clock.advance(1_000_000_000)
        self.disk = Disk()
        self.addCleanup(self.disk.close)
        self.directory = self.opened()
        self.passwords = Passwords(
            SameThread(),
            self.clock,
            scheme=self.scheme,
            scram_iterations=ITERATIONS,
        )
        self.administration = Administration(self.directory, self.passwords)
        self.now(self.administration.add_domain("localhost"))

    def opened(self) -> Directory:
        """
        The directory, opened as another process would.
        """
        directory = Directory(
            self.path,
            SameThread(),
            self.clock,
            disk=self.disk,
            places=Places(home=self.home),
            default_domain="localhost",
        )
        self.now(directory.open())
        self.addCleanup(lambda: self.now(directory.close()))
        return directory

    def now(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """
        What a coroutine returns that has nothing to wait for.
        """
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def refused(
        self, kind: type[Exception], coroutine: Coroutine[Any, Any, object]
    ) -> str:
        """
        The text of the error that a coroutine raises at once.
        """
        failure = self.failureResultOf(Deferred.fromCoroutine(coroutine), kind)
        return str(failure.value)

    def add(self, *addresses: str, password: str = "hungry") -> None:
        """
        Add accounts.
        """
        for address in addresses:
            self.now(self.administration.add_account(address, password))
