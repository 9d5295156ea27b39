"""
Deliveries of all accounts, made durable together.

Implementation notes

- One thread takes everything that waits: it writes and links it all, syncs
  once, and wakes the reactor once.  The busier it is, the fewer syncs a
  message costs; nothing is ever delayed to wait for company.
- A message for several accounts is one file with several names, as far as they
  are on one file system.
- A delivery gives no UID.  The file in ``new/`` is all that SMTP's 250
  promises; the account's lane gives the UIDs.
- Where the sync fails, every name of the batch is taken back and all of it is
  refused: nobody knows what is on the disk.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from mailsuite.disk import Disk, File, as_mail_error
from mailsuite.errors import MailError
from mailsuite.store.incoming import Incoming
from mailsuite.store.maildir import Names

#: The most messages that one sync is waited for.
BATCH = 256


class NoMaildir(Exception):
    """
    The maildir is not there (yet).
    """


#: What became of one copy: its base name in ``new/``, or why it was not kept.
Placed = str | MailError | NoMaildir


@dataclass(slots=True)
class _Delivery:
    incoming: Incoming
    maildirs: Sequence[str]
    done: Deferred[list[Placed]]
    placed: list[Placed] = field(default_factory=list)
    files: list[File] = field(default_factory=list)


class Committer:
    """
    The thread that delivers.

    :param post: calls a function soon in the reactor's thread.
    """

    _log = Logger()

    def __init__(
        self,
        disk: Disk,
        names: Names,
        post: Callable[[Callable[[], None]], None],
    ) -> None:
        self._disk = disk
        self._names = names
        self._post = post
        self._waiting: SimpleQueue[_Delivery | None] = SimpleQueue()
        self._thread: Thread | None = None

    def deliver(
        self, incoming: Incoming, maildirs: Sequence[str]
    ) -> Deferred[list[Placed]]:
        """
        Put one message into ``new/`` of each maildir; durable when this fires.
        """
        if self._thread is None:
            self._thread = Thread(
                target=self._serve, name="deliveries", daemon=True
            )
            self._thread.start()
        done: Deferred[list[Placed]] = Deferred()
        self._waiting.put(_Delivery(incoming, maildirs, done))
        return incoming.during(done)

    def stop(self) -> None:
        """
        Deliver what waits, and end the thread.
        """
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join()
            self._thread = None

    # In the thread

    def _serve(self) -> None:
        going_on = True
        while going_on:
            batch, going_on = self._take()
            try:
                self._commit(batch)
            except Exception as error:  # noqa: BLE001 - the thread must go on
                self._log.failure("Bug while delivering")
                self._post(partial(_fail, batch, error))

    def _take(self) -> tuple[list[_Delivery], bool]:
        """
        Everything that waits, at least one; and whether more may come.
        """
        batch: list[_Delivery] = []
        delivery = self._waiting.get()
        while delivery is not None:
            batch.append(delivery)
            if len(batch) == BATCH:
                return batch, True
            try:
                delivery = self._waiting.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: list[_Delivery]) -> None:
        for delivery in batch:
            self._place(delivery)
        try:
            self._disk.sync(
                files=[file for delivery in batch for file in delivery.files],
                folders=[
                    f"{maildir}/new"
                    for delivery in batch
                    for maildir, _ in _kept(delivery)
                ],
            )
        except OSError as error:
            self._take_back(batch, as_mail_error(error))
        for delivery in batch:
            for file in delivery.files:
                if file is not delivery.incoming.shared:
                    file.close()
        self._post(partial(_answer, batch))

    def _place(self, delivery: _Delivery) -> None:
        file: File | None = None
        for maildir in delivery.maildirs:
            try:
                if file is None:
                    file = self._written(delivery, maildir)
                placed: Placed = self._link(delivery, file, maildir)
            except FileNotFoundError:
                placed = NoMaildir()
            except OSError as error:
                placed = as_mail_error(error)
            except MailError as error:
                placed = error
            delivery.placed.append(placed)

    def _written(self, delivery: _Delivery, maildir: str) -> File:
        """
        A file with the content, which can be linked into this maildir.
        """
        octets = delivery.incoming.octets
        if octets is None:
            file = delivery.incoming.file()
            delivery.incoming.taken = True
        else:
            file = self._disk.create(f"{maildir}/tmp")
            try:
                file.write(octets)
            except OSError:
                file.close()
                raise
        delivery.files.append(file)
        return file

    def _link(self, delivery: _Delivery, file: File, maildir: str) -> str:
        size = delivery.incoming.size
        while True:
            base = self._names.base(size)
            try:
                self._disk.link(file, f"{maildir}/new/{base}")
            except FileExistsError:
                continue
            except OSError as error:
                if error.errno not in (errno.EXDEV, errno.EMLINK):
                    raise
                file = delivery.incoming.copy(self._disk, f"{maildir}/tmp")
                delivery.files.append(file)
                self._disk.link(file, f"{maildir}/new/{base}")
            return base

    def _take_back(self, batch: list[_Delivery], error: MailError) -> None:
        self._log.warn(
            "Sync failed, {count} deliveries are taken back: {error}",
            count=len(batch),
            error=error.public,
        )
        for delivery in batch:
            for maildir, base in _kept(delivery):
                with suppress(OSError):
                    self._disk.unlink(f"{maildir}/new/{base}")
            delivery.placed = [error for _ in delivery.placed]


def _kept(delivery: _Delivery) -> Iterator[tuple[str, str]]:
    for maildir, placed in zip(delivery.maildirs, delivery.placed, strict=True):
        if isinstance(placed, str):
            yield maildir, placed


def _answer(batch: list[_Delivery]) -> None:
    for delivery in batch:
        delivery.done.callback(delivery.placed)


def _fail(batch: list[_Delivery], error: Exception) -> None:
    for delivery in batch:
        delivery.done.errback(error)
