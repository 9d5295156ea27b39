"""
One suite a state folder: the lock that says so.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

LOCK_NAME = "lock"


class StateInUse(Exception):
    """
    A running suite, or a command, has the folder.
    """


class StateLock:
    """
    The exclusive right to a state folder, as long as this object is held.

    The kernel gives it back when the process ends, however that happens.
    """

    def __init__(self, state: Path) -> None:
        """
        :raises StateInUse: another process has it.
        """
        self._descriptor = os.open(
            state / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StateInUse(
                f"{state}: in use by a running suite or command"
            ) from error

    def release(self) -> None:
        """
        Let others have it.
        """
        os.close(self._descriptor)


def in_use(state: Path) -> bool:
    """
    Whether somebody has the folder at this moment; changes nothing.
    """
    try:
        descriptor = os.open(state / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
