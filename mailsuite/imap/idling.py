"""
Sessions in IDLE: who is told news, and kept alive, when (RFC 9051 6.3.13).

Implementation notes

- One timer serves all sessions' signs of life: since all wait equally long,
  the order in which they were last told is the order in which they are due.
- News of one moment are told in one round, in slices, so that a thousand
  sessions on one mailbox do not hold up the rest.
"""

from __future__ import annotations

from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: Middleboxes forget a connection that is silent for some minutes.
SIGN_OF_LIFE_SECONDS = 120.0

#: How long a round of news may hold the reactor.
_SLICE_SECONDS = 0.01

#: When a client that was slow to take its news is tried again.
_CONGESTED_SECONDS = 0.5


class Idler(Protocol):
    """
    A session that may be in IDLE.
    """

    def tell_news(self) -> bool:
        """
        Send what there is to tell.

        :return: False if the client takes nothing at the moment.
        """

    def sign_of_life(self) -> None:
        """
        Send something that means nothing.
        """


class Idlers:
    """
    The sessions that are in IDLE.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._due: dict[Idler, float] = {}
        self._signs: IDelayedCall | None = None
        self._news: dict[Idler, None] = {}
        self._round: IDelayedCall | None = None

    def add(self, idler: Idler) -> None:
        """
        It is in IDLE from here on.
        """
        self._due[idler] = self._clock.seconds() + SIGN_OF_LIFE_SECONDS
        self._schedule_signs()

    def remove(self, idler: Idler) -> None:
        """
        It is no more; may be called of one that never was.
        """
        self._due.pop(idler, None)
        self._news.pop(idler, None)
        if not self._due and self._signs is not None:
            self._signs.cancel()
            self._signs = None
        if not self._news and self._round is not None:
            self._round.cancel()
            self._round = None

    def has_news(self, idler: Idler) -> None:
        """
        Let it tell its news as soon as the reactor is free.
        """
        if idler in self._due:
            self._news[idler] = None
            self._schedule_round(0.0)

    def _schedule_round(self, seconds: float) -> None:
        if self._round is None:
            self._round = self._clock.callLater(seconds, self._tell_news)

    def _tell_news(self) -> None:
        self._round = None
        slow: list[Idler] = []
        until = self._clock.seconds() + _SLICE_SECONDS
        while self._news and self._clock.seconds() <= until:
            idler = next(iter(self._news))
            del self._news[idler]
            if not idler.tell_news():
                slow.append(idler)
        if self._news:
            self._schedule_round(0.0)
        elif slow:
            self._schedule_round(_CONGESTED_SECONDS)
        self._news.update(
            dict.fromkeys(idler for idler in slow if idler in self._due)
        )

    def _schedule_signs(self) -> None:
        if self._signs is None and self._due:
            due = next(iter(self._due.values()))
            wait = max(due - self._clock.seconds(), 0.0)
            self._signs = self._clock.callLater(wait, self._give_signs)

    def _give_signs(self) -> None:
        self._signs = None
        now = self._clock.seconds()
        due = [idler for idler, when in self._due.items() if when <= now]
        for idler in due:
            if self._due.pop(idler, None) is None:
                continue
            self._due[idler] = now + SIGN_OF_LIFE_SECONDS
            idler.sign_of_life()
        self._schedule_signs()
