"""
An operation without a running suite: this process has the state folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.python.util import switchUID

from mailsuite.accounts.threads import SameThread
from mailsuite.app import directory
from mailsuite.app.asking import Plain
from mailsuite.app.config import Configuration
from mailsuite.app.directory import PeopleThreads
from mailsuite.app.operations import Office, perform
from mailsuite.app.statelock import StateLock
from mailsuite.disk import Disk
from mailsuite.transfer.keys import Keys

T = TypeVar("T")

#: What may be done before the first start.
_BEGINNINGS = {"user.add", "user.import", "domain.add", "alias.add"}


class NoState(Exception):
    """
    The state folder is not there; its name may be mistyped.
    """


def perform_offline(
    configuration: Configuration,
    state: Path,
    operation: str,
    arguments: dict[str, Plain],
) -> Plain:
    """
    Carry out an operation in this process; blocks until it is done.

    :raises NoState: there is no such folder, and the operation makes none.
    :raises StateInUse: another process has the folder.
    :raises AccountsError: it cannot be done.
    """
    if operation not in _BEGINNINGS and not state.exists():
        raise NoState(f"{state}: there is no such state folder")
    _become_owner(state)
    disk = Disk()
    disk.make_folders(str(state), 0o711)
    lock = StateLock(state)
    try:
        return _result(
            _perform(configuration, state, disk, operation, arguments)
        )
    finally:
        lock.release()
        disk.close()


def _become_owner(state: Path) -> None:
    """
    As root, go on as the user whose folder it is, so that the suite can read
    what is made there.
    """
    if os.geteuid() != 0 or not state.exists():
        return
    owner = state.stat()
    if owner.st_uid != 0:
        switchUID(owner.st_uid, owner.st_gid)


async def _perform(
    configuration: Configuration,
    state: Path,
    disk: Disk,
    operation: str,
    arguments: dict[str, Plain],
) -> Plain:
    threads = SameThread()
    # Nothing of what follows waits for time.
    people = directory.build(
        configuration, state, disk, PeopleThreads(threads, threads), Clock()
    )
    await people.directory.open()
    try:
        await people.ensure_default_domain()
        keys = Keys(disk, str(state / "dkim"))
        office = Office(
            people.administration, keys, _at_once, None, date.today, None
        )
        return await perform(office, operation, arguments)
    finally:
        await people.directory.close()


async def _at_once(work: Callable[[], T]) -> T:
    return work()


def _result(coroutine: Coroutine[Any, Any, Plain]) -> Plain:
    """
    What a coroutine returns that waits for nobody.
    """
    results: list[Plain] = []
    work = Deferred.fromCoroutine(coroutine)
    work.addBoth(results.append)
    [result] = results
    if isinstance(result, Failure):
        result.raiseException()
    return result
