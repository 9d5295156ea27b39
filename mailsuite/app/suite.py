"""
The suite as one service: started in order, stopped in order.

Implementation notes

- Stopping is a sequence: listeners, sessions, the queue, the store, the
  directory, the lock.  (A MultiService would stop all of them at once.)
- ``first-start.json`` is renamed into place when every listener accepts: who
  waits for it needs no other sign.
- The lock and what needs no reactor come in ``startService``, after twistd has
  forked and given privileges up; the rest when the reactor runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, Logger
from twisted.python.components import Componentized
from twisted.python.failure import Failure

from mailsuite.accounts.passwords import Passwords
from mailsuite.app import config, localfacts, welcome
from mailsuite.app.asking import Plain
from mailsuite.app.check import try_out
from mailsuite.app.config import Configuration, ConfigurationFaulty
from mailsuite.app.directory import FILE_NAME as ACCOUNTS_FILE
from mailsuite.app.operations import perform
from mailsuite.app.parts import Parts
from mailsuite.app.sendingconfig import Route
from mailsuite.app.sockets import Bound
from mailsuite.app.statelock import StateInUse, StateLock
from mailsuite.app.tls import (
    CertificateFaulty,
    Certificates,
    Pair,
    own_authority_file,
    own_pair,
)
from mailsuite.app.tuning import tune
from mailsuite.app.welcome import AccountFacts, Facts, ListenerFacts, Welcome
from mailsuite.disk import Disk

#: Seconds that sessions have to end before the store is closed under them.
_PATIENCE = 10.0

_FIRST_USERS = ("alice", "bob")


@dataclass(frozen=True, slots=True)
class Start:
    """
    What a start was told.

    :param routes: of ``configuration``, those of the command line.
    :param embedded: there is no configuration file.
    :param foreground: there is a terminal to say things to.
    :param log: what the log is called.
    """

    configuration: Configuration
    configuration_file: Path | None
    routes: list[Route]
    state: Path
    bound: list[Bound]
    embedded: bool
    ephemeral: bool
    transcript: bool
    foreground: bool
    log: str
    uid: int | None
    gid: int | None


class CannotStart(Exception):
    """
    The text is for the operator.
    """


class Suite(Service):
    """
    All of Mailsuite.
    """

    _log = Logger()

    def __init__(
        self,
        start: Start,
        reactor: Any,
        observer: ILogObserver | None = None,
    ) -> None:
        """
        :param reactor: with time, threads, sockets and UNIX sockets; Twisted
            has no one interface for that.
        :param observer: of the log, in place of twistd's.
        """
        self._start = start
        self._reactor = reactor
        self._observer = observer
        self._disk = Disk()
        self._lock: StateLock | None = None
        self._parts: Parts | None = None
        self._welcome: Welcome | None = None
        self._certificates: Certificates | None = None
        self._first_passwords = {
            f"{name}@{start.configuration.default_domain}": Passwords.generate()
            for name in _FIRST_USERS
        }

    def announcement(self) -> str:
        """
        The table as it will be, for a start in the background, where there is
        no terminal later.
        """
        start = self._start
        new = start.embedded and not (start.state / ACCOUNTS_FILE).exists()
        return self._facts(new=new).table(
            f"Mailsuite starts in the background; {start.log} tells more."
        )

    # --- What twistd calls ----------------------------------------------------

    def setServiceParent(self, parent: Any) -> None:  # noqa: N802 - Twisted's
        """
        Be part of twistd's application.
        """
        super().setServiceParent(parent)  # type: ignore[no-untyped-call]
        if self._observer is not None and isinstance(parent, Componentized):
            # Twisted's documented place for it.
            parent.setComponent(ILogObserver, self._observer)

    def privilegedStartService(self) -> None:
        """
        Make the state folder for the user that owns all mail.
        """
        state = self._start.state
        try:
            if not state.exists():
                state.mkdir(parents=True)
                # Whatever the umask is: `sendmail` has to pass through.
                state.chmod(0o711)
            if os.geteuid() == 0:
                _hand_over(state, self._start.uid, self._start.gid)
        except OSError as trouble:
            self._fail(trouble)
        super().privilegedStartService()  # type: ignore[no-untyped-call]

    def startService(self) -> None:
        """
        Take the state folder, and begin when the reactor runs.

        :raises SystemExit: it cannot be had; said on the terminal.
        """
        super().startService()  # type: ignore[no-untyped-call]
        try:
            self._prepare()
        except (
            CannotStart,
            CertificateFaulty,
            ConfigurationFaulty,
            StateInUse,
            OSError,
        ) as trouble:
            self._fail(trouble)
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> Deferred[None]:
        """
        End everything in order; fires when the store is closed.
        """
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    # --- Beginning ------------------------------------------------------------

    def _prepare(self) -> None:
        start = self._start
        self._lock = StateLock(start.state)
        if start.configuration_file is not None:
            faults = try_out(
                str(start.configuration_file), start.configuration, start.state
            )
            if faults:
                raise ConfigurationFaulty(faults)
        for name in ("ca", "certificates", "mail", "queue"):
            self._disk.make_folders(str(start.state / name))
        for name in ("mtasts", "reports"):
            self._disk.make_folders(str(start.state / name))
        self._disk.make_folders(str(start.state / "dkim"), 0o700)
        localfacts.write(start.state, start.configuration, self._disk)
        self._certificates = Certificates(
            self._pairs(start.configuration), self._reactor
        )

    def _pairs(self, found: Configuration) -> list[Pair]:
        if found.certificate:
            return [Pair(one.chain, one.key) for one in found.certificate]
        names = dict.fromkeys(
            [found.host_name, found.default_domain, "localhost"]
        )
        names |= dict.fromkeys(["127.0.0.1", "::1"])
        return [own_pair(self._start.state, list(names), self._disk)]

    def _fail(self, trouble: Exception) -> None:
        """
        Say why there is no start, and end the program.
        """
        lines = str(trouble).splitlines() or [repr(trouble)]
        text = "\n".join(f"mailsuite: {line}" for line in lines)
        if self._start.foreground:
            raise SystemExit(text) from trouble
        # In the background twistd hands this on to the terminal.
        raise CannotStart(text) from trouble

    def _begin(self) -> None:
        begun = Deferred.fromCoroutine(self._run())
        begun.addErrback(self._give_up)

    def _give_up(self, failure: Failure) -> None:
        self._log.failure("Cannot start", failure)
        _say("mailsuite: cannot start; the log has the reason")
        # twistd has no way to end with a status of failure by itself.
        self._reactor.addSystemEventTrigger("after", "shutdown", _exit_failed)
        if self._reactor.running:
            self._reactor.stop()

    async def _run(self) -> None:
        start = self._start
        assert self._certificates is not None
        self._parts = Parts(
            start.configuration,
            start.state,
            self._reactor,
            self._disk,
            self._certificates,
            self._transcript_shown() if start.transcript else None,
        )
        await self._parts.open()
        new = await self._first_accounts()
        self._parts.listen(start.bound, self._perform)
        self._welcome = self._facts(new=new)
        await self._forget_changed()
        self._parts.people.directory.listen(self._accounts_changed)
        tune()
        self._welcome.write(self._disk)
        self._reload_on_hangup()
        _say(self._welcome.table())
        _tell_systemd(b"READY=1")
        self._log.info(
            "Mailsuite runs in {state} with {count} listeners",
            state=str(start.state),
            count=len(start.bound),
        )

    def _transcript_shown(self) -> Callable[[str], None]:
        """
        Where a conversation's lines go: the terminal, else the log.
        """
        if self._start.foreground:
            return _say
        return lambda line: self._log.info("{line}", line=line)

    async def _first_accounts(self) -> bool:
        """
        Make alice and bob where there is no configuration and nobody yet.

        :return: whether they were made.
        """
        assert self._parts is not None
        people = self._parts.people
        fresh = not await people.administration.list_accounts()
        fresh = fresh and welcome.read_facts(self._start.state) is None
        await people.ensure_default_domain()
        if not (self._start.embedded and fresh):
            return False
        for user, password in self._first_passwords.items():
            await people.administration.add_account(user, password)
        return True

    def _facts(self, *, new: bool) -> Welcome:
        start = self._start
        found = start.configuration
        if new:
            accounts = [
                AccountFacts(user, password)
                for user, password in self._first_passwords.items()
            ]
        else:
            former = welcome.read_facts(start.state)
            accounts = former.accounts if former else []
        own = not found.certificate
        listeners = [
            ListenerFacts(
                protocol=one.listener.protocol,
                address=one.listener.address,
                port=one.port,
                tls=one.listener.tls_mode,
            )
            for one in start.bound
        ]
        facts = Facts(
            listeners=listeners,
            accounts=accounts,
            ca_file=str(own_authority_file(start.state)) if own else None,
            state_folder=str(start.state),
        )
        return Welcome(
            facts,
            server_name=found.host_name,
            mail_folder=config.mail_folder(found, start.state),
            new=new,
        )

    # --- While it runs --------------------------------------------------------

    def _accounts_changed(self, numbers: frozenset[int] | None) -> None:
        """
        A first password that was changed leaves the file.
        """
        work = Deferred.fromCoroutine(self._rewrite())
        work.addErrback(
            lambda failure: self._log.failure(
                "Cannot write {name}", failure, name=welcome.FILE_NAME
            )
        )

    async def _rewrite(self) -> None:
        if await self._forget_changed() and self._welcome is not None:
            told = self._welcome
            assert self._parts is not None
            await self._parts.in_thread(lambda: told.write(self._disk))

    async def _forget_changed(self) -> bool:
        """
        Whether accounts had to be taken out of the facts.
        """
        assert self._parts is not None
        if self._welcome is None or not self._welcome.facts.accounts:
            return False
        listed = await self._parts.people.administration.list_accounts()
        first = {one.address for one in listed if one.password_version == 1}
        gone = [
            account.user
            for account in self._welcome.facts.accounts
            if account.user not in first
        ]
        self._welcome = self._welcome.without(gone)
        return bool(gone)

    async def _perform(self, operation: str, given: dict[str, Plain]) -> Plain:
        """
        What came over the control socket.
        """
        assert self._parts is not None
        assert self._welcome is not None
        if operation == "status":
            return self._welcome.status()
        result = await perform(self._parts.office(), operation, given)
        if operation == "user.resume":
            await self._parts.sending.resumed(result["address"])
        if operation == "quota.show":
            use = await self._parts.use(result["address"])
            result |= {
                "octets_used": use.octets,
                "messages_used": use.messages,
            }
        return result

    def _reload_on_hangup(self) -> None:
        # With signals left to others (a test's reactor) there is none to take.
        if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
            signal.signal(signal.SIGHUP, self._hung_up)

    def _hung_up(self, number: int, frame: object) -> None:
        self._reactor.callFromThread(self._reload)

    def _reload(self) -> None:
        """
        Take up a changed configuration, or say what needs a restart.
        """
        path = self._start.configuration_file
        if path is None:
            self._log.info("SIGHUP: there is no configuration file to reload")
            return
        assert self._parts is not None
        assert self._certificates is not None
        try:
            found, faults = config.examine(path)
            routes = [*found.route, *self._start.routes]
            found = msgspec.structs.replace(found, route=routes)
            faults += try_out(str(path), found, self._start.state)
            if faults:
                raise ConfigurationFaulty(faults)
            self._certificates.replace(self._pairs(found))
        except (ConfigurationFaulty, CertificateFaulty) as faulty:
            for line in str(faulty).splitlines():
                self._log.warn("SIGHUP: not reloaded: {fault}", fault=line)
            return
        for key in self._parts.reconfigure(found):
            self._log.warn("SIGHUP: {key} needs a restart", key=key)
        self._log.info("SIGHUP: {file} was reloaded", file=str(path))

    # --- Ending ---------------------------------------------------------------

    async def _stop(self) -> None:
        _tell_systemd(b"STOPPING=1")
        if self._parts is not None:
            await self._parts.close(_PATIENCE)
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        self._disk.close()
        if self._start.ephemeral:
            shutil.rmtree(self._start.state, ignore_errors=True)


def _hand_over(state: Path, uid: int | None, gid: int | None) -> None:
    """
    Give what commands of root's left in the state folder to the user that the
    suite runs as.
    """
    if uid is None and gid is None:
        return
    for path in (state, *state.iterdir()):
        if path.lstat().st_uid == 0:
            os.chown(
                path,
                -1 if uid is None else uid,
                -1 if gid is None else gid,
                follow_symlinks=False,
            )


def _say(text: str) -> None:
    """
    Show ``text`` on the terminal, never in the log.
    """
    # twistd has turned sys.stdout into a log; in the background there is no
    # terminal, and this goes to /dev/null.
    stream = sys.__stdout__
    if stream is not None:
        stream.write(text + "\n")
        stream.flush()


def _exit_failed() -> None:
    os._exit(1)


def _tell_systemd(word: bytes) -> None:
    """
    sd_notify(3), where systemd asked for it.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        try:
            notify.connect(address)
            notify.send(word)
        except OSError:
            Suite._log.warn("systemd's notify socket does not answer")
