"""
A step over several files, written down before it is begun.

Implementation notes

- One record an account, in the file ``intent``.  Who opens the account after a
  crash finds it: a copy is undone unless all its lines are in the uidlist, a
  move or a rename is finished.
- A record of a copy is gone, durably, before anybody hears of the copy: found
  again much later, it would undo what was acknowledged.  To finish a move or a
  rename twice does no harm.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Literal

import msgspec

from mailsuite.disk import Disk


class CopyIntent(msgspec.Struct, frozen=True, tag="copy"):
    """
    Files with these base names are being made in a folder.
    """

    destination: str
    bases: list[str]


class MoveIntent(msgspec.Struct, frozen=True, tag="move"):
    """
    Messages go from one folder to another.

    :param moves: base name there, base name here, and its letters.
    """

    source: str
    destination: str
    moves: list[tuple[str, str, str]]


class RenameIntent(msgspec.Struct, frozen=True, tag="rename"):
    """
    Folders get other names: pairs of old and new.
    """

    renames: list[tuple[str, str]]


Intent = CopyIntent | MoveIntent | RenameIntent


class Intents:
    """
    The record of one account.
    """

    def __init__(self, path: str, disk: Disk) -> None:
        self._path = path
        self._disk = disk

    def declare(self, intent: Intent) -> None:
        """
        Write down what is about to be done; durable on return.
        """
        self._disk.replace(self._path, msgspec.json.encode(intent))

    def fulfilled(self) -> None:
        """
        It was done, or undone.
        """
        with suppress(FileNotFoundError):
            self._disk.unlink(self._path)

    def fulfilled_for_good(self) -> None:
        """
        It was done; on return the record does not come back.
        """
        self.fulfilled()
        self._disk.sync(folders=[os.path.dirname(self._path)])

    def pending(self) -> Intent | None | Literal["unreadable"]:
        """
        What was begun and may not be done.
        """
        try:
            with open(self._path, "rb") as file:
                octets = file.read()
        except FileNotFoundError:
            return None
        try:
            intent: Intent = msgspec.json.decode(octets, type=Intent)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return "unreadable"
        return intent
