"""
Several things done at the same time.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any

from twisted.internet.defer import Deferred


async def side_by_side(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """
    Wait for all of them; if one fails, the others are cancelled.
    """
    begun = [Deferred.fromCoroutine(work) for work in works]
    try:
        for one in begun:
            await one
    finally:
        for one in begun:
            one.addErrback(lambda _: None)
            one.cancel()
