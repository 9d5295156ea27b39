"""
What postmaster is told, since nobody else can be: facts, gathered, and the
mail that tells them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from mailsuite.mail.address import Address
from mailsuite.mail.datetimes import print_date
from mailsuite.mail.deliverystatus import one_line
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.mail.report import ReportHeader, opening, text_part
from mailsuite.mail.trace import return_path
from mailsuite.transfer.bounce import Notification

#: More are only counted.
_MOST_FACTS = 200

#: Characters of a fact's text.
_LONGEST_TEXT = 300


class About(Enum):
    """
    What a fact is about; the values stand in the file.
    """

    #: This host's own configuration keeps mail from going out.
    TROUBLE = "trouble"
    #: Mail that failed, and has nobody to be told.
    DOUBLE_BOUNCE = "double bounce"


_HEADINGS = {
    About.TROUBLE: "Mail waits because of this host's own configuration:",
    About.DOUBLE_BOUNCE: "Notifications that could not be delivered "
    "themselves, and were discarded:",
}
_SUBJECTS = {
    About.TROUBLE: "Mail cannot be sent as it is configured",
    About.DOUBLE_BOUNCE: "Notifications that could not be delivered",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """
    Something that happened, once or more often.

    :param key: what makes two of them the same.
    :param first: when it happened first, seconds since 1970.
    :param last: when it happened last.
    """

    about: About
    key: str
    text: str
    first: float
    last: float
    times: int = 1


class Gathered:
    """
    Facts that postmaster has not been told, a bounded number of them.

    :ivar more: how many happened beyond the bound.
    """

    def __init__(self, facts: Iterable[Fact] = (), more: int = 0) -> None:
        self._facts = {(fact.about, fact.key): fact for fact in facts}
        self.more = more

    def copy(self) -> Gathered:
        """
        What is gathered at this moment.
        """
        return Gathered(self.facts, self.more)

    @property
    def facts(self) -> tuple[Fact, ...]:
        """
        In the order in which they happened first.
        """
        return tuple(self._facts.values())

    def add(self, about: About, key: str, text: str, now: float) -> None:
        """
        Something happened; what is gathered already is counted.

        :param now: seconds since 1970.
        """
        text = one_line(text)[:_LONGEST_TEXT]
        known = self._facts.get((about, key))
        if known is not None:
            known = replace(known, text=text, last=now, times=known.times + 1)
            self._facts[about, key] = known
        elif len(self._facts) < _MOST_FACTS:
            self._facts[about, key] = Fact(about, key, text, now, now)
        else:
            self.more += 1

    def told(self, earlier: Gathered) -> Gathered:
        """
        What remains when postmaster has been told what was gathered earlier.
        """
        known = set(earlier.facts)
        rest = [fact for fact in self.facts if fact not in known]
        return Gathered(rest, self.more - earlier.more)


def print_gathered(gathered: Gathered) -> bytes:
    """
    Facts as they are kept over a restart.
    """
    facts = [
        asdict(fact) | {"about": fact.about.value} for fact in gathered.facts
    ]
    return json.dumps({"facts": facts, "more": gathered.more}).encode()


def parse_gathered(octets: bytes) -> Gathered:
    """
    What ``print_gathered`` printed.

    :raises ValueError: it did not.
    """
    try:
        # Any: it is a file's content, of which nothing is known.
        found: Any = json.loads(octets)
        facts = [
            Fact(
                About(fact["about"]),
                str(fact["key"]),
                str(fact["text"]),
                float(fact["first"]),
                float(fact["last"]),
                int(fact["times"]),
            )
            for fact in found["facts"]
        ]
        return Gathered(facts, int(found["more"]))
    except (KeyError, TypeError) as error:
        raise ValueError("not what was gathered") from error


def compose(
    gathered: Gathered,
    postmaster: Address,
    *,
    our_name: str,
    new_id: str,
    now: float,
) -> Notification:
    """
    The mail that tells postmaster all of it.

    :param gathered: at least one fact.
    :param our_name: our host name, as A-labels.
    :param new_id: the mail's own queue id.
    :param now: seconds since 1970.
    """
    kinds = {fact.about for fact in gathered.facts}
    worst = About.TROUBLE if About.TROUBLE in kinds else About.DOUBLE_BOUNCE
    header = ReportHeader(
        our_name, new_id, postmaster, _SUBJECTS[worst], _moment(now)
    )
    path = return_path(None)
    content = b"".join(
        (
            path,
            opening(header, b"auto-generated"),
            text_part("\n".join(_paragraphs(gathered, our_name))),
        )
    )
    utf8 = not postmaster.is_ascii
    return Notification(
        content,
        len(path),
        Sender(None, body="8BITMIME" if utf8 else "7BIT", smtputf8=utf8),
        Recipient(postmaster),
    )


def _paragraphs(gathered: Gathered, our_name: str) -> Iterator[str]:
    yield f"This is the mail system of {our_name}.\n"
    for about, heading in _HEADINGS.items():
        facts = [fact for fact in gathered.facts if fact.about is about]
        if facts:
            yield f"{heading}\n"
        for fact in facts:
            yield f"  {fact.text}\n    {_when(fact)}\n"
    if gathered.more:
        yield f"And {gathered.more} more, which the log names.\n"


def _when(fact: Fact) -> str:
    last = print_date(_moment(fact.last)).decode("ascii")
    return last if fact.times == 1 else f"{fact.times} times, last {last}"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
