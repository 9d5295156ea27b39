"""
A search of one mailbox.

Implementation notes

- Keys that need no file are tried on all messages first; files are read in
  slices of some milliseconds, so that the pool serves others in between.
- A message that is expunged meanwhile does not match; one whose flags change
  is found under its other name, and counts as it was at the beginning.
"""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from mmap import mmap
from typing import Protocol, TypeVar

from mailsuite.mail.flags import FlagNames
from mailsuite.mail.mailboxes import Messages
from mailsuite.mail.query import Key
from mailsuite.mail.searchtext import SearchableText
from mailsuite.mail.uids import UIDSet
from mailsuite.store.searchkeys import (
    Facts,
    asks_for_save_dates,
    matches,
    prepared,
    sift,
)

T = TypeVar("T")

#: A slice ends with so many messages, or so many octets of them.
_SLICE_MESSAGES = 32
_SLICE_OCTETS = 256 * 1024

#: More hits than this are made a set of in a thread.
_FEW = 1000

#: How many files' paths are asked for at once.
_PATHS_AT_ONCE = 512


class Searched(Protocol):
    """
    The mailbox as this module needs it.
    """

    @property
    def messages(self) -> Messages:
        """
        See ``IMailbox``.
        """

    @property
    def flag_names(self) -> FlagNames:
        """
        See ``IMailbox``.
        """

    async def save_dates(self, uids: Sequence[int]) -> list[int]:
        """
        See ``IMailbox``.
        """

    async def file_paths(
        self, uids: UIDSet, *, check: bool = False
    ) -> dict[int, str]:
        """
        Where these messages' files are; nothing of those that are gone.

        :param check: they are not where they were thought to be.
        """

    def whole(self, path: str) -> bytes | mmap:
        """
        All of a message, CR LF at the end of each line.  Called in a thread.

        :raises FileNotFoundError: the file has another name.
        """

    def in_pool(self, work: Callable[[], T], /) -> Awaitable[T]:
        """
        Call what blocks in a thread.
        """


async def search(mailbox: Searched, key: Key) -> UIDSet:
    """
    The messages that match.
    """
    key = prepared(key)
    facts = await _facts(mailbox, key)
    found, left = await mailbox.in_pool(partial(sift, key, facts))
    for start in range(0, len(left), _PATHS_AT_ONCE):
        places = left[start : start + _PATHS_AT_ONCE]
        uids = UIDSet.of(facts.uids[place] for place in places)
        paths = await mailbox.file_paths(uids)
        for some in _slices(places, facts.sizes):
            matching, moved = await mailbox.in_pool(
                partial(_tried, mailbox, key, facts, some, paths=paths)
            )
            found += matching
            for place in moved:
                found += await _try_moved(mailbox, key, facts, place)
    if len(found) <= _FEW:
        return _uids(facts, found)
    return await mailbox.in_pool(partial(_uids, facts, found))


def _uids(facts: Facts, places: Sequence[int]) -> UIDSet:
    return UIDSet.of([facts.uids[place] for place in places])


async def _facts(mailbox: Searched, key: Key) -> Facts:
    """
    The mailbox's numbers as they are at this moment.
    """
    messages = mailbox.messages
    facts = Facts(
        messages.uids[:],
        messages.flags[:],
        messages.modseqs[:],
        messages.sizes[:],
        messages.dates[:],
        mailbox.flag_names,
    )
    if not asks_for_save_dates(key):
        return facts
    return Facts(
        facts.uids,
        facts.flags,
        facts.modseqs,
        facts.sizes,
        facts.dates,
        facts.names,
        await mailbox.save_dates(facts.uids),
    )


def _slices(places: Sequence[int], sizes: array[int]) -> Iterator[list[int]]:
    some: list[int] = []
    octets = 0
    for place in places:
        some.append(place)
        octets += sizes[place]
        if len(some) == _SLICE_MESSAGES or octets >= _SLICE_OCTETS:
            yield some
            some, octets = [], 0
    if some:
        yield some


async def _try_moved(
    mailbox: Searched, key: Key, facts: Facts, place: int
) -> list[int]:
    """
    Try a message again whose file has got another name, or is gone.
    """
    uids = UIDSet.of([facts.uids[place]])
    paths = await mailbox.file_paths(uids, check=True)
    matching, _ = await mailbox.in_pool(
        partial(_tried, mailbox, key, facts, [place], paths=paths)
    )
    return matching


def _tried(
    mailbox: Searched,
    key: Key,
    facts: Facts,
    places: Sequence[int],
    *,
    paths: dict[int, str],
) -> tuple[list[int], list[int]]:
    """
    The places that match, and those whose files are not there.  In a thread.
    """
    matching: list[int] = []
    moved: list[int] = []
    for place in places:
        try:
            content = mailbox.whole(paths[facts.uids[place]])
        except (KeyError, FileNotFoundError):
            moved.append(place)
            continue
        except OSError:
            # It is served as an empty message; the look has warned of it.
            content = b""
        if matches(key, facts, place, SearchableText(content)):
            matching.append(place)
    return matching, moved
