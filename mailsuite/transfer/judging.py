"""
What the outcomes of an attempt mean for the queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mailsuite.transfer.entry import Attempted, RecipientState, Standing
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.rows import warn_time
from mailsuite.transfer.schedule import Schedule

#: How long a recipient is left alone for whom nobody was asked, seconds; and
#: at least, whatever is said of when somebody can be.
_LEFT_ALONE = 300.0
_LEAST = 30.0


@dataclass(frozen=True, slots=True)
class Moment:
    """
    When it is.

    :param began: when the attempt began, seconds since 1970; recipients that
        are deferred in one attempt are due together.
    :param now: seconds since 1970.
    :param chance: from 0 to 1, drawn for this attempt.
    """

    began: float
    now: float
    chance: float


@dataclass(frozen=True, slots=True)
class Judged:
    """
    What an attempt came to.

    :param events: to be recorded.
    :param put_off: recipients of whom there is nothing to record, and when
        they are tried again, seconds since 1970.
    """

    events: list[Attempted]
    put_off: dict[int, float]


def judged(
    standing: Standing,
    outcomes: Mapping[int, Outcome],
    schedule: Schedule,
    moment: Moment,
) -> Judged:
    """
    What an attempt comes to for its recipients.

    A deferral past the message's expiry is a failure (RFC 3463 3.5, 4.4.7).
    """
    if len(outcomes) == 1:
        # Nearly every message has one recipient, or one for a domain.
        ((number, outcome),) = outcomes.items()
        state = standing.state(number)
        event = _event(
            standing, state, outcome, schedule, moment, numbers=(number,)
        )
        if event.attempts or not event.next:
            return Judged([event], {})
    alike: dict[Attempted, list[int]] = {}
    put_off: dict[int, float] = {}
    for number, outcome in outcomes.items():
        state = standing.state(number)
        event = _event(standing, state, outcome, schedule, moment)
        if event.attempts or not event.next:
            alike.setdefault(event, []).append(number)
        else:
            put_off[number] = event.next
            if _is_to_be_told(standing, state, schedule, moment):
                alike.setdefault(event, []).append(number)
    return Judged(
        [
            replace(event, recipients=tuple(numbers))
            for event, numbers in alike.items()
        ],
        put_off,
    )


def _event(
    standing: Standing,
    state: RecipientState,
    outcome: Outcome,
    schedule: Schedule,
    moment: Moment,
    *,
    numbers: tuple[int, ...] = (),
) -> Attempted:
    """
    The event of one recipient.

    :param numbers: of those it tells of, if they are known.
    """
    counted = int(outcome.counts)
    # What is recorded tells of what was, not of what to do about it.
    plain = outcome
    if outcome.not_before is not None or not outcome.counts:
        plain = replace(outcome, not_before=None, counts=True)
    if outcome.kind is not Kind.DEFERRED:
        return Attempted(moment.now, numbers, plain)
    expiry = standing.entry.expiry
    if moment.now >= expiry:
        expired = replace(plain, kind=Kind.FAILED, enhanced="4.4.7")
        return Attempted(moment.now, numbers, expired, attempts=counted)
    if outcome.counts:
        delay = schedule.delay(state.attempts + 1, moment.chance)
    else:
        delay = _LEFT_ALONE if outcome.not_before is None else _LEAST
    due = max(moment.began + delay, outcome.not_before or 0.0)
    return Attempted(moment.now, numbers, plain, min(due, expiry), counted)


def _is_to_be_told(
    standing: Standing,
    state: RecipientState,
    schedule: Schedule,
    moment: Moment,
) -> bool:
    """
    Whether a recipient for whom nobody was asked is late by now, so that his
    sender must be told why.
    """
    late = moment.now >= warn_time(standing.entry, schedule)
    return late and state.last is None
