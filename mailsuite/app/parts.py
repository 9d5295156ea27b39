"""
The concrete classes, put together: the one place that names them all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IListeningPort
from twisted.logger import Logger

from mailsuite.accounts.login import Login
from mailsuite.accounts.threads import NamedThreads
from mailsuite.app import directory
from mailsuite.app.config import Configuration, mail_folder
from mailsuite.app.control import ControlFactory, Perform
from mailsuite.app.control import listen as listen_for_commands
from mailsuite.app.directsend import send_directly
from mailsuite.app.frontends import FrontEnds, Shared
from mailsuite.app.localsocket import listen as listen_for_programs
from mailsuite.app.operations import Office
from mailsuite.app.sending import Sending
from mailsuite.app.sockets import Bound
from mailsuite.app.tls import Certificates
from mailsuite.disk import Disk
from mailsuite.imap.renderers import renderers
from mailsuite.interfaces import IAccount
from mailsuite.mail.mailboxes import Quota
from mailsuite.mail.uniqueids import UniqueIdFormat
from mailsuite.store.pool import Pool
from mailsuite.store.service import MailboxService, StoreLimits
from mailsuite.store.watcher import Watcher

#: Threads of each kind; two cores hash two passwords at a time.
_STORE_THREADS = 16
_HASH_THREADS = 2

#: Logins that may wait for a thread.
_HASHES_WAITING = 256


class Parts:
    """
    Directory, store, transfer and front-ends of one running suite.
    """

    _log = Logger()

    def __init__(
        self,
        configuration: Configuration,
        state: Path,
        reactor: Any,
        disk: Disk,
        certificates: Certificates,
        transcript: Callable[[str], None] | None,
    ) -> None:
        """
        :param reactor: with time, threads and sockets; Twisted has no one
            interface for that.
        :param transcript: shows a line of a conversation.
        """
        self._configuration = configuration
        self._state = state
        self._reactor = reactor
        self._disk = disk
        self._database_threads = NamedThreads(reactor, "accounts", threads=1)
        self._hash_threads = NamedThreads(
            reactor, "hash", threads=_HASH_THREADS, waiting=_HASHES_WAITING
        )
        self.people = directory.build(
            configuration,
            state,
            disk,
            directory.PeopleThreads(self._database_threads, self._hash_threads),
            reactor,
        )
        self._store_pool = Pool("store", _STORE_THREADS, reactor.callFromThread)
        self._ports: list[IListeningPort] = []
        self._build_store()
        self.sending = Sending(
            configuration, state, reactor, disk, self.people, self._mailboxes
        )
        self._front_ends = FrontEnds(
            Shared(
                configuration=configuration,
                clock=reactor,
                certificates=certificates,
                login=self._login,
                mailboxes=self._mailboxes,
                reception=self.sending.reception,
                transcript=transcript,
            )
        )

    def _build_store(self) -> None:
        found = self._configuration
        self._mailboxes = MailboxService(
            self._disk,
            self._store_pool,
            spool=mail_folder(found, self._state),
            clock=self._reactor,
            now=time.time,
            sleep=time.sleep,
            renderers=renderers(),
            watcher=Watcher(self._reactor),
            limits=StoreLimits(open_indexes=found.limits.open_databases),
            unique_ids=UniqueIdFormat(found.uidl_format),
        )
        self._login = Login(
            self.people.directory,
            self.people.passwords,
            self._mailboxes,
            self._reactor,
            scram=found.login.scram,
            failure_seconds=found.login.failure_seconds,
        )

    def office(self) -> Office:
        """
        What operations are carried out with.
        """
        return Office(
            self.people.administration,
            self.sending.keys,
            self.sending.in_pool,
            self.sending.queue.operator,
            date.today,
            self.account,
        )

    async def open(self) -> None:
        """
        Take up what earlier runs left; on return mail can be received.
        """
        self._database_threads.start()
        self._hash_threads.start()
        await self.people.directory.open()
        await self.sending.open()

    def listen(self, bound: list[Bound], perform: Perform) -> None:
        """
        Accept connections, and commands; on return both are.
        """
        for one in bound:
            factory = self._front_ends.factory(one.listener)
            port = self._reactor.adoptStreamPort(
                one.socket.fileno(), one.family, factory
            )
            send_directly(port)
            self._ports.append(port)
            # The reactor has a duplicate of its own.
            one.socket.close()
        self._ports += [
            listen_for_commands(
                self._state, self._reactor, ControlFactory(perform)
            ),
            listen_for_programs(
                self._state, self._reactor, self._front_ends.local_factory()
            ),
        ]

    async def in_thread(self, work: Callable[[], None]) -> None:
        """
        Do what blocks, a durable write for example, off the reactor.
        """
        await self.sending.in_pool(work)

    async def account(self, address: str) -> IAccount:
        """
        An account's mail, to be released.

        :raises NoSuchAccount: there is none.
        """
        entry = await self.people.administration.quota(address)
        local_part, _, domain = entry.address.rpartition("@")
        record = self.people.directory.record((local_part, domain))
        return await self._mailboxes.account(record)

    async def use(self, address: str) -> Quota:
        """
        What an account's mail takes.
        """
        account = await self.account(address)
        try:
            return await account.quota()
        finally:
            account.release()

    def reconfigure(self, found: Configuration) -> list[str]:
        """
        Take up what can be while running.

        :return: the keys that have other values and need a restart.
        """
        former = self._configuration
        taken = {"certificate"}
        return [
            field.name
            for field in msgspec.structs.fields(Configuration)
            if field.name not in taken
            and getattr(found, field.name) != getattr(former, field.name)
        ]

    async def close(self, patience: float) -> None:
        """
        End everything, in order.

        :param patience: seconds that sessions have to end.
        """
        await DeferredList(
            [_stopped(port) for port in self._ports], consumeErrors=True
        )
        await self._front_ends.end_conversations(patience)
        await self.sending.close()
        await self._mailboxes.close()
        await self.people.directory.close()
        self._store_pool.stop()
        self._hash_threads.stop()
        self._database_threads.stop()


def _stopped(port: IListeningPort) -> Deferred[None]:
    done = port.stopListening()
    if isinstance(done, Deferred):
        return done
    nothing: Deferred[None] = Deferred()
    nothing.callback(None)
    return nothing
