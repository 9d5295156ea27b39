"""
A zone in memory that answers inquiries, and counts what it was asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from mailsuite.mail.dns import (
    Answer,
    Found,
    Inquiry,
    Question,
    Record,
    RecordType,
)

_T = TypeVar("_T")


class Zone:
    """
    Names with their records.

    :param records: by name, then by type; a name without records exists.
    :param silent: names that get no answer.
    """

    def __init__(
        self,
        records: Mapping[str, Mapping[RecordType, Sequence[Record]]],
        silent: Sequence[str] = (),
    ) -> None:
        self._records = records
        self._silent = set(silent)
        self.asked: list[Question] = []

    def answer(self, question: Question) -> Answer:
        """
        What the zone says.
        """
        self.asked.append(question)
        if question.name in self._silent:
            return Answer(Found.FAILED)
        name = self._records.get(question.name)
        if name is None:
            return Answer(Found.NO_NAME)
        records = tuple(name.get(question.type, ()))
        if not records:
            return Answer(Found.NO_RECORDS)
        return Answer(Found.RECORDS, records, canonical=question.name)

    def resolve(self, inquiry: Inquiry[_T]) -> _T:
        """
        Answer all questions of an inquiry; its result.
        """
        answer: Answer | None = None
        try:
            while True:
                question = (
                    next(inquiry) if answer is None else inquiry.send(answer)
                )
                answer = self.answer(question)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
