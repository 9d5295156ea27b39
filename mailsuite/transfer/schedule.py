"""
When the next attempt is made, and for how long.
"""

from __future__ import annotations

_MINUTE = 60.0
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

#: What follows the first attempts, in seconds.
_FIRST_DELAYS = (
    5 * _MINUTE,
    10 * _MINUTE,
    15 * _MINUTE,
    30 * _MINUTE,
    60 * _MINUTE,
    2 * _HOUR,
)
_LATER_DELAY = 4 * _HOUR


def next_delay(attempts: int) -> float:
    """
    How long to wait before the next attempt.

    The first come sooner than the 30 minutes of RFC 5321 4.5.4.1, since what
    keeps an attempt from succeeding is mostly over in some minutes.

    :param attempts: made so far, at least 1.
    :return: seconds.
    """
    if attempts <= len(_FIRST_DELAYS):
        return _FIRST_DELAYS[attempts - 1]
    return _LATER_DELAY


def lifetime(null_reverse_path: bool) -> float:
    """
    How long the queue tries a message (RFC 5321 4.5.4.1).

    :return: seconds; fewer for what nobody can be told of.
    """
    return (2 if null_reverse_path else 5) * _DAY
