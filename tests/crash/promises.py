"""
What must hold after a crash, whatever the disk forgot.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from mailsuite.mail.uids import MAXIMUM
from mailsuite.store import uidlist
from tests.crash.running import Box, Message, Running, View


def broken_promises(
    found: View, before: View, after: View, *, answered: bool, together: bool
) -> list[str]:
    """
    How what is found differs from what clients were told.

    :param before: what they knew before the step.
    :param after: what its answer tells.
    :param answered: the answer was given before the crash.
    :param together: the step is made whole or not at all.
    """
    if not answered:
        after = {
            place: _untold(box, before.get(place))
            for place, box in after.items()
        }
    allowed = [after] if answered else [before, after]
    problems = _boxes(found, allowed)
    contents = {
        message.content
        for boxes in (found, before, after)
        for box in boxes.values()
        for message in box.messages
    }
    if together:
        if not any(_all_match(found, x, contents) for x in allowed):
            problems.append(
                f"messages are neither as before nor after: {found}"
            )
    else:
        problems += [
            f"{content[:40]!r} is at {_places(found, content)}"
            for content in sorted(contents)
            for number in {number for number, _ in before}
            if not any(
                _matches(_of(number, found), _of(number, x), content)
                for x in allowed
            )
        ]
    return problems


def _untold(after: Box, before: Box | None) -> Box:
    """
    The mailbox as it may be when nobody was told its numbers.
    """
    known = set() if before is None else {x.content for x in before.messages}
    messages = tuple(
        x if x.content in known else replace(x, uid=None)
        for x in after.messages
    )
    if before is None:
        return Box("", 0, 0, messages)
    return replace(after, messages=messages, modseq=before.modseq)


def _all_match(found: View, wanted: View, contents: set[bytes]) -> bool:
    return found.keys() == wanted.keys() and all(
        _matches(found, wanted, content) for content in contents
    )


def _of(number: int, boxes: View) -> View:
    """
    One account's mailboxes.
    """
    return {place: box for place, box in boxes.items() if place[0] == number}


def _matches(found: View, wanted: View, content: bytes) -> bool:
    """
    Whether a message is where it should be: there alone, once, with its flags
    and with its UID where that was told.
    """
    there, should = _places(found, content), _places(wanted, content)
    if len(there) != len(should):
        return False
    return all(
        place == wanted_place
        and message.flags == wanted_message.flags
        and wanted_message.uid in (None, message.uid)
        for (place, message), (wanted_place, wanted_message) in zip(
            there, should, strict=True
        )
    )


def _places(
    boxes: View, content: bytes
) -> list[tuple[tuple[int, str], Message]]:
    return [
        (place, message)
        for place, box in sorted(boxes.items())
        for message in box.messages
        if message.content == content
    ]


def _boxes(found: View, allowed: Sequence[View]) -> list[str]:
    """
    Mailboxes that are not as in any of the allowed views.
    """
    problems = []
    for place in set(found).union(*allowed):
        wanted = [x.get(place) for x in allowed]
        box = found.get(place)
        if not any(_is_same_box(box, x) for x in wanted):
            problems.append(f"{place} is {box}, not one of {wanted}")
    return problems


def _is_same_box(found: Box | None, wanted: Box | None) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return (
        wanted.mailbox_id in ("", found.mailbox_id)
        and wanted.uidvalidity in (0, found.uidvalidity)
        and found.modseq >= wanted.modseq
    )


def bad_uidlists(root: str) -> list[str]:
    """
    What is wrong with the uidlists below a folder: Dovecot would throw such a
    one away.
    """
    problems = []
    for folder, _, files in os.walk(root):
        if uidlist.NAME not in files:
            continue
        with open(os.path.join(folder, uidlist.NAME), "rb") as file:
            octets = file.read()
        uids, faults = uidlist.parse(octets)
        problems += [f"{folder}: {fault}" for fault in faults]
        listed = set() if uids is None else {x.base for x in uids.lines}
        names = os.listdir(f"{folder}/cur") + os.listdir(f"{folder}/new")
        problems += [
            f"{folder}: {name} has no UID"
            for name in names
            if name.partition(":")[0] not in listed
        ]
    return problems


async def reused_uids(running: Running, told: Sequence[View]) -> list[str]:
    """
    UIDs that are given to a message though clients know them for another.
    """
    problems = []
    known: dict[tuple[str, int], set[int]] = {}
    places: set[tuple[int, str]] = set()
    for boxes in told:
        for place, box in boxes.items():
            places.add(place)
            uids = known.setdefault((box.mailbox_id, box.uidvalidity), set())
            uids.update(x.uid for x in box.messages if x.uid is not None)
            uids.update(box.gone)
    for number in sorted({number for number, _ in places}):
        account = await running.account(number)
        for name in sorted(n for x, n in places if x == number):
            try:
                mailbox = await account.mailbox(name)
            except Exception:  # noqa: BLE001 - it need not be there
                continue
            probe = await running.content(b"Subject: probe\r\n\r\n\r\n")
            appended = await mailbox.append(probe)
            probe.discard()
            uids = known.get((mailbox.mailbox_id, appended.uidvalidity), set())
            if not max(uids, default=0) < appended.uids[0] <= MAXIMUM:
                problems.append(f"{name}: {appended.uids[0]} after {uids}")
            mailbox.release()
        account.release()
    return problems
