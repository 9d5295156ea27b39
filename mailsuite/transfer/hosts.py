"""
What is remembered of other hosts: which of them are dead, and which speak TLS
that does not work.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

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

    :param source: our address; None for whatever the system takes.
    """

    address: str
    port: int
    source: str | None = None


@dataclass(slots=True)
class _Rest:
    """
    :ivar until: when it may be probed, seconds.
    :ivar seconds: how long this rest is.
    :ivar probing: somebody is finding out whether it is alive.
    """

    until: float
    seconds: float
    probing: bool = False


class DeadHosts:
    """
    Hosts that could not be reached, and are left alone for a while.

    After each rest one attempt is the probe; the others go on waiting for what
    it comes to.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._resting: OrderedDict[EndPoint, _Rest] = OrderedDict()

    def claim(self, place: EndPoint) -> bool:
        """
        Whether a place may be tried.

        Who gets True says ``failed``, ``answered`` or ``unclaim`` afterwards.
        """
        rest = self._resting.get(place)
        if rest is None:
            return True
        if rest.probing or self._clock.seconds() < rest.until:
            return False
        rest.probing = True
        return True

    def unclaim(self, place: EndPoint) -> None:
        """
        It was not found out.
        """
        if (rest := self._resting.get(place)) is not None:
            rest.probing = False

    def failed(self, place: EndPoint) -> None:
        """
        Nobody answered there.

        Attempts that began together and fail together lengthen the rest once.
        """
        now = self._clock.seconds()
        rest = self._resting.get(place)
        if rest is None:
            self._resting[place] = _Rest(now + FIRST_REST, FIRST_REST)
            if len(self._resting) > _MOST:
                self._resting.popitem(last=False)
        elif now >= rest.until:
            rest.seconds = min(2 * rest.seconds, LONGEST_REST)
            rest.until = now + rest.seconds
            rest.probing = False

    def answered(self, place: EndPoint) -> None:
        """
        Somebody is there.
        """
        self._resting.pop(place, None)

    def until(self, place: EndPoint) -> float | None:
        """
        When a place may be tried again, seconds since 1970; None if it may.
        """
        rest = self._resting.get(place)
        return None if rest is None else rest.until

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
        if until is not None and self._clock.seconds() >= until:
            del self._until[place]
            until = None
        return until is not None

    def clear(self) -> None:
        """
        Try TLS with all of them.
        """
        self._until.clear()
