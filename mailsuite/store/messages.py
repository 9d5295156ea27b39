"""
A mailbox's messages in memory, kept up with what is committed.

Implementation notes

- The arrays are made in a thread, and changed in the reactor's alone.
- A large mailbox is read from a snapshot of the arrays, with what changed since
  it was taken: 100,000 rows one by one take ten times as long.
- Changes come as rows by rising UIDs; where they are neighbours in the arrays,
  as they mostly are, whole slices are set at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from mailsuite.mail.mailboxes import Messages
from mailsuite.store.rows import MessageRow


def loaded(rows: Sequence[MessageRow]) -> Messages:
    """
    The arrays for these rows.
    """
    if not rows:
        return Messages()
    uids, flags, modseqs, sizes, dates = zip(*rows, strict=True)
    return Messages(
        array("I", uids),
        array("I", flags),
        array("Q", modseqs),
        array("Q", sizes),
        array("q", dates),
    )


def printed(messages: Messages) -> bytes:
    """
    The arrays as octets, for a snapshot.
    """
    return b"".join(
        [
            messages.uids.tobytes(),
            messages.flags.tobytes(),
            messages.modseqs.tobytes(),
            messages.sizes.tobytes(),
            messages.dates.tobytes(),
        ]
    )


def parsed(octets: bytes) -> Messages | None:
    """
    The arrays that ``printed`` wrote; None if these are none.
    """
    messages = Messages()
    arrays = (
        messages.uids,
        messages.flags,
        messages.modseqs,
        messages.sizes,
        messages.dates,
    )
    count, rest = divmod(len(octets), sum(a.itemsize for a in arrays))
    if rest:
        return None
    start = 0
    for numbers in arrays:
        end = start + count * numbers.itemsize
        numbers.frombytes(octets[start:end])
        start = end
    return messages


def merge(
    messages: Messages, rows: Sequence[MessageRow]
) -> tuple[Messages, list[int], list[int]]:
    """
    Take rows over.

    :return: the messages, another object only if a message came in between;
        the UIDs that are new; those whose flags were set.
    """
    last = messages.uids[-1] if messages.uids else 0
    old = [row for row in rows if row[0] <= last]
    new = [row for row in rows if row[0] > last]
    between: list[MessageRow] = []
    if old and not _set_slice(messages, old):
        between = _set_each(messages, old)
    if new:
        more = loaded(new)
        messages.uids.extend(more.uids)
        messages.flags.extend(more.flags)
        messages.modseqs.extend(more.modseqs)
        messages.sizes.extend(more.sizes)
        messages.dates.extend(more.dates)
    if between:
        messages = loaded(sorted([*as_rows(messages), *between]))
    added = [row[0] for row in between] + [row[0] for row in new]
    unseen = {row[0] for row in between}
    return messages, added, [x[0] for x in old if x[0] not in unseen]


def _set_slice(messages: Messages, rows: Sequence[MessageRow]) -> bool:
    start = messages.place(rows[0][0])
    if start is None:
        return False
    end = start + len(rows)
    uids = array("I", [row[0] for row in rows])
    if messages.uids[start:end] != uids:
        return False
    messages.flags[start:end] = array("I", [row[1] for row in rows])
    messages.modseqs[start:end] = array("Q", [row[2] for row in rows])
    return True


def _set_each(
    messages: Messages, rows: Sequence[MessageRow]
) -> list[MessageRow]:
    """
    Set what is there.

    :return: the rows of messages that are not.
    """
    missing = []
    for row in rows:
        place = messages.place(row[0])
        if place is None:
            missing.append(row)
        else:
            messages.flags[place] = row[1]
            messages.modseqs[place] = row[2]
    return missing


def as_rows(messages: Messages) -> list[MessageRow]:
    """
    The other way round from ``loaded``.
    """
    return list(
        zip(
            messages.uids,
            messages.flags,
            messages.modseqs,
            messages.sizes,
            messages.dates,
            strict=True,
        )
    )


def without(messages: Messages, uids: Sequence[int]) -> Messages:
    """
    Another object that lacks these messages.
    """
    places = [p for uid in uids if (p := messages.place(uid)) is not None]
    return Messages(
        _cut(messages.uids, places),
        _cut(messages.flags, places),
        _cut(messages.modseqs, places),
        _cut(messages.sizes, places),
        _cut(messages.dates, places),
    )


def _cut(numbers: array[int], places: Sequence[int]) -> array[int]:
    kept = numbers[:0]
    start = 0
    for place in places:
        kept.extend(numbers[start:place])
        start = place + 1
    kept.extend(numbers[start:])
    return kept
