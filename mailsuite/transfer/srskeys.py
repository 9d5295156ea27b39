"""
The secrets of rewritten senders, as a file: a line each, in hexadecimal, the
first for new addresses, all for old ones.
"""

from __future__ import annotations

from pathlib import Path

from twisted.logger import Logger

from mailsuite.disk import Disk

_log = Logger()


def load_keys(disk: Disk, path: Path, new: str) -> list[bytes]:
    """
    The keys in a file, at least one; blocks.

    A line that is none is told of and left where it is.

    :param new: in hexadecimal, kept in front where there is no key.
    :raises OSError: the file cannot be read or written.
    """
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        text = ""
    found: list[bytes] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            key = bytes.fromhex(line)
        except ValueError:
            # What it holds may be a secret all the same.
            _log.error(
                "{path}: line {number} is no key", path=str(path), number=number
            )
        else:
            found += [key] if key else []
    if not found:
        disk.replace(str(path), f"{new}\n{text}".encode())
        found.append(bytes.fromhex(new))
    return found
