"""
The DNS as a table, for tests.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace

from zope.interface import implementer

from mailsuite.emailauth.domains import ascii_domain
from mailsuite.interfaces import IResolver
from mailsuite.mail.dns import (
    Answer,
    Found,
    MailExchange,
    Question,
    Record,
    RecordType,
    ServiceLocation,
    TLSARecord,
)


@implementer(IResolver)
class MemoryResolver:
    """
    Answers from a table; what is not in it does not exist.

    :ivar answers: the table, which may be changed at any time.
    :ivar asked: the questions, in their order.
    """

    def __init__(self, answers: Mapping[Question, Answer] | None = None):
        self.answers = dict(answers or {})
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> Answer:
        """
        The table's answer; a name that has other records only has none of
        that type.
        """
        self.asked.append(question)
        name = ascii_domain(question.name) or ""
        answer = self.answers.get(Question(name, question.type))
        if answer is not None:
            return answer
        alias = self.answers.get(Question(name, RecordType.CNAME))
        if alias is not None and alias.found is Found.RECORDS:
            target = str(alias.records[0])
            self.asked.pop()
            return await self.ask(Question(target, question.type))
        known = any(asked.name == name for asked in self.answers)
        found = Found.NO_RECORDS if known else Found.NO_NAME
        return Answer(found, canonical=name)


def records(
    name: str, *, secure: bool = False, **by_type: list[str] | list[bytes]
) -> dict[Question, Answer]:
    """
    The answers for a name: ``records("a.example", MX=["10 b.example"])``.
    """
    table = {}
    for word, texts in by_type.items():
        kind = RecordType[word]
        found = tuple(_record(kind, text) for text in texts)
        answer = Answer(Found.RECORDS, found, secure, name)
        table[Question(name, kind)] = answer
    return table


def zone(lines: str) -> dict[Question, Answer]:
    """
    The answers that a zone file holds; all names in it are absolute.
    """
    table: dict[Question, Answer] = {}
    for line in filter(str.strip, lines.splitlines()):
        owner, _, _, word, *rest = shlex.split(line)
        joined = "" if word == "TXT" else " "
        name = owner.removesuffix(".")
        new = records(name, **{word: [joined.join(rest)]})
        for question, answer in new.items():
            old = table.get(question, replace(answer, records=()))
            table[question] = replace(
                old, records=(*old.records, *answer.records)
            )
    return table


def failing(name: str, *kinds: RecordType) -> dict[Question, Answer]:
    """
    Questions that nobody answers.
    """
    failed = Answer(Found.FAILED, canonical=name)
    return {Question(name, kind): failed for kind in kinds}


def _record(kind: RecordType, text: str | bytes) -> Record:
    if isinstance(text, bytes):
        return text
    match kind, text.split():
        case RecordType.MX, [preference, host]:
            return MailExchange(int(preference), _host(host))
        case RecordType.SRV, [priority, weight, port, target]:
            numbers = int(priority), int(weight), int(port)
            return ServiceLocation(*numbers, _host(target))
        case RecordType.TLSA, [usage, selector, matching, association]:
            return TLSARecord(
                int(usage),
                int(selector),
                int(matching),
                bytes.fromhex(association),
            )
        case RecordType.TXT, _:
            return text.encode()
        case ((RecordType.A | RecordType.AAAA), _):
            return text
    return _host(text)


def _host(text: str) -> str:
    return text.lower().removesuffix(".")
