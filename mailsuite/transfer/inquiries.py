"""
Puts the questions of an inquiry to a resolver.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from mailsuite.interfaces import IResolver
from mailsuite.mail.dns import Answer, Inquiry, Question
from mailsuite.transfer.threads import InPool

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Result(Generic[_T]):
    value: _T


async def answered(
    inquiry: Inquiry[_T], resolver: IResolver, in_pool: InPool | None = None
) -> _T:
    """
    What an inquiry comes to.

    :param in_pool: where it thinks, if that takes long.
    """
    answer: Answer | None = None
    try:
        while True:
            step = partial(_step, inquiry, answer)
            found = step() if in_pool is None else await in_pool(step)
            if isinstance(found, _Result):
                return found.value
            answer = await resolver.ask(found)
    finally:
        # A thread may still be in it; then it ends with its last reference.
        if in_pool is None:
            inquiry.close()


def _step(
    inquiry: Inquiry[_T], answer: Answer | None
) -> Question | _Result[_T]:
    try:
        return next(inquiry) if answer is None else inquiry.send(answer)
    except StopIteration as end:
        # What a generator returns has no other way out of a thread.
        return _Result(end.value)
