"""
Where the work of this room that blocks is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class InPool(Protocol):
    """
    Calls a function in a thread where it may block.
    """

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """
        What it returns or raises comes back.
        """
