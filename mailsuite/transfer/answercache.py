"""
Answers of the DNS, kept as long as they may be.
"""

from __future__ import annotations

from collections import OrderedDict

from twisted.internet.interfaces import IReactorTime

from mailsuite.mail.dns import Answer, Found, Question

#: Seconds.  An answer that may not be kept at all is kept while one attempt
#: asks for it twice; one that may be kept for a week is asked for daily.
SHORTEST = 5.0
LONGEST = 86400.0
#: Of "no such name", "no such records" and failures.
NEGATIVE = 300.0
FAILED = 5.0


class AnswerCache:
    """
    The answers that were asked for last.

    :param limit: how many are kept.
    """

    def __init__(self, clock: IReactorTime, limit: int = 10000) -> None:
        self._clock = clock
        self._limit = limit
        self._kept: OrderedDict[Question, tuple[float, Answer]] = OrderedDict()

    def get(self, question: Question) -> Answer | None:
        """
        The answer, if it may still be believed.
        """
        kept = self._kept.get(question)
        if kept is None:
            return None
        until, answer = kept
        if self._clock.seconds() >= until:
            del self._kept[question]
            return None
        self._kept.move_to_end(question)
        return answer

    def keep(self, question: Question, answer: Answer, ttl: float) -> None:
        """
        Keep an answer.

        :param ttl: as the DNS said, seconds.
        """
        match answer.found:
            case Found.RECORDS:
                seconds = min(max(ttl, SHORTEST), LONGEST)
            case Found.FAILED:
                seconds = FAILED
            case _:
                seconds = NEGATIVE
        self._kept[question] = (self._clock.seconds() + seconds, answer)
        self._kept.move_to_end(question)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """
        Forget them all.
        """
        self._kept.clear()
