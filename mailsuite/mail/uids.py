"""
UIDs, sequence numbers, modseqs, and sets of them.

Implementation notes

- A set is kept as sorted ranges that neither touch nor overlap, so that
  ``1:4294967295`` costs as little as ``1`` (RFC 9051 9, sequence-set).
- Sets are values: every operation gives a new one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NewType

UID = NewType("UID", int)
Seq = NewType("Seq", int)
ModSeq = NewType("ModSeq", int)

#: The largest UID and sequence number (RFC 9051 9, nz-number).
MAXIMUM = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class UIDSet:
    """
    A set of UIDs (or of sequence numbers), as sorted, separate ranges.

    :param ranges: pairs (first, last), both inside; make a set with
        ``UIDSet.of`` or ``UIDSet.spanning`` unless they are known to be in
        order.
    """

    ranges: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, numbers: Iterable[int]) -> UIDSet:
        """
        The set of these numbers, in whatever order they come.
        """
        in_order = sorted(numbers)
        if not in_order:
            return cls()
        ranges: list[tuple[int, int]] = []
        first = last = in_order[0]
        for number in in_order:
            if number > last + 1:
                ranges.append((first, last))
                first = number
            last = number
        ranges.append((first, last))
        return cls(tuple(ranges))

    @classmethod
    def spanning(cls, pairs: Iterable[tuple[int, int]]) -> UIDSet:
        """
        The union of these ranges; each may be given from either end.
        """
        ranges: list[tuple[int, int]] = []
        for first, last in sorted(
            pair if pair[0] <= pair[1] else (pair[1], pair[0]) for pair in pairs
        ):
            if ranges and first <= ranges[-1][1] + 1:
                if last > ranges[-1][1]:
                    ranges[-1] = (ranges[-1][0], last)
            else:
                ranges.append((first, last))
        return cls(tuple(ranges))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        place = bisect_right(self.ranges, (number, MAXIMUM + 1)) - 1
        return place >= 0 and number <= self.ranges[place][1]

    def __or__(self, other: UIDSet) -> UIDSet:
        return UIDSet.spanning(self.ranges + other.ranges)

    def __and__(self, other: UIDSet) -> UIDSet:
        result: list[tuple[int, int]] = []
        mine, theirs = iter(self.ranges), iter(other.ranges)
        a, b = next(mine, None), next(theirs, None)
        while a is not None and b is not None:
            first, last = max(a[0], b[0]), min(a[1], b[1])
            if first <= last:
                result.append((first, last))
            if a[1] < b[1]:
                a = next(mine, None)
            else:
                b = next(theirs, None)
        return UIDSet(tuple(result))

    def __sub__(self, other: UIDSet) -> UIDSet:
        result: list[tuple[int, int]] = []
        for first, last in self.ranges:
            start = first
            place = max(bisect_right(other.ranges, (first, 0)) - 1, 0)
            for cut_first, cut_last in other.ranges[place:]:
                if cut_first > last:
                    break
                if cut_last < start:
                    continue
                if cut_first > start:
                    result.append((start, cut_first - 1))
                start = cut_last + 1
            if start <= last:
                result.append((start, last))
        return UIDSet(tuple(result))

    def __str__(self) -> str:
        """
        RFC 9051's sequence-set; the empty set is the empty string.
        """
        return ",".join(
            str(first) if first == last else f"{first}:{last}"
            for first, last in self.ranges
        )

    def __bytes__(self) -> bytes:
        return str(self).encode("ascii")
