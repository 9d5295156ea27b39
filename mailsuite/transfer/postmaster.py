"""
Tells postmaster what nobody else can be told.

Implementation notes

- Double bounces are told once a day.  What our own configuration keeps from
  working is told within a minute, and the same again after a day.
- What is gathered survives a restart.  A crash may lose the last second of it,
  which the log still has; a crash between sending and noting it sends it twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailsuite.disk import Disk
from mailsuite.errors import MailError
from mailsuite.mail.address import Address
from mailsuite.transfer.bounce import Notification
from mailsuite.transfer.digest import (
    About,
    Gathered,
    compose,
    parse_gathered,
    print_gathered,
)
from mailsuite.transfer.outcome import Outcome
from mailsuite.transfer.threads import InPool

_DAY = 86400.0
#: What fails together is told together.
_SOON = 60.0
#: Until a mail that could not be sent is tried again.
_AGAIN = 900.0
#: What happens at once is written at once.
_SAVE_AFTER = 1.0


@dataclass(frozen=True, slots=True)
class Mailing:
    """
    How mail to postmaster is made and sent.

    :param postmaster: who gets it.
    :param our_name: our host name, as A-labels.
    :param new_id: gives a queue id.
    :param send: on return the mail with that id is in the queue; raises
        ``MailError``.
    """

    postmaster: Address
    our_name: str
    new_id: Callable[[], str]
    send: Callable[[str, Notification], Awaitable[None]]


class Postmaster:
    """
    Gathers facts, and sends them.

    :param path: the file that keeps what is gathered.
    """

    _log = Logger()

    def __init__(
        self,
        mailing: Mailing,
        disk: Disk,
        path: Path,
        *,
        clock: IReactorTime,
        in_pool: InPool,
    ) -> None:
        self._mailing = mailing
        self._disk = disk
        self._path = path
        self._clock = clock
        self._in_pool = in_pool
        self._gathered = Gathered()
        self._told: dict[str, float] = {}
        self._timer: IDelayedCall | None = None
        self._saving: IDelayedCall | None = None

    async def start(self) -> None:
        """
        Go on with what the last run gathered.
        """
        try:
            octets = await self._in_pool(self._path.read_bytes)
            self._gathered = parse_gathered(octets)
        except FileNotFoundError:
            return
        except (OSError, ValueError):
            self._log.warn(
                "What was gathered for postmaster in {path} cannot be read",
                path=str(self._path),
            )
            return
        if self._gathered.facts:
            self._wake_after(_SOON)

    async def stop(self) -> None:
        """
        Keep what is gathered for the next run.
        """
        for timer in (self._timer, self._saving):
            if timer is not None and timer.active():
                timer.cancel()
        if self._saving is not None:
            await self._save()

    def double_bounce(
        self, queue_id: str, address: str, outcome: Outcome
    ) -> None:
        """
        Mail from nobody has failed.

        That of the mail to postmaster itself is in the log, and not told him.
        """
        if address == str(self._mailing.postmaster):
            return
        text = f"{queue_id} to {address}: {outcome.text}"
        self._add(About.DOUBLE_BOUNCE, f"{queue_id} {address}", text)
        self._wake_after(_DAY)

    def trouble(self, key: str, text: str) -> None:
        """
        Our own configuration keeps mail from going out.

        :param key: what makes two of them the same.
        """
        self._add(About.TROUBLE, key, text)
        since = self._clock.seconds() - self._told.get(key, float("-inf"))
        self._wake_after(max(_SOON, _DAY - since))

    def _add(self, about: About, key: str, text: str) -> None:
        self._gathered.add(about, key, text, self._clock.seconds())
        self._save_soon()

    def _wake_after(self, seconds: float) -> None:
        """
        Send no later than that.
        """
        timer = self._timer
        if timer is not None and timer.active():
            if timer.getTime() <= self._clock.seconds() + seconds:
                return
            timer.cancel()
        self._timer = self._clock.callLater(seconds, self._begin, self._send)

    def _save_soon(self) -> None:
        if self._saving is None:
            self._saving = self._clock.callLater(
                _SAVE_AFTER, self._begin, self._save
            )

    def _begin(self, work: Callable[[], Awaitable[None]]) -> None:
        async def watched() -> None:
            with self._log.failuresHandled("Telling postmaster"):
                await work()

        Deferred.fromCoroutine(watched())

    async def _send(self) -> None:
        gathered = self._gathered.copy()
        mailing = self._mailing
        now = self._clock.seconds()
        new_id = mailing.new_id()
        mail = compose(
            gathered,
            mailing.postmaster,
            our_name=mailing.our_name,
            new_id=new_id,
            now=now,
        )
        try:
            await mailing.send(new_id, mail)
        except MailError as error:
            self._log.warn(
                "Postmaster cannot be told: {reason}", reason=error.public
            )
            self._wake_after(_AGAIN)
            return
        self._gathered = self._gathered.told(gathered)
        self._note(gathered, now)
        self._save_soon()

    def _note(self, gathered: Gathered, now: float) -> None:
        """
        Postmaster knows of these troubles.
        """
        self._told = {
            key: when for key, when in self._told.items() if now - when < _DAY
        }
        for fact in gathered.facts:
            if fact.about is About.TROUBLE:
                self._told[fact.key] = now

    async def _save(self) -> None:
        self._saving = None
        octets = print_gathered(self._gathered)
        try:
            await self._in_pool(
                partial(self._disk.replace, str(self._path), octets)
            )
        except OSError as error:
            self._log.warn(
                "What was gathered for postmaster cannot be kept: {reason}",
                reason=error.strerror,
            )
