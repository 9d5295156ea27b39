"""
What waits in the queue, as rows: found by when it is due, and by what an
operator asks for.

Implementation notes

- Disposable: the entries' files are the truth, and who picks a message reads
  its entry first.
- Changes wait in memory for a second or so; what comes and goes in that time
  never touches the database.
- ``next`` is when the queue has something to do for the message: an attempt,
  or a notification.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mailsuite.disk import Disk
from mailsuite.transfer.database import Database, Tables
from mailsuite.transfer.filters import Filter

_TABLES = Tables(
    2,
    """
    CREATE TABLE message (
        id TEXT PRIMARY KEY,
        length INTEGER NOT NULL,
        octets INTEGER NOT NULL,
        arrival REAL NOT NULL,
        expiry REAL NOT NULL,
        next REAL,
        forced INTEGER NOT NULL,
        held TEXT,
        reverse_path TEXT,
        user TEXT,
        backlog TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX due ON message (next, backlog, user) WHERE next IS NOT NULL;
    CREATE TABLE recipient (
        id TEXT NOT NULL,
        number INTEGER NOT NULL,
        address TEXT NOT NULL,
        original TEXT NOT NULL,
        domain TEXT NOT NULL,
        waits INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (id, number)
    ) WITHOUT ROWID;
    """,
)


@dataclass(frozen=True, slots=True)
class ListedRecipient:
    """
    One recipient of a message that waits.

    :param original: the address that the sender used.
    :param reason: what the last attempt came to; empty before the first.
    """

    number: int
    address: str
    original: str
    domain: str
    waits: bool
    attempts: int
    reason: str


@dataclass(frozen=True, slots=True)
class Listed:
    """
    A message that waits.

    :param length: octets of its entry.
    :param octets: of its content.
    :param arrival: seconds since 1970, as the other times.
    :param next: when there is something to do; None while it is held.
    :param held: why it is held.
    :param reverse_path: None is the null reverse-path.
    :param user: the login that submitted it.
    :param backlog: the destination that it waits for first.
    """

    queue_id: str
    length: int
    octets: int
    arrival: float
    expiry: float
    next: float | None
    held: str | None
    reverse_path: str | None
    user: str | None
    backlog: str
    recipients: tuple[ListedRecipient, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """
    A message for which there is something to do.

    :param forced: the operator wants an attempt, whenever it would be due.
    :param backlog: the destination that it waits for first.
    :param user: the login that submitted it; empty if none did.
    """

    queue_id: str
    forced: bool
    backlog: str
    user: str


class Index:
    """
    The open index.  All calls block, and are made by one thread at a time.

    :raises DatabaseLost: from every call.
    """

    def __init__(self, path: str, disk: Disk) -> None:
        self._database = Database(path, _TABLES, disk)
        self.fresh = self._database.fresh
        self.inode = self._database.inode

    def close(self) -> None:
        """
        May be called more than once.
        """
        self._database.close()

    def remove(self) -> None:
        """
        Close it, and delete it.
        """
        self._database.close()
        self._database.remove()

    def change(
        self, rows: Iterable[Listed], removed: Iterable[str] = ()
    ) -> None:
        """
        Put rows in the place of those with the same id, and remove others.
        """
        with self._database.writing() as database:
            rows = list(rows)
            gone = [(queue_id,) for queue_id in removed]
            gone += [(row.queue_id,) for row in rows]
            database.executemany("DELETE FROM message WHERE id = ?", gone)
            database.executemany("DELETE FROM recipient WHERE id = ?", gone)
            database.executemany(
                "INSERT INTO message VALUES (?,?,?,?,?,?,0,?,?,?,?)",
                [_message(row) for row in rows],
            )
            database.executemany(
                "INSERT INTO recipient VALUES (?,?,?,?,?,?,?,?)",
                [
                    (row.queue_id, *_recipient(one))
                    for row in rows
                    for one in row.recipients
                ],
            )

    def due(
        self,
        now: float,
        most: int,
        *,
        not_for: Sequence[str],
        not_from: Sequence[str],
    ) -> list[Due]:
        """
        The messages that have waited longest for something to be done.

        :param not_for: destinations that have enough, for the moment.
        :param not_from: logins that have.
        """
        with self._database.reading() as database:
            return [
                Due(queue_id, bool(forced), backlog, user or "")
                for queue_id, forced, backlog, user in database.execute(
                    "SELECT id, forced, backlog, user FROM message"
                    " WHERE next <= ?"
                    f" AND backlog NOT IN ({_marks(not_for)})"
                    f" AND ifnull(user, '') NOT IN ({_marks(not_from)})"
                    " ORDER BY next LIMIT ?",
                    (now, *not_for, *not_from, most),
                )
            ]

    def next_after(self, now: float) -> float | None:
        """
        When there is something to do next, after ``now``.
        """
        with self._database.reading() as database:
            row = database.execute(
                "SELECT min(next) FROM message WHERE next > ?", (now,)
            ).fetchone()
            found: float | None = row[0]
            return found

    def count(self, wanted: Filter, now: float) -> int:
        """
        How many messages an operator means.
        """
        condition, values = wanted.condition(now)
        with self._database.reading() as database:
            row = database.execute(
                f"SELECT count(*) FROM message WHERE {condition}", values
            ).fetchone()
            return int(row[0])

    def ids(
        self, wanted: Filter, now: float, after: str, most: int
    ) -> list[str]:
        """
        Ids of messages that an operator means, in their order, after one.
        """
        condition, values = wanted.condition(now)
        with self._database.reading() as database:
            return [
                row[0]
                for row in database.execute(
                    f"SELECT id FROM message WHERE id > ? AND {condition}"
                    " ORDER BY id LIMIT ?",
                    (after, *values, most),
                )
            ]

    def page(
        self, wanted: Filter, now: float, after: str, most: int
    ) -> list[Listed]:
        """
        As ``ids``, with all that is known of them here.
        """
        condition, values = wanted.condition(now)
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT id, length, octets, arrival, expiry, next, held,"
                " reverse_path, user, backlog FROM message"
                f" WHERE id > ? AND {condition} ORDER BY id LIMIT ?",
                (after, *values, most),
            ).fetchall()
            return [
                Listed(*(*row, _recipients(database, row[0]))) for row in rows
            ]

    def force(self, ids: Sequence[str], now: float) -> int:
        """
        Have an attempt made now for each that is not held.

        :return: how many these are.
        """
        with self._database.writing() as database:
            return sum(
                database.execute(
                    "UPDATE message SET next = ?, forced = 1"
                    " WHERE id = ? AND held IS NULL",
                    (now, queue_id),
                ).rowcount
                for queue_id in ids
            )

    def put_off(self, queue_id: str, due: float) -> None:
        """
        There is nothing to do for a message before ``due``.
        """
        with self._database.writing() as database:
            database.execute(
                "UPDATE message SET next = ? WHERE id = ?", (due, queue_id)
            )

    def held_users(self, reason: str) -> list[str]:
        """
        The logins whose messages are held for this reason.
        """
        with self._database.reading() as database:
            return [
                row[0]
                for row in database.execute(
                    "SELECT DISTINCT user FROM message"
                    " WHERE held = ? AND user IS NOT NULL",
                    (reason,),
                )
            ]

    def lengths(self, shard: str) -> dict[str, int]:
        """
        The entries of a shard, each with the octets of its file.
        """
        with self._database.reading() as database:
            return dict(
                database.execute(
                    "SELECT id, length FROM message WHERE id >= ? AND id < ?",
                    (shard, shard + "g"),
                )
            )

    def shards(self) -> list[str]:
        """
        The shards of all that is known.
        """
        found: list[str] = []
        with self._database.reading() as database:
            while row := database.execute(
                "SELECT min(id) FROM message WHERE id >= ?",
                (f"{found[-1]}g" if found else "",),
            ).fetchone():
                if row[0] is None:
                    break
                found.append(row[0][:8])
        return found


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _message(row: Listed) -> tuple[object, ...]:
    return (
        row.queue_id,
        row.length,
        row.octets,
        row.arrival,
        row.expiry,
        row.next,
        row.held,
        row.reverse_path,
        row.user,
        row.backlog,
    )


def _recipient(one: ListedRecipient) -> tuple[object, ...]:
    return (
        one.number,
        one.address,
        one.original,
        one.domain,
        one.waits,
        one.attempts,
        one.reason,
    )


def _recipients(
    database: sqlite3.Connection, queue_id: str
) -> tuple[ListedRecipient, ...]:
    return tuple(
        ListedRecipient(
            number, address, original, domain, bool(waits), attempts, reason
        )
        for number, address, original, domain, waits, attempts, reason in (
            database.execute(
                "SELECT number, address, original, domain, waits, attempts,"
                " reason FROM recipient WHERE id = ? ORDER BY number",
                (queue_id,),
            )
        )
    )
