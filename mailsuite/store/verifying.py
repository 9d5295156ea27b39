"""
Looking for changes that hide behind our own.

Implementation notes

- A folder's time moves on with each change of ours, and one of another program
  at the same moment leaves no trace in it; nor does one in the same tick of
  the clock in which we read it.  So each mailbox that somebody has
  open is compared whole some time after we changed it, and all others when
  they are closed, or next opened.
- A large mailbox costs more and waits longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.interfaces import IDelayedCall, IReactorTime

if TYPE_CHECKING:
    from mailsuite.store.mailbox import Mailbox

#: Seconds after a change of ours; and one more for so many messages.
DELAY = 5.0
_MESSAGES_A_SECOND = 1000

#: Where many mailboxes are due they take turns, for others' steps' sake: so
#: many, then a pause in seconds.
_AT_ONCE = 4
_PAUSE = 0.5


class Verifications:
    """
    The mailboxes that are to be verified.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._due: dict[Mailbox, float] = {}
        self._timer: IDelayedCall | None = None
        self._stopped = False

    def add(self, mailbox: Mailbox) -> None:
        """
        We changed this mailbox.
        """
        if mailbox not in self._due and not self._stopped:
            wait = DELAY + len(mailbox.messages) / _MESSAGES_A_SECOND
            self._due[mailbox] = self._clock.seconds() + wait
            if self._timer is None:
                self._timer = self._clock.callLater(DELAY, self._verify)

    def stop(self) -> None:
        """
        Verify nothing more.
        """
        self._stopped = True
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _verify(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        due = [m for m, time in self._due.items() if time <= now]
        for mailbox in due[:_AT_ONCE]:
            del self._due[mailbox]
            if mailbox.users:
                mailbox.verify_behind()
        if self._due:
            wait = DELAY if len(due) <= _AT_ONCE else _PAUSE
            self._timer = self._clock.callLater(wait, self._verify)
