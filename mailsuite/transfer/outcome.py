"""
What one attempt came to for one recipient.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """
    What happened; the values stand in the queue's entries.
    """

    #: An account here has it.
    DELIVERED = "delivered"
    #: The next hop has taken it, and with it the duty to tell of failures.
    SENT = "sent"
    #: Copies for several addresses have taken the place of his.
    EXPANDED = "expanded"
    #: Not now; there will be another attempt.
    DEFERRED = "deferred"
    #: Not at all: the sender is told.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The end of one attempt.

    :param enhanced: RFC 3463's code, its class in agreement with ``kind``.
    :param text: what the peer said, or why we did not ask it; one line,
        fit for the sender's eyes.
    :param code: the peer's reply code; None if no peer spoke.
    :param peer: who spoke, as ``mx.example.org [192.0.2.1]:25``; else empty.
    :param takes_dsn: the next hop announced DSN, so that it tells of success
        itself (RFC 3461 5.2.2).
    :param not_before: the next attempt comes no sooner, seconds since 1970.
    :param counts: whether this was an attempt; a host that is known to be
        dead was not asked.
    :param for_postmaster: it fails by our own configuration, and postmaster
        should hear of it.
    """

    kind: Kind
    enhanced: str
    text: str
    code: int | None = None
    peer: str = ""
    takes_dsn: bool = False
    not_before: float | None = None
    counts: bool = True
    for_postmaster: bool = False
