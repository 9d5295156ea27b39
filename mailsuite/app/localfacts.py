"""
What any local user may know of a suite: its names, in ``STATE/names.json``.

A start without a configuration file keeps there what ``--domain`` said, for the
next start and for the commands.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from mailsuite.app.config import Configuration
from mailsuite.disk import Disk

FILE_NAME = "names.json"


class Names(msgspec.Struct, frozen=True):
    """
    The names of a suite.
    """

    host_name: str
    default_domain: str


def write(state: Path, found: Configuration, disk: Disk) -> None:
    """
    Keep the names; durable on return.
    """
    names = Names(found.host_name, found.default_domain)
    if read(state) != names:
        octets = msgspec.json.encode(names) + b"\n"
        disk.replace(str(state / FILE_NAME), octets, 0o644)


def read(state: Path) -> Names | None:
    """
    The names of the suite in a state folder; None if none was started there.
    """
    try:
        return msgspec.json.decode((state / FILE_NAME).read_bytes(), type=Names)
    except (OSError, msgspec.DecodeError):
        return None


def named(found: Configuration, state: Path) -> Configuration:
    """
    A configuration that no file has, with the names of the suite in a state
    folder.
    """
    names = read(state)
    if names is None:
        return found
    return msgspec.structs.replace(
        found,
        host_name=names.host_name,
        default_domain=names.default_domain,
    )
