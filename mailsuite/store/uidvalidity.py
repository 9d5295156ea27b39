"""
New UIDVALIDITYs for a Maildir++ tree, counted as Dovecot counts them.

Implementation notes

- The count is the name of an empty file, ``dovecot-uidvalidity.<8 hex>``:
  renaming it to the next number is how two programs never take the same one.
  ``dovecot-uidvalidity`` holds the same digits, as a hint.
- Without the count, DELETE and CREATE of one name within a second would give
  a UIDVALIDITY twice, and clients would trust the UIDs of the old mailbox.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress

from mailsuite.disk import Disk
from mailsuite.errors import StoreBusy
from mailsuite.mail.uids import MAXIMUM

NAME = "dovecot-uidvalidity"

_COUNT = re.compile(re.escape(NAME) + r"\.([0-9a-f]{8})\Z")

#: How often another program may be quicker.
_TRIES = 20


def next_uidvalidity(disk: Disk, root: str, now: float, above: int = 0) -> int:
    """
    A UIDVALIDITY that no mailbox of the tree had; on return that survives a
    power cut.

    :param root: the tree's folder.
    :param now: seconds since 1970, where the first count begins.
    :param above: the highest that is known to be taken.
    :raises StoreBusy: other programs were quicker, many times.
    """
    for _ in range(_TRIES):
        counts = _counts(root)
        latest = max(counts, default=int(now) - 1)
        following = max(latest, above) + 1
        if following > MAXIMUM:
            following = 1
        if not _taken(disk, root, counts, following):
            continue
        for stale in counts[:-1]:
            with suppress(FileNotFoundError):
                disk.unlink(_path(root, stale))
        # This syncs the folder, and with it the count.
        disk.replace(os.path.join(root, NAME), b"%08x" % following)
        return following
    raise StoreBusy


def _counts(root: str) -> list[int]:
    """
    The counts that are there, in order: one, or none in a new tree.
    """
    return sorted(
        int(found[1], 16)
        for found in map(_COUNT.match, os.listdir(root))
        if found
    )


def _taken(disk: Disk, root: str, counts: list[int], following: int) -> bool:
    """
    Try to take a number before anybody else does.
    """
    path = _path(root, following)
    try:
        if counts:
            disk.rename(_path(root, counts[-1]), path)
        else:
            disk.create_named(path, 0o444).close()
    except (FileNotFoundError, FileExistsError):
        return False
    return True


def _path(root: str, count: int) -> str:
    return os.path.join(root, f"{NAME}.{count:08x}")
