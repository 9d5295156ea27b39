"""
The database that an account's index is kept in: opened, made, replaced.

Implementation notes

- Nothing is here alone: a database that cannot be read, of another version or
  of another account, is deleted, and the maildir is read anew.
- WAL and ``synchronous=NORMAL``: the last commits may be lost in a power cut;
  the maildir then differs from the index and wins.
- The message table is narrow, so that a mailbox of 100,000 messages is read in
  a few dozen milliseconds; names and renderings stand in tables of their own.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote

from mailsuite.disk import Disk
from mailsuite.errors import StoreFull, StoreUnavailable

#: A row's columns are of the types that the query names.
Row = tuple[Any, ...]

#: Changed whenever the tables are.
SCHEMA_VERSION = 1

_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -64;
PRAGMA mmap_size = 0;
PRAGMA journal_size_limit = 1048576;
PRAGMA wal_autocheckpoint = 4000;
PRAGMA temp_store = MEMORY;
"""

_SCHEMA = """
BEGIN;
CREATE TABLE account (
    account INTEGER PRIMARY KEY,
    modseq INTEGER NOT NULL,
    epoch INTEGER NOT NULL
);
CREATE TABLE mailbox (
    account INTEGER NOT NULL,
    mailbox INTEGER PRIMARY KEY AUTOINCREMENT,
    folder TEXT NOT NULL,
    guid TEXT NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL,
    highestmodseq INTEGER NOT NULL,
    complete_since INTEGER NOT NULL,
    first_recent INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seen TEXT NOT NULL,
    keywords TEXT NOT NULL,
    UNIQUE (account, folder)
);
CREATE TABLE message (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    size INTEGER NOT NULL,
    date INTEGER NOT NULL,
    PRIMARY KEY (account, mailbox, uid)
) WITHOUT ROWID;
CREATE TABLE file (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    place TEXT NOT NULL,
    base TEXT NOT NULL,
    info TEXT NOT NULL,
    extra TEXT NOT NULL,
    PRIMARY KEY (account, mailbox, uid)
) WITHOUT ROWID;
CREATE UNIQUE INDEX file_base ON file (account, mailbox, base);
CREATE INDEX file_new ON file (account, mailbox) WHERE place = 'new';
CREATE TABLE snapshot (
    account INTEGER NOT NULL,
    mailbox INTEGER PRIMARY KEY,
    modseq INTEGER NOT NULL,
    octets BLOB NOT NULL
);
CREATE TABLE expunged (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    PRIMARY KEY (account, mailbox, modseq, uid)
) WITHOUT ROWID;
CREATE TABLE renderer (
    kind INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (name, version)
);
CREATE TABLE rendering (
    account INTEGER NOT NULL,
    mailbox INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    octets BLOB NOT NULL,
    PRIMARY KEY (account, mailbox, kind, uid)
) WITHOUT ROWID;
"""


class IndexBroken(Exception):
    """
    The database cannot be read, or is not what it was.
    """


class Database:
    """
    An open database.

    :param path: of its file.
    :param account: the account's number; it leads every row.
    :ivar fresh: it was made at this opening.
    :ivar read_only: the disk was full at the opening.
    :ivar inode: of its file; another one there is another database.
    """

    def __init__(self, path: str, account: int, disk: Disk) -> None:
        self.path = path
        self.account = account
        self._disk = disk
        self.fresh = False
        self.read_only = False
        try:
            self._database = self._open()
        except (IndexBroken, sqlite3.Error) as error:
            if not _is_trouble_of_disk(error):
                remove_database(path, disk)
                self._database = self._open()
            elif isinstance(as_mail_error(error), StoreFull):
                self._database = self._open_for_reading(error)
            else:
                raise as_mail_error(error) from error
        self.inode = os.stat(path).st_ino

    def _open(self) -> sqlite3.Connection:
        with suppress(FileExistsError):
            self._disk.create_named(self.path).close()
        database = sqlite3.connect(
            self.path,
            timeout=10,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        try:
            database.executescript(_PRAGMAS)
            version = database.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._make_tables(database)
            self._verify(database)
        except BaseException:
            database.close()
            raise
        return database

    def _verify(self, database: sqlite3.Connection) -> None:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise IndexBroken
        row = database.execute("SELECT account FROM account").fetchone()
        if row != (self.account,):
            raise IndexBroken

    def _open_for_reading(self, error: Exception) -> sqlite3.Connection:
        """
        The database on a full disk, where it was closed in order: there is no
        room for what goes beside an open one.

        :raises StoreFull: it was not.
        """
        wal = f"{self.path}-wal"
        if os.path.exists(wal) and os.path.getsize(wal):
            raise StoreFull from error
        database = sqlite3.connect(
            f"file:{quote(self.path)}?immutable=1",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            self._verify(database)
        except (IndexBroken, sqlite3.Error):
            database.close()
            raise StoreFull from error
        self.read_only = True
        return database

    def _make_tables(self, database: sqlite3.Connection) -> None:
        database.executescript(_SCHEMA)
        database.execute(
            "INSERT INTO account VALUES (?, 0, 1)", (self.account,)
        )
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        database.execute("COMMIT")
        self.fresh = True

    def check(self) -> None:
        """
        Read all of it.

        :raises IndexBroken: it is not as it was written.
        """
        if self.all("PRAGMA quick_check(1)") != [("ok",)]:
            raise IndexBroken("quick_check")

    def close(self) -> None:
        """
        Close the database.  May be called more than once.
        """
        with suppress(sqlite3.Error):
            self._database.close()

    @contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._database
        except sqlite3.Error as error:
            if _is_trouble_of_disk(error):
                raise as_mail_error(error) from error
            raise IndexBroken(str(error)) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """
        What is changed inside is changed whole or not at all.
        """
        if self.read_only:
            raise StoreFull
        with self._guarded() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield
                with self._disk.in_order():
                    database.execute("COMMIT")
                    self._disk.committed(self.path)
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    def all(self, query: str, *values: object) -> list[Row]:
        """
        All rows that a query finds.
        """
        with self._guarded() as database:
            return database.execute(query, values).fetchall()

    def do(self, query: str, *values: object) -> int:
        """
        Change rows.

        :return: the number of the last row that was inserted.
        """
        with self._guarded() as database:
            return database.execute(query, values).lastrowid or 0

    def do_many(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        """
        Change rows, once for each of ``rows``.
        """
        with self._guarded() as database:
            database.executemany(query, rows)


def remove_database(path: str, disk: Disk) -> None:
    """
    Delete a database that can be made again.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            disk.unlink(path + suffix)


def _is_trouble_of_disk(error: Exception) -> bool:
    """
    Whether it is the file system that fails, not the database that is bad.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    )


def as_mail_error(error: Exception) -> StoreFull | StoreUnavailable:
    """
    What a failure of the file system under SQLite means.
    """
    # SHMSIZE: the file beside the WAL could not grow.
    code = getattr(error, "sqlite_errorcode", 0)
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE):
        return StoreFull()
    return StoreUnavailable()
