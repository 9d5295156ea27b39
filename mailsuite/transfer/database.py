"""
A database of the queue that can be made again: opened, made, replaced.

Implementation notes

- Nothing is here alone.  A database that cannot be read, or is of another
  version, is deleted.
- WAL and ``synchronous=NORMAL``: a power cut may take the last commits.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mailsuite.disk import Disk
from mailsuite.errors import MailError

_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -2048;
PRAGMA journal_size_limit = 4194304;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA temp_store = MEMORY;
"""

#: The file system fails, not the database.
_OF_DISK = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    }
)


class DatabaseLost(MailError):
    """
    The database cannot be read or written; what it knew is to be found anew.
    """

    temporary = True
    public = (
        "the list of what waits is being made again; no mail is lost, and mail"
        " goes on: try in a minute"
    )


@dataclass(frozen=True, slots=True)
class Tables:
    """
    What a database holds.

    :param version: changed whenever ``schema`` is.
    :param schema: the statements that make it.
    """

    version: int
    schema: str


class Database:
    """
    An open database; used by one thread at a time.

    :ivar fresh: it was made at this opening.
    :ivar inode: of its file.
    """

    def __init__(self, path: str, tables: Tables, disk: Disk) -> None:
        """
        :raises DatabaseLost: it cannot be opened or made.
        """
        self._path = path
        self._tables = tables
        self._disk = disk
        self.fresh = False
        try:
            self._database = self._opened()
        except sqlite3.Error as error:
            if _is_of_disk(error):
                raise DatabaseLost(str(error)) from error
            self.remove()
            with _as_lost():
                self._database = self._opened()
        self.inode = os.stat(path).st_ino

    def _opened(self) -> sqlite3.Connection:
        try:
            with suppress(FileExistsError):
                self._disk.create_named(self._path).close()
        except OSError as error:
            raise DatabaseLost(str(error)) from error
        database = sqlite3.connect(
            self._path,
            timeout=10,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            database.executescript(_PRAGMAS)
            query = "PRAGMA user_version"
            version = database.execute(query).fetchone()[0]
            if version == 0:
                self._make(database)
            elif version != self._tables.version:
                raise sqlite3.DatabaseError("another version")
        except BaseException:
            database.close()
            raise
        return database

    def _make(self, database: sqlite3.Connection) -> None:
        database.executescript("BEGIN;" + self._tables.schema)
        database.execute(f"PRAGMA user_version = {self._tables.version}")
        database.execute("COMMIT")
        self.fresh = True

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """
        For queries.

        :raises DatabaseLost: from inside, too.
        """
        with _as_lost():
            yield self._database

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """
        What is changed inside is changed whole or not at all.

        :raises DatabaseLost: from inside, too.
        """
        with _as_lost():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                with self._disk.in_order():
                    self._database.execute("COMMIT")
                    self._disk.committed(self._path)
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """
        May be called more than once.
        """
        with suppress(sqlite3.Error):
            self._database.close()

    def remove(self) -> None:
        """
        Delete its files, once it is closed.
        """
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                self._disk.unlink(self._path + suffix)


@contextmanager
def _as_lost() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseLost(str(error)) from error


def _is_of_disk(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _OF_DISK
