"""
What goes into the queue's files, and what is found in them.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsuite.disk import File
from mailsuite.transfer.entry import Standing


class NotQueued(Exception):
    """
    There is no such message in the queue.
    """


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A message that is to be queued.

    :param content: all of it, or the file without a name that has it.
    """

    standing: Standing
    content: bytes | File

    @property
    def queue_id(self) -> str:
        """
        The message's.
        """
        return self.standing.entry.queue_id


@dataclass(frozen=True, slots=True)
class Appended:
    """
    Lines that are to be added to an entry.

    :param length: octets that its file has, torn ones not counted.
    """

    queue_id: str
    length: int
    lines: bytes


@dataclass(frozen=True, slots=True)
class Rewritten:
    """
    An entry that is to be written anew.
    """

    queue_id: str
    lines: bytes


@dataclass(frozen=True, slots=True)
class Removed:
    """
    A message that is done with.

    :param file: what the name of its second content has after the queue id;
        empty if there is none.
    """

    queue_id: str
    file: str


Change = Appended | Rewritten | Removed


@dataclass(frozen=True, slots=True)
class Found:
    """
    What an entry says.

    :param length: octets of its lines.
    :param first: octets of the first of them.
    :param octets: its whole content, if that is small.
    """

    standing: Standing
    length: int
    first: int
    octets: bytes | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """
    An entry that cannot be used, and why.

    :param held: it is where it was; else it was set aside.
    """

    queue_id: str
    why: str
    held: bool
