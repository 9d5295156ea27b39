"""
The steps of ``disk``, as a recorder sees them: enough to make them again.

Implementation notes

- A file is known by a number, since it may have no name when it is written,
  and several later.  Only steps on names alone bear paths.
- A sync is recorded for what was asked for, even where the system did more.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Created:
    """
    An empty file came to be.

    :param file: its number, of this ``Disk`` alone.
    :param path: its name; None while it has none.
    """

    file: int
    path: str | None
    mode: int


@dataclass(frozen=True, slots=True)
class Opened:
    """
    A file that was there can be written to from here on, at its end.
    """

    file: int
    path: str


@dataclass(frozen=True, slots=True)
class Written:
    """
    Octets were added to a file's end.
    """

    file: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """
    A file lost what it had after ``size`` octets.
    """

    file: int
    size: int


@dataclass(frozen=True, slots=True)
class Timed:
    """
    A file's modification time was set, in nanoseconds since 1970.
    """

    file: int
    time: int


@dataclass(frozen=True, slots=True)
class Linked:
    """
    A file that was being written has got a name.
    """

    file: int
    path: str


@dataclass(frozen=True, slots=True)
class HardLinked:
    """
    A file that had a name has got another.
    """

    source: str
    path: str


@dataclass(frozen=True, slots=True)
class Renamed:
    """
    A file or folder has another name; what had that name is gone.
    """

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Unlinked:
    """
    A name of a file is gone.
    """

    path: str


@dataclass(frozen=True, slots=True)
class FolderMade:
    """
    An empty folder came to be.
    """

    path: str
    mode: int


@dataclass(frozen=True, slots=True)
class FolderRemoved:
    """
    An empty folder is gone.
    """

    path: str


@dataclass(frozen=True, slots=True)
class FileSynced:
    """
    A file's content and time up to here survive a power cut.
    """

    file: int


@dataclass(frozen=True, slots=True)
class FolderSynced:
    """
    A folder's names up to here survive a power cut.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Committed:
    """
    A SQLite transaction on the database at ``path`` was committed.
    """

    path: str


Step = (
    Created
    | Opened
    | Written
    | Cut
    | Timed
    | Linked
    | HardLinked
    | Renamed
    | Unlinked
    | FolderMade
    | FolderRemoved
    | FileSynced
    | FolderSynced
    | Committed
)
