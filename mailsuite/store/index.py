"""
An account's index: what the maildir says, where it is quick to find.

Implementation notes

- Nothing is here alone: a database that cannot be read, of another version or
  of another account, is deleted, and the maildir is read anew.
- WAL and ``synchronous=NORMAL``: the last commits may be lost in a power cut;
  the maildir then differs from the index and wins.
- The message table is narrow, so that a mailbox of 100,000 messages is read in
  a few dozen milliseconds; names and renderings stand in tables of their own.
- All calls block.  Used by one thread at a time.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from mailsuite.disk import Disk
from mailsuite.errors import StoreFull, StoreUnavailable

#: Changed whenever the tables are.
SCHEMA_VERSION = 1

_PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -256;
PRAGMA mmap_size = 0;
PRAGMA journal_size_limit = 1048576;
PRAGMA wal_autocheckpoint = 1000;
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

_BY_MAILBOX = ("message", "file", "expunged", "rendering", "snapshot")

#: uid, flags, modseq, size, date
MessageRow = tuple[int, int, int, int, int]


@dataclass(slots=True)
class MailboxRow:
    """
    What the index knows of a mailbox.

    :ivar mailbox: its number in this index, 0 until it has one.
    :ivar folder: the Maildir++ folder's name; empty for INBOX.
    :ivar complete_since: expunges after this modseq are all known.
    :ivar first_recent: messages from this UID on were told to nobody.
    :ivar epoch: the account's epoch in which the folder was last compared
        whole with the index.
    :ivar seen: the folder's times and stamps as they were last looked at.
    """

    folder: str
    guid: str
    uidvalidity: int
    mailbox: int = 0
    uidnext: int = 1
    highestmodseq: int = 1
    complete_since: int = 1
    first_recent: int = 1
    epoch: int = 0
    seen: str = ""
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileRow:
    """
    Where a message's file is.

    :param place: ``new`` or ``cur``.
    :param base: its name up to the colon.
    :param info: its name from the colon on, with it; may be empty.
    :param extra: the fields of its line in the uidlist.
    """

    uid: int
    place: str
    base: str
    info: str
    extra: str = ""

    @property
    def path(self) -> str:
        """
        Where it is, from the mailbox's folder.
        """
        return f"{self.place}/{self.base}{self.info}"


class IndexBroken(Exception):
    """
    The database cannot be read, or is not what it was.
    """


class Index:
    """
    An open index.

    :param path: of the database.
    :param account: the account's number; it leads every row.
    """

    def __init__(self, path: str, account: int, disk: Disk) -> None:
        self.path = path
        self._account = account
        self._disk = disk
        self.fresh = False
        try:
            self._database = self._open()
        except (IndexBroken, sqlite3.Error) as error:
            if _is_trouble_of_disk(error):
                raise as_mail_error(error) from error
            remove_database(path, disk)
            self._database = self._open()
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
            elif version != SCHEMA_VERSION:
                raise IndexBroken
            row = database.execute("SELECT account FROM account").fetchone()
            if row != (self._account,):
                raise IndexBroken
        except BaseException:
            database.close()
            raise
        return database

    def _make_tables(self, database: sqlite3.Connection) -> None:
        database.executescript(_SCHEMA)
        database.execute(
            "INSERT INTO account VALUES (?, 0, 1)", (self._account,)
        )
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        database.execute("COMMIT")
        self.fresh = True

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

    def _all(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with self._guarded() as database:
            return database.execute(query, values).fetchall()

    def _do(self, query: str, *values: object) -> int:
        with self._guarded() as database:
            return database.execute(query, values).rowcount

    def _do_many(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        with self._guarded() as database:
            database.executemany(query, rows)

    # The account

    def standing(self) -> tuple[int, int]:
        """
        The account's last modseq, and its epoch.
        """
        [(modseq, epoch)] = self._all(
            "SELECT modseq, epoch FROM account WHERE account = ?",
            self._account,
        )
        return modseq, epoch  # type: ignore[return-value]  # columns

    def set_standing(self, modseq: int, epoch: int) -> None:
        """
        Keep the account's last modseq and its epoch.
        """
        self._do("UPDATE account SET modseq = ?, epoch = ?", modseq, epoch)

    def use(self) -> tuple[int, int]:
        """
        Octets and messages of all mailboxes.
        """
        [(octets, messages)] = self._all(
            "SELECT coalesce(sum(size), 0), count(*) FROM message"
            " WHERE account = ?",
            self._account,
        )
        return octets, messages  # type: ignore[return-value]  # columns

    # Mailboxes

    def mailboxes(self) -> list[MailboxRow]:
        """
        All of them.
        """
        rows = self._all(
            "SELECT folder, guid, uidvalidity, mailbox, uidnext,"
            " highestmodseq, complete_since, first_recent, epoch, seen,"
            " keywords FROM mailbox WHERE account = ?",
            self._account,
        )
        return [
            MailboxRow(*row[:-1], tuple(str(row[-1]).split("\n")[1:]))  # type: ignore[arg-type]  # columns
            for row in rows
        ]

    def save_mailbox(self, row: MailboxRow) -> None:
        """
        Keep a mailbox's numbers; it gets a number of its own if it has none.
        """
        values = (
            row.folder,
            row.guid,
            row.uidvalidity,
            row.uidnext,
            row.highestmodseq,
            row.complete_since,
            row.first_recent,
            row.epoch,
            row.seen,
            "".join(f"\n{word}" for word in row.keywords),
        )
        with self._guarded() as database:
            if row.mailbox:
                database.execute(
                    "UPDATE mailbox SET folder = ?, guid = ?,"
                    " uidvalidity = ?, uidnext = ?, highestmodseq = ?,"
                    " complete_since = ?, first_recent = ?, epoch = ?,"
                    " seen = ?, keywords = ? WHERE mailbox = ?",
                    (*values, row.mailbox),
                )
                return
            cursor = database.execute(
                "INSERT INTO mailbox (folder, guid, uidvalidity, uidnext,"
                " highestmodseq, complete_since, first_recent, epoch, seen,"
                " keywords, account) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, self._account),
            )
            row.mailbox = cursor.lastrowid or 0

    def forget_mailbox(self, mailbox: int) -> None:
        """
        Remove a mailbox with all that is known of it.
        """
        self.forget_messages(mailbox)
        self._do("DELETE FROM mailbox WHERE mailbox = ?", mailbox)

    def forget_messages(self, mailbox: int) -> None:
        """
        Remove all messages of a mailbox, without a trace.
        """
        for table in _BY_MAILBOX:
            self._do(
                f"DELETE FROM {table} WHERE account = ? AND mailbox = ?",
                self._account,
                mailbox,
            )

    # Messages

    def messages(self, mailbox: int) -> list[MessageRow]:
        """
        All messages of a mailbox, in the order of their UIDs.
        """
        return self._all(  # type: ignore[return-value]  # columns
            "SELECT uid, flags, modseq, size, date FROM message"
            " WHERE account = ? AND mailbox = ? ORDER BY uid",
            self._account,
            mailbox,
        )

    def snapshot(self, mailbox: int) -> tuple[int, bytes] | None:
        """
        The messages as they were at a modseq, in the form in which they were
        kept.
        """
        rows = self._all(
            "SELECT modseq, octets FROM snapshot"
            " WHERE account = ? AND mailbox = ?",
            self._account,
            mailbox,
        )
        return rows[0] if rows else None  # type: ignore[return-value]  # columns

    def keep_snapshot(self, mailbox: int, modseq: int, octets: bytes) -> None:
        """
        Keep the messages as they were at ``modseq``.
        """
        self._do(
            "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?)",
            self._account,
            mailbox,
            modseq,
            octets,
        )

    def messages_between(
        self, mailbox: int, first: int, last: int
    ) -> list[MessageRow]:
        """
        The messages with a UID from ``first`` to ``last``, both inside.
        """
        return self._all(  # type: ignore[return-value]  # columns
            "SELECT uid, flags, modseq, size, date FROM message"
            " WHERE account = ? AND mailbox = ? AND uid BETWEEN ? AND ?",
            self._account,
            mailbox,
            first,
            last,
        )

    def changed_messages(self, mailbox: int, modseq: int) -> list[MessageRow]:
        """
        The messages whose modseq is above this.
        """
        return self._all(  # type: ignore[return-value]  # columns
            "SELECT uid, flags, modseq, size, date FROM message"
            " WHERE account = ? AND mailbox = ? AND modseq > ? ORDER BY uid",
            self._account,
            mailbox,
            modseq,
        )

    def numbers(self, mailbox: int) -> tuple[int, int, int, int, int]:
        """
        Messages, those without \\Seen, with \\Deleted; octets, and of these
        those of the messages with \\Deleted.
        """
        [row] = self._all(
            "SELECT count(*), coalesce(sum(flags & 8 = 0), 0),"
            " coalesce(sum(flags & 4 != 0), 0), coalesce(sum(size), 0),"
            " coalesce(sum(CASE WHEN flags & 4 THEN size ELSE 0 END), 0)"
            " FROM message WHERE account = ? AND mailbox = ?",
            self._account,
            mailbox,
        )
        return row  # type: ignore[return-value]  # columns

    def count_from(self, mailbox: int, uid: int) -> int:
        """
        How many messages have this UID or one above.
        """
        [(count,)] = self._all(
            "SELECT count(*) FROM message"
            " WHERE account = ? AND mailbox = ? AND uid >= ?",
            self._account,
            mailbox,
            uid,
        )
        return count  # type: ignore[return-value]  # columns

    def add_messages(
        self,
        mailbox: int,
        rows: Sequence[MessageRow],
        files: Sequence[FileRow],
    ) -> None:
        """
        Add messages, each with its file.
        """
        account = self._account
        self._do_many(
            "INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(account, mailbox, *row) for row in rows],
        )
        self._do_many(
            "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (account, mailbox, f.uid, f.place, f.base, f.info, f.extra)
                for f in files
            ],
        )

    def set_flags(
        self, mailbox: int, modseq: int, flags: Iterable[tuple[int, int]]
    ) -> None:
        """
        Change flags, given as pairs of UID and flags.
        """
        account = self._account
        self._do_many(
            "UPDATE message SET flags = ?, modseq = ?"
            " WHERE account = ? AND mailbox = ? AND uid = ?",
            [(bits, modseq, account, mailbox, uid) for uid, bits in flags],
        )

    def set_names(self, mailbox: int, files: Iterable[FileRow]) -> None:
        """
        Keep where files are.
        """
        account = self._account
        self._do_many(
            "UPDATE file SET place = ?, base = ?, info = ?"
            " WHERE account = ? AND mailbox = ? AND uid = ?",
            [(f.place, f.base, f.info, account, mailbox, f.uid) for f in files],
        )

    def expunge(self, mailbox: int, modseq: int, uids: Sequence[int]) -> None:
        """
        Remove messages, and keep that they were expunged.
        """
        keys = [(self._account, mailbox, uid) for uid in uids]
        for table in ("message", "file"):
            self._do_many(
                f"DELETE FROM {table}"
                " WHERE account = ? AND mailbox = ? AND uid = ?",
                keys,
            )
        for kind in self._kinds():
            self._do_many(
                "DELETE FROM rendering WHERE account = ? AND mailbox = ?"
                f" AND kind = {kind} AND uid = ?",
                keys,
            )
        self._do_many(
            "INSERT INTO expunged VALUES (?, ?, ?, ?)",
            [(a, m, modseq, uid) for a, m, uid in keys],
        )

    def expunged_since(self, mailbox: int, modseq: int) -> list[int]:
        """
        UIDs of messages that were expunged after ``modseq``, as far as known.
        """
        rows = self._all(
            "SELECT uid FROM expunged"
            " WHERE account = ? AND mailbox = ? AND modseq > ?",
            self._account,
            mailbox,
            modseq,
        )
        return [uid for (uid,) in rows]  # type: ignore[misc]  # columns

    def prune_expunged(self, mailbox: int, keep: int) -> int | None:
        """
        Forget all but about the last ``keep`` expunges of a mailbox.

        :return: the modseq up to which they are forgotten, None if none was.
        """
        rows = self._all(
            "SELECT modseq FROM expunged WHERE account = ? AND mailbox = ?"
            " ORDER BY modseq DESC LIMIT 1 OFFSET ?",
            self._account,
            mailbox,
            keep,
        )
        if not rows:
            return None
        [(modseq,)] = rows
        self._do(
            "DELETE FROM expunged"
            " WHERE account = ? AND mailbox = ? AND modseq <= ?",
            self._account,
            mailbox,
            modseq,
        )
        return modseq  # type: ignore[return-value]  # columns

    # Files

    def files(self, mailbox: int) -> list[FileRow]:
        """
        All files of a mailbox, in the order of the UIDs.
        """
        return self._files("", mailbox)

    def files_between(
        self, mailbox: int, first: int, last: int
    ) -> list[FileRow]:
        """
        The files of the messages with a UID from ``first`` to ``last``.
        """
        return self._files(" AND uid BETWEEN ? AND ?", mailbox, first, last)

    def new_files(self, mailbox: int) -> list[FileRow]:
        """
        The files in ``new``.
        """
        return self._files(" AND place = 'new'", mailbox)

    def file_of(self, mailbox: int, base: str) -> FileRow | None:
        """
        The message whose file has this base name.
        """
        found = self._files(" AND base = ?", mailbox, base)
        return found[0] if found else None

    def extras(self, mailbox: int) -> list[tuple[int, str]]:
        """
        UIDs and fields of the messages whose lines in the uidlist have any.
        """
        return self._all(  # type: ignore[return-value]  # columns
            "SELECT uid, extra FROM file"
            " WHERE account = ? AND mailbox = ? AND extra != ''",
            self._account,
            mailbox,
        )

    def _files(
        self, condition: str, mailbox: int, *values: object
    ) -> list[FileRow]:
        rows = self._all(
            "SELECT uid, place, base, info, extra FROM file"
            f" WHERE account = ? AND mailbox = ?{condition} ORDER BY uid",
            self._account,
            mailbox,
            *values,
        )
        return [FileRow(*row) for row in rows]  # type: ignore[arg-type]  # columns

    # Renderings

    def kind(self, name: str, version: int) -> int:
        """
        The number under which this renderer's results are kept; those of its
        other versions are dropped.
        """
        rows = self._all(
            "SELECT kind FROM renderer WHERE name = ? AND version = ?",
            name,
            version,
        )
        if rows:
            return rows[0][0]  # type: ignore[return-value]  # columns
        with self.transaction():
            self._do(
                "DELETE FROM rendering WHERE kind IN"
                " (SELECT kind FROM renderer WHERE name = ?)",
                name,
            )
            self._do("DELETE FROM renderer WHERE name = ?", name)
            self._do(
                "INSERT INTO renderer (name, version) VALUES (?, ?)",
                name,
                version,
            )
        return self.kind(name, version)

    def _kinds(self) -> list[int]:
        rows = self._all("SELECT kind FROM renderer")
        return [kind for (kind,) in rows]  # type: ignore[misc]  # columns

    def renderings(
        self, mailbox: int, kind: int, first: int, last: int
    ) -> dict[int, bytes]:
        """
        The renderings of one kind of the messages from ``first`` to ``last``.
        """
        rows = self._all(
            "SELECT uid, octets FROM rendering WHERE account = ?"
            " AND mailbox = ? AND kind = ? AND uid BETWEEN ? AND ?",
            self._account,
            mailbox,
            kind,
            first,
            last,
        )
        return dict(rows)  # type: ignore[arg-type]  # columns

    def unrendered(self, mailbox: int, kind: int, first: int) -> list[int]:
        """
        The messages from ``first`` on that have no rendering of this kind.
        """
        rows = self._all(
            "SELECT uid FROM message WHERE account = ?1 AND mailbox = ?2"
            " AND uid >= ?4 AND uid NOT IN (SELECT uid FROM rendering"
            " WHERE account = ?1 AND mailbox = ?2 AND kind = ?3"
            " AND uid >= ?4)",
            self._account,
            mailbox,
            kind,
            first,
        )
        return [uid for (uid,) in rows]  # type: ignore[misc]  # columns

    def add_renderings(
        self, mailbox: int, kind: int, rendered: Iterable[tuple[int, bytes]]
    ) -> None:
        """
        Keep renderings, given as pairs of UID and octets; those of messages
        that are gone are left out.
        """
        account = self._account
        self._do_many(
            "INSERT OR REPLACE INTO rendering"
            " SELECT account, mailbox, ?, uid, ? FROM message"
            " WHERE account = ? AND mailbox = ? AND uid = ?",
            [(kind, octets, account, mailbox, uid) for uid, octets in rendered],
        )


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
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreFull()
    return StoreUnavailable()
