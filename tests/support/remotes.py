"""
What the tests of sending elsewhere have in common.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from mailsuite.mail.envelope import Origin

T = TypeVar("T")

MX = Origin("ESMTP", "mx", "192.0.2.7", "crepes.fr", our_name="hamburger.edu")
SUBMISSION = Origin(
    "ESMTPSA",
    "submission",
    "192.0.2.7",
    "laptop",
    user="bob@hamburger.edu",
    our_name="hamburger.edu",
)


def now(coroutine: Coroutine[Any, Any, T]) -> T:
    """
    What a coroutine returns that never waits.
    """
    results: list[T] = []
    waiting = Deferred.fromCoroutine(coroutine)
    waiting.addCallback(results.append)
    if not results:
        failures: list[Any] = []
        waiting.addErrback(failures.append)
        assert failures, "it waits"
        failures[0].raiseException()
    return results[0]
