"""
What was seen of domains that want DMARC aggregate reports, day by day, until
it is reported; and where reports are not wanted after all.

Implementation notes

- Disposable: what is lost is not reported.
- A domain's last policy of a day stands for the day (RFC 9990 3.1).
- Strangers decide how many domains and observations there are: beyond the
  limits messages are counted only where a row exists already.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from sqlite3 import Connection

import msgspec

from mailsuite.disk import Disk
from mailsuite.emailauth.dmarcreport import (
    Observation,
    PublishedPolicy,
    published_policy,
)
from mailsuite.emailauth.dmarcwalk import Published
from mailsuite.transfer.database import Database, DatabaseLost, Tables

DAY = 86400

_MOST_DOMAINS = 10_000
_MOST_OBSERVATIONS = 200_000
#: Of one domain on one day; a report of so many can be read by all.
MOST_OF_DOMAIN = 5_000

#: Days after which what could not be reported is dropped.
_KEPT_DAYS = 3
#: Days for which a domain is known as one whose mail passes.
_PASSED_DAYS = 30
#: How long after a report its bounce is known as such, seconds.
_PATH_SECONDS = 14.0 * DAY
#: A destination misses one report, then two, four, and up to 64; reports go out
#: at the same time each day, so the time ends between two of them.  That it was
#: left alone is forgotten after so many seconds more.
_MOST_DOUBLINGS = 6
_BETWEEN_REPORTS = DAY / 2
_REMEMBERED_SECONDS = 90.0 * DAY

_TABLES = Tables(
    1,
    """
    CREATE TABLE domain (
        number INTEGER PRIMARY KEY,
        day INTEGER NOT NULL,
        domain TEXT NOT NULL,
        policy BLOB NOT NULL,
        rua BLOB NOT NULL,
        observations INTEGER NOT NULL DEFAULT 0,
        UNIQUE (day, domain)
    );
    CREATE TABLE observation (
        domain INTEGER NOT NULL,
        seen BLOB NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (domain, seen)
    ) WITHOUT ROWID;
    CREATE TABLE passed (
        domain TEXT PRIMARY KEY,
        day INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE path (
        token TEXT PRIMARY KEY,
        destination TEXT NOT NULL,
        time REAL NOT NULL,
        sent INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE unwanted (
        destination TEXT PRIMARY KEY,
        times INTEGER NOT NULL,
        until REAL NOT NULL
    ) WITHOUT ROWID;
    """,
)


@dataclass(slots=True)
class Tally:
    """
    What was seen of one domain on one day.

    :param published: its policy as it was last found.
    :param passed: some of its mail passed.
    :param observations: as ``print_observation`` prints them.
    """

    published: Published
    passed: bool = False
    observations: Counter[bytes] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, order=True)
class DomainDay:
    """
    What one report is about.

    :param day: since 1970, in UTC.
    """

    day: int
    domain: str

    @property
    def begin(self) -> int:
        """
        Seconds since 1970.
        """
        return self.day * DAY

    @property
    def end(self) -> int:
        """
        The first second that is not of the day any more.
        """
        return (self.day + 1) * DAY


@dataclass(frozen=True, slots=True)
class Seen:
    """
    All that a report may tell.

    :param rua: where the domain wants reports, as URIs.
    :param passed: some of the domain's mail passed lately.
    :param observations: the most frequent first.
    """

    policy: PublishedPolicy
    rua: tuple[str, ...]
    passed: bool
    observations: tuple[tuple[Observation, int], ...]


class DMARCLedger:
    """
    The ledger; opened when it is used.  All calls block, and are made by one
    thread at a time.

    :raises DatabaseLost: from every call.
    """

    def __init__(self, path: str, disk: Disk) -> None:
        self._path = path
        self._disk = disk
        self._database: Database | None = None

    def close(self) -> None:
        """
        May be called more than once.
        """
        if self._database is not None:
            self._database.close()
            self._database = None

    # --- Seeing ---------------------------------------------------------------

    def add(self, tallies: Mapping[DomainDay, Tally]) -> int:
        """
        Count what was seen.

        :return: messages for which there was no room.
        """
        left_out = 0
        with self._writing() as database:
            (total,) = database.execute(
                "SELECT total(observations) FROM domain"
            ).fetchone()
            room = _MOST_OBSERVATIONS - int(total)
            for of, tally in tallies.items():
                number = _number(database, of, tally)
                if number is None:
                    left_out += tally.observations.total()
                    continue
                added, missed = _count(database, number, tally, room)
                room -= added
                left_out += missed
                if tally.passed:
                    database.execute(
                        "REPLACE INTO passed VALUES (?, ?)", (of.domain, of.day)
                    )
        return left_out

    # --- Reporting ------------------------------------------------------------

    def ended(self, today: int) -> list[DomainDay]:
        """
        What is to be reported of the days before ``today``, in their order.
        """
        with self._reading() as database:
            return [
                DomainDay(*row)
                for row in database.execute(
                    "SELECT day, domain FROM domain WHERE day < ?"
                    " ORDER BY day, domain",
                    (today,),
                )
            ]

    def seen(self, of: DomainDay) -> Seen | None:
        """
        What a report tells; None if there is nothing.
        """
        with self._reading() as database:
            row = database.execute(
                "SELECT number, policy, rua FROM domain"
                " WHERE day = ? AND domain = ?",
                (of.day, of.domain),
            ).fetchone()
            if row is None:
                return None
            number, policy, rua = row
            passed = database.execute(
                "SELECT 1 FROM passed WHERE domain = ?", (of.domain,)
            ).fetchone()
            observations = database.execute(
                "SELECT seen, count FROM observation WHERE domain = ?"
                " ORDER BY count DESC, seen",
                (number,),
            )
            return Seen(
                msgspec.json.decode(policy, type=PublishedPolicy),
                msgspec.json.decode(rua, type=tuple[str, ...]),
                passed is not None,
                tuple(
                    (msgspec.json.decode(octets, type=Observation), count)
                    for octets, count in observations
                ),
            )

    def done(self, of: DomainDay) -> None:
        """
        That is reported, or never will be.
        """
        with self._writing() as database:
            _remove(database, "day = ? AND domain = ?", of.day, of.domain)

    def forget(self, now: float) -> None:
        """
        Drop what nobody needs to know any more.
        """
        today = int(now // DAY)
        with self._writing() as database:
            _remove(database, "day < ?", today - _KEPT_DAYS)
            database.execute(
                "DELETE FROM passed WHERE day < ?", (today - _PASSED_DAYS,)
            )
            database.execute(
                "DELETE FROM path WHERE time < ?", (now - _PATH_SECONDS,)
            )
            database.execute(
                "DELETE FROM unwanted WHERE until < ?",
                (now - _REMEMBERED_SECONDS,),
            )

    # --- Where reports go -----------------------------------------------------

    def begin(self, token: str, destination: str, now: float) -> bool:
        """
        Whether a report is still to go to its destination: it has not gone
        yet, and none came back lately.

        If so its path is known from here on: it may come back at once.
        """
        with self._writing() as database:
            sent = database.execute(
                "SELECT 1 FROM path WHERE token = ? AND sent", (token,)
            ).fetchone()
            unwanted = database.execute(
                "SELECT 1 FROM unwanted WHERE destination = ? AND until > ?",
                (destination, now),
            ).fetchone()
            if sent is not None or unwanted is not None:
                return False
            database.execute(
                "REPLACE INTO path VALUES (?, ?, ?, 0)",
                (token, destination, now),
            )
        return True

    def sent(self, token: str) -> None:
        """
        The report is on its way.
        """
        with self._writing() as database:
            database.execute(
                "UPDATE path SET sent = 1 WHERE token = ?", (token,)
            )

    def returned(self, token: str, now: float) -> tuple[str, float] | None:
        """
        A report came back: leave its destination alone, longer than last time.

        :return: the destination and until when; None if that is known, or the
            report is not.
        """
        with self._writing() as database:
            row = database.execute(
                "SELECT destination FROM path WHERE token = ?", (token,)
            ).fetchone()
            if row is None:
                return None
            (destination,) = row
            times, until = database.execute(
                "SELECT times, until FROM unwanted WHERE destination = ?",
                (destination,),
            ).fetchone() or (0, 0.0)
            if until > now:
                return None
            missed = 2 ** min(times, _MOST_DOUBLINGS)
            until = now + DAY * missed + _BETWEEN_REPORTS
            database.execute(
                "REPLACE INTO unwanted VALUES (?, ?, ?)",
                (destination, times + 1, until),
            )
            return destination, until

    # --- The database ---------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._closed_if_lost(), self._opened().reading() as database:
            yield database

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._closed_if_lost(), self._opened().writing() as database:
            yield database

    def _opened(self) -> Database:
        if self._database is None:
            self._database = Database(self._path, _TABLES, self._disk)
        return self._database

    @contextmanager
    def _closed_if_lost(self) -> Iterator[None]:
        """
        The next call opens it, or makes it, anew.
        """
        try:
            yield
        except DatabaseLost:
            self.close()
            raise


def print_observation(seen: Observation) -> bytes:
    """
    An observation as it is kept; equal ones are the same octets.
    """
    return msgspec.json.encode(seen)


def _number(database: Connection, of: DomainDay, tally: Tally) -> int | None:
    """
    The row of a domain and its day, with its last policy; None if there is no
    room for it.
    """
    policy = msgspec.json.encode(published_policy(tally.published))
    rua = msgspec.json.encode(tally.published.record.rua)
    row = database.execute(
        "UPDATE domain SET policy = ?, rua = ? WHERE day = ? AND domain = ?"
        " RETURNING number",
        (policy, rua, of.day, of.domain),
    ).fetchone()
    if row is not None:
        return int(row[0])
    (domains,) = database.execute("SELECT count(*) FROM domain").fetchone()
    if domains >= _MOST_DOMAINS:
        return None
    return database.execute(
        "INSERT INTO domain (day, domain, policy, rua) VALUES (?, ?, ?, ?)",
        (of.day, of.domain, policy, rua),
    ).lastrowid


def _count(
    database: Connection, number: int, tally: Tally, room: int
) -> tuple[int, int]:
    """
    :return: rows that came, and messages for which there was no room.
    """
    (had,) = database.execute(
        "SELECT observations FROM domain WHERE number = ?", (number,)
    ).fetchone()
    room = min(room, MOST_OF_DOMAIN - had)
    added = missed = 0
    for seen, count in tally.observations.items():
        changed = database.execute(
            "UPDATE observation SET count = count + ?"
            " WHERE domain = ? AND seen = ?",
            (count, number, seen),
        ).rowcount
        if changed:
            continue
        if added >= room:
            missed += count
            continue
        database.execute(
            "INSERT INTO observation VALUES (?, ?, ?)", (number, seen, count)
        )
        added += 1
    database.execute(
        "UPDATE domain SET observations = observations + ? WHERE number = ?",
        (added, number),
    )
    return added, missed


def _remove(database: Connection, which: str, *values: object) -> None:
    database.execute(
        "DELETE FROM observation WHERE domain IN"
        f" (SELECT number FROM domain WHERE {which})",
        values,
    )
    database.execute(f"DELETE FROM domain WHERE {which}", values)
