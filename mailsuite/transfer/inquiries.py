"""
Puts the questions of an inquiry to a resolver.
"""

from __future__ import annotations

from typing import TypeVar

from mailsuite.interfaces import IResolver
from mailsuite.mail.dns import Answer, Inquiry

_T = TypeVar("_T")


async def answered(inquiry: Inquiry[_T], resolver: IResolver) -> _T:
    """
    What an inquiry comes to.
    """
    try:
        question = next(inquiry)
        while True:
            answer: Answer = await resolver.ask(question)
            question = inquiry.send(answer)
    except StopIteration as end:
        # A generator's result is whatever its annotation says.
        result: _T = end.value
        return result
    finally:
        inquiry.close()
