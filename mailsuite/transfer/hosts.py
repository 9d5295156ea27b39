"""
What is remembered of other hosts: which of them are dead, and which speak TLS
that does not work.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from twisted.internet.interfaces import IReactorTime

from mailsuite.transfer.outcome import Outcome

#: An ``EndPoint``, and what else it depends on whether mail is taken there.
Place = TypeVar("Place", bound=Hashable)

#: Seconds for which a dead host is left alone: at first, doubled each time,
#: and at most.
FIRST_REST = 300.0
LONGEST_REST = 3600.0

#: Seconds for which a host whose TLS failed is met in clear.
CLEAR_SECONDS = 86400.0

#: Hosts that are remembered.
_MOST = 10000


@dataclass(frozen=True, slots=True)
class EndPoint:
    """
    A place to connect to, and from where.

    :param source: our address; empty for whatever the system takes.
    """

    address: str
    port: int
    source: str = ""


@dataclass(slots=True)
class Rest:
    """
    How a dead host is left alone.

    :ivar until: when it may be probed, seconds since 1970.
    :ivar reason: what happened at the last try.
    :ivar refusing_since: from when on each greeting was 554, seconds since
        1970; None if it was something else.
    """

    until: float
    seconds: float
    reason: Outcome
    refusing_since: float | None = None
    probing: bool = False


class DeadHosts(Generic[Place]):
    """
    Hosts that could not be reached, and are left alone for a while.

    After each rest one attempt is the probe; the others go on waiting for what
    it comes to.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._resting: OrderedDict[Place, Rest] = OrderedDict()

    def claim(self, place: Place) -> Rest | None:
        """
        Try a place, unless it rests.

        Who gets None says ``failed``, ``answered`` or ``unclaim`` afterwards.
        """
        rest = self._resting.get(place)
        if rest is None:
            return None
        if rest.probing or self._clock.seconds() < rest.until:
            return rest
        rest.probing = True
        return None

    def unclaim(self, place: Place) -> None:
        """
        It was not found out.
        """
        if (rest := self._resting.get(place)) is not None:
            rest.probing = False

    def failed(self, place: Place, reason: Outcome) -> Rest:
        """
        Nobody takes mail there.

        Attempts that began together and fail together lengthen the rest once.
        """
        now = self._clock.seconds()
        rest = self._resting.get(place)
        if rest is None:
            rest = Rest(now + FIRST_REST, FIRST_REST, reason)
            self._resting[place] = rest
            if len(self._resting) > _MOST:
                self._resting.popitem(last=False)
        elif now >= rest.until:
            rest.seconds = min(2 * rest.seconds, LONGEST_REST)
            rest.until = now + rest.seconds
        rest.probing = False
        rest.reason = reason
        if reason.code != 554:
            rest.refusing_since = None
        elif rest.refusing_since is None:
            rest.refusing_since = now
        return rest

    def answered(self, place: Place) -> None:
        """
        Somebody is there.
        """
        self._resting.pop(place, None)

    def clear(self) -> None:
        """
        Let every place be tried.
        """
        self._resting.clear()


class ClearHosts:
    """
    Hosts that are met in clear, because their TLS failed not long ago.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._until: OrderedDict[EndPoint, float] = OrderedDict()

    def add(self, place: EndPoint) -> None:
        """
        TLS failed there.
        """
        self._until[place] = self._clock.seconds() + CLEAR_SECONDS
        self._until.move_to_end(place)
        if len(self._until) > _MOST:
            self._until.popitem(last=False)

    def __contains__(self, place: EndPoint) -> bool:
        until = self._until.get(place)
        if until is None:
            return False
        if self._clock.seconds() >= until:
            del self._until[place]
            return False
        return True

    def clear(self) -> None:
        """
        Try TLS with all of them.
        """
        self._until.clear()
