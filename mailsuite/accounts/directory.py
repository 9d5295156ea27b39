"""
Which addresses are ours, and who is behind them.

Implementation notes

- SQLite is used in one named thread alone.  What mail's way needs is held in
  memory (``Routes``) and answered there.
- Own changes are in memory before the caller hears of their success.  Those of
  another process are seen within ``_LOOK_SECONDS``, and before each login.
- A step hands back what changed since the number it was given, not since the
  last step: so a caller who is cancelled loses nothing for the others.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from mailsuite.accounts import account_rows
from mailsuite.accounts.database import Database, server_secret
from mailsuite.accounts.errors import AccountsUnreadable
from mailsuite.accounts.following import facts_after
from mailsuite.accounts.names import domain_key, typed_outside
from mailsuite.accounts.places import Places
from mailsuite.accounts.routes import Facts, Key, Routes
from mailsuite.accounts.threads import Threads
from mailsuite.disk import Disk
from mailsuite.errors import (
    MailError,
    StoreBusy,
    StoreFull,
    StoreUnavailable,
)
from mailsuite.interfaces import AccountRecord, Deliverable, IDirectory
from mailsuite.mail.address import Address

P = ParamSpec("P")
T = TypeVar("T")

#: How soon another process's change is seen, in seconds.
_LOOK_SECONDS = 2.0

Listener = Callable[[frozenset[int] | None], None]
"""
Told of a committed change: the numbers of the accounts that it touched, or
None if that may be any.
"""


@implementer(IDirectory)
class Directory:
    """
    The accounts, aliases and domains of ``accounts.sqlite3``.

    :ivar places: where accounts' mail lies.
    :ivar routes: what is held in memory; another object after large changes.
    :ivar secret: the same in all processes and after a restart, for nobody's
        eyes: what must look random to a stranger is derived from it.
    """

    _log = Logger()

    def __init__(
        self,
        path: str,
        threads: Threads,
        clock: IReactorTime,
        *,
        disk: Disk,
        places: Places,
        default_domain: str,
        separators: str = "+",
        postmaster: str | None = None,
        postmaster_copies: Sequence[str] = (),
    ) -> None:
        """
        Nothing is opened yet.

        :param threads: one thread; only it touches the file.
        :param separators: each of these characters begins a ``+detail``;
            none switches that off.
        :param postmaster: who reads postmaster's and abuse's mail where no
            account or alias has that address; None is the domain's first
            account.
        :param postmaster_copies: who gets that mail as well, in every domain.
        :raises BadAddress: one of these is none.
        """
        self.clock = clock
        self.default_domain = domain_key(default_domain)
        self._path = path
        self._threads = threads
        self._disk = disk
        self.places = places
        self._separators = separators
        self._postmaster = ("", "")
        if postmaster is not None:
            self._postmaster = typed_outside(postmaster)
        self._copies = tuple(map(typed_outside, postmaster_copies))
        self._database: Database | None = None
        self._next_look: IDelayedCall | None = None
        self._listeners: list[Listener] = []
        self.secret = b""
        self.routes = self._no_routes()

    # Life

    async def open(self) -> None:
        """
        Open the file, made or migrated if need be, and learn what is in it.

        :raises AccountsTooNew: a later release made it.
        :raises AccountsUnreadable: it is damaged, or not ours to open.
        """
        self._database = await self._threads.run(
            _opened, self._path, self._disk
        )
        self.secret = await self.change(server_secret)
        self._plan_look()

    async def close(self) -> None:
        """
        Finish the steps under way and let go of the file.
        """
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        if self._database is not None:
            database, self._database = self._database, None
            await self._threads.run(database.close)

    def listen(self, listener: Listener) -> None:
        """
        Tell ``listener`` of each change once it is in ``routes``.
        """
        self._listeners.append(listener)

    # IDirectory

    def is_ours(self, domain: str) -> bool:
        """
        See ``IDirectory.is_ours``.
        """
        return self.routes.is_ours(domain_key(domain))

    async def resolve(self, address: Address) -> Deliverable | None:
        """
        See ``IDirectory.resolve``.
        """
        found = self.routes.find(address)
        if found is None:
            return None
        return Deliverable(
            accounts=tuple(map(self.record, found.accounts)),
            elsewhere=tuple(Address(*there) for there in found.elsewhere),
        )

    async def expand(self, address: Address) -> tuple[str, ...]:
        """
        See ``IDirectory.expand``.
        """
        targets = self.routes.expand(address)
        return tuple(str(Address(*target)) for target in targets)

    def is_suspended(self, account: int) -> bool:
        """
        See ``IDirectory.is_suspended``.
        """
        there = self.routes.account(account)
        return there is not None and there.suspended

    def require_places(self, connection: sqlite3.Connection) -> None:
        """
        Each account has a place of its own.

        :raises AddressTaken: two of them would share one.
        """
        if self.places.by_local_part:
            account_rows.require_different_local_parts(connection)

    def record(self, address: Key) -> AccountRecord:
        """
        What the store needs of the account that has this address.
        """
        route = self.routes.route(address)
        home, maildir = self.places.of(*address)
        return AccountRecord(
            number=route.number,
            address="@".join(address),
            home=home,
            maildir=maildir,
            octets_limit=route.octets_limit,
            messages_limit=route.messages_limit,
        )

    # The file

    async def read(
        self,
        query: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """
        What ``query`` finds in one state of the file; ``routes`` are no
        older afterwards.

        :raises StoreBusy, StoreUnavailable:
        """

        def step(database: Database) -> T:
            with database.reading() as connection:
                return query(connection, *args, **kwargs)

        return await self._step(step)

    async def change(
        self,
        query: Callable[Concatenate[sqlite3.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """
        Make a change in one transaction; on return it survives a power cut,
        ``routes`` have it and the listeners were told.

        :raises StoreBusy, StoreUnavailable, StoreFull: nothing was changed.
        """

        def step(database: Database) -> T:
            with database.transaction() as connection:
                return query(connection, *args, **kwargs)

        return await self._step(step)

    async def look(self) -> None:
        """
        Learn what other processes changed.
        """
        await self._step(lambda _: None)

    async def _step(self, step: Callable[[Database], T]) -> T:
        if self._database is None:
            raise StoreUnavailable
        result, facts, routes = await self._threads.run(
            self._in_thread, self._database, step, self.routes.number
        )
        self._learn(facts, routes)
        return result

    def _in_thread(
        self, database: Database, step: Callable[[Database], T], number: int
    ) -> tuple[T, Facts, Routes | None]:
        """
        Make a step, and see what has changed since ``number``.

        :return: the step's result, the changes, and if these are everything
            the routes made of them.
        """
        try:
            result = step(database)
            with database.reading() as connection:
                facts = facts_after(connection, number)
        except sqlite3.DatabaseError as error:
            raise _as_mail_error(error) from error
        routes = None
        if facts.whole:
            routes = self._no_routes()
            routes.apply(facts)
        return result, facts, routes

    def _learn(self, facts: Facts, routes: Routes | None) -> None:
        if facts.number <= self.routes.number:
            return
        touched = None
        if routes is None:
            touched = self.routes.apply(facts)
        else:
            self.routes = routes
        for listener in self._listeners:
            with self._log.failuresHandled("Telling of changed accounts"):
                listener(touched)

    def _no_routes(self) -> Routes:
        return Routes(
            self.default_domain,
            self._separators,
            self._postmaster,
            self._copies,
        )

    def _plan_look(self) -> None:
        self._next_look = self.clock.callLater(_LOOK_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._plan_look()
        Deferred.fromCoroutine(self.look()).addErrback(self._not_seen)

    def _not_seen(self, failure: Failure) -> None:
        if isinstance(failure.value, MailError):
            self._log.warn(
                "Changes to {path} are not seen: {why}",
                path=self._path,
                why=failure.value.public,
            )
        else:
            self._log.failure(
                "Looking at {path} for changes", failure, path=self._path
            )


def _opened(path: str, disk: Disk) -> Database:
    try:
        return Database(path, disk)
    except (sqlite3.DatabaseError, OSError) as error:
        raise AccountsUnreadable(f"{path} cannot be opened: {error}") from error


def _as_mail_error(error: sqlite3.DatabaseError) -> MailError:
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_FULL:
        return StoreFull()
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy()
    return StoreUnavailable()
