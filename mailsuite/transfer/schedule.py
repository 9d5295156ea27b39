"""
When the next attempt is made, for how long, and when a sender is warned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

_MINUTE = 60.0
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Schedule:
    """
    The times of the queue, all in seconds.

    :param delays: what follows the first attempts.  The first come sooner
        than the 30 minutes of RFC 5321 4.5.4.1, since most deferrals are
        greylisting.
    :param later: what follows all others.
    :param lifetime: how long a message is tried (RFC 5321 4.5.4.1).
    :param null_lifetime: the same for what nobody can be told of.
    :param warn_after: when the sender is told that it is late.
    :param jitter: the part by which a delay may be shorter or longer, so that
        what came together does not come back together.
    """

    delays: tuple[float, ...] = (
        5 * _MINUTE,
        10 * _MINUTE,
        15 * _MINUTE,
        30 * _MINUTE,
        60 * _MINUTE,
        2 * _HOUR,
    )
    later: float = 4 * _HOUR
    lifetime: float = 5 * _DAY
    null_lifetime: float = 2 * _DAY
    warn_after: float = 4 * _HOUR
    jitter: float = 0.1

    def delay(self, attempts: int, chance: float) -> float:
        """
        How long to wait before the next attempt.

        :param attempts: made so far, at least 1.
        :param chance: from 0 to 1, drawn for this wait.
        """
        if attempts <= len(self.delays):
            usual = self.delays[attempts - 1]
        else:
            usual = self.later
        return usual * (1 + self.jitter * (2 * chance - 1))

    def expiry(self, begins: float, *, null_reverse_path: bool) -> float:
        """
        When trying ends, seconds since 1970.

        :param begins: when it may begin (RFC 4865 holds messages back).
        """
        return begins + (
            self.null_lifetime if null_reverse_path else self.lifetime
        )


@dataclass(frozen=True, slots=True)
class Timing:
    """
    What time it is, and what is due when.

    :param chance: draws a number from 0 to 1.
    """

    clock: IReactorTime
    schedule: Schedule
    chance: Callable[[], float]
