"""
Counts the sessions with other domains' hosts by what came of their TLS, day by
day (RFC 8460 4.1).

Implementation notes

- Counts gather in memory and are written each minute: a crash may lose a minute
  of them.
- Disposable: no mail depends on it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from mailsuite.disk import Disk
from mailsuite.transfer.dane import TLSA
from mailsuite.transfer.database import Database, DatabaseLost, Tables
from mailsuite.transfer.inturn import InTurn
from mailsuite.transfer.stspolicy import STSPolicy
from mailsuite.transfer.threads import InPool
from mailsuite.transfer.tlsreport import FailureDetail, PolicyReport
from mailsuite.transfer.tlsresults import Failed

DAY = 86400

#: How long counts stay in memory, seconds; and how many different ones.
_WRITE_AFTER = 60.0
_MOST_HELD = 2000

#: Strings that are kept of one policy, and characters of one.
_MOST_STRINGS = 50
_LONGEST_STRING = 1000

#: What a report holds of one policy, and of one domain.
_MOST_DETAILS = 1000
_MOST_POLICIES = 100

#: Days that are kept until they are reported.
_KEPT_DAYS = 3

_TABLES = Tables(
    1,
    """
    CREATE TABLE policy (
        number INTEGER PRIMARY KEY,
        day INTEGER NOT NULL,
        domain TEXT NOT NULL,
        type TEXT NOT NULL,
        policy_domain TEXT NOT NULL,
        strings TEXT NOT NULL,
        mx_hosts TEXT NOT NULL,
        successes INTEGER NOT NULL DEFAULT 0,
        failures INTEGER NOT NULL DEFAULT 0,
        UNIQUE (day, domain, type, policy_domain, strings, mx_hosts)
    );
    CREATE TABLE detail (
        policy INTEGER NOT NULL,
        result TEXT NOT NULL,
        host TEXT NOT NULL,
        address TEXT NOT NULL,
        reason TEXT NOT NULL,
        count INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (policy, result, host, address, reason)
    ) WITHOUT ROWID;
    """,
)


@dataclass(frozen=True, slots=True)
class Applied:
    """
    The policy that a session was under.

    :param type: ``tlsa``, ``sts`` or ``no-policy-found`` (RFC 8460 4.4).
    """

    type: str
    domain: str
    strings: tuple[str, ...] = ()
    mx_hosts: tuple[str, ...] = ()

    @classmethod
    def of_tlsa(cls, tlsa: TLSA) -> Applied:
        """
        DANE, whose policy is the host's (RFC 8460 1.1).
        """
        records = sorted(
            f"{x.usage} {x.selector} {x.matching_type} {x.association.hex()}"[
                :_LONGEST_STRING
            ]
            for x in tlsa.records[:_MOST_STRINGS]
        )
        return cls("tlsa", tlsa.base, tuple(records))

    @classmethod
    def of_sts(cls, domain: str, policy: STSPolicy) -> Applied:
        """
        A domain's MTA-STS policy.
        """
        strings = policy.lines()[:_MOST_STRINGS]
        return cls("sts", domain, strings, policy.mx[:_MOST_STRINGS])


@dataclass(frozen=True, slots=True)
class DomainDay:
    """
    What a report is about.

    :param day: UTC, days since 1970.
    """

    domain: str
    day: int

    @property
    def begin(self) -> int:
        """
        Its first second, since 1970.
        """
        return self.day * DAY

    @property
    def end(self) -> int:
        """
        When it is over, seconds since 1970.
        """
        return self.begin + DAY


_Counted = tuple[DomainDay, Applied, Failed | None]


class SessionCounts:
    """
    Counts sessions.

    :param path: of the database.
    """

    _log = Logger()

    def __init__(
        self,
        path: str,
        disk: Disk,
        *,
        clock: IReactorTime,
        in_pool: InPool,
    ) -> None:
        self._path = path
        self._disk = disk
        self._clock = clock
        self._in_turn = InTurn(in_pool)
        self._database: Database | None = None
        self._held: Counter[_Counted] = Counter()
        self._timer: IDelayedCall | None = None

    async def start(self) -> None:
        """
        Open the database; without one, nothing is counted.
        """
        try:
            self._database = await self._in_turn(
                partial(Database, self._path, _TABLES, self._disk)
            )
        except DatabaseLost as lost:
            self._tell_lost(lost)

    async def stop(self) -> None:
        """
        Write down what was counted.
        """
        await self.write()
        database, self._database = self._database, None
        if database is not None:
            await self._in_turn(database.close)

    def succeeded(self, domain: str, applied: Applied) -> None:
        """
        A session was as its policy demands.

        :param domain: whose mail it was for.
        """
        self._count(domain, applied, None)

    def failed(self, domain: str, applied: Applied, failed: Failed) -> None:
        """
        A session was not.
        """
        self._count(domain, applied, failed)

    def _count(
        self, domain: str, applied: Applied, failed: Failed | None
    ) -> None:
        if self._database is None:
            return
        of = DomainDay(domain, int(self._clock.seconds() // DAY))
        self._held[of, applied, failed] += 1
        if self._timer is None:
            self._timer = self._clock.callLater(_WRITE_AFTER, self._begin)
        elif len(self._held) > _MOST_HELD:
            self._timer.reset(0)

    def _begin(self) -> None:
        async def watched() -> None:
            with self._log.failuresHandled("Counting TLS sessions"):
                await self.write()

        Deferred.fromCoroutine(watched())

    async def write(self) -> None:
        """
        Write down all that was counted so far.
        """
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        held, self._held = self._held, Counter()
        database = self._database
        if held and database is not None:
            try:
                await self._in_turn(partial(_add, database, held))
            except DatabaseLost as lost:
                self._tell_lost(lost)

    def _tell_lost(self, lost: DatabaseLost) -> None:
        self._log.warn(
            "TLS sessions are not counted: {reason}", reason=str(lost)
        )

    # --- For reports

    async def ended(self) -> list[DomainDay]:
        """
        The days that are over and were not reported.

        :raises DatabaseLost:
        """
        today = int(self._clock.seconds() // DAY)
        if self._database is None:
            return []
        return await self._in_turn(partial(_ended, self._database, today))

    async def of(self, what: DomainDay) -> tuple[PolicyReport, ...]:
        """
        What was counted of a domain on a day.

        :raises DatabaseLost:
        """
        if self._database is None:
            return ()
        return await self._in_turn(partial(_policies, self._database, what))

    async def done(self, what: DomainDay) -> None:
        """
        It is reported, or will not be.

        :raises DatabaseLost:
        """
        if self._database is not None:
            await self._in_turn(partial(_forget, self._database, what))


def _add(database: Database, held: Counter[_Counted]) -> None:
    with database.writing() as connection:
        for (of, applied, failed), count in held.items():
            key = (
                of.day,
                of.domain,
                applied.type,
                applied.domain,
                json.dumps(applied.strings),
                json.dumps(applied.mx_hosts),
            )
            counts = (count, 0) if failed is None else (0, count)
            (number,) = connection.execute(
                "INSERT INTO policy (day, domain, type, policy_domain,"
                " strings, mx_hosts, successes, failures)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET"
                " successes = successes + excluded.successes,"
                " failures = failures + excluded.failures"
                " RETURNING number",
                (*key, *counts),
            ).fetchone()
            if failed is not None:
                connection.execute(
                    "INSERT INTO detail VALUES (?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT DO UPDATE SET count = count + excluded.count",
                    (
                        number,
                        failed.result,
                        failed.host,
                        failed.address,
                        failed.reason,
                        count,
                    ),
                )


def _ended(database: Database, today: int) -> list[DomainDay]:
    with database.writing() as connection:
        old = (today - _KEPT_DAYS,)
        connection.execute(
            "DELETE FROM detail WHERE policy IN"
            " (SELECT number FROM policy WHERE day < ?)",
            old,
        )
        connection.execute("DELETE FROM policy WHERE day < ?", old)
        rows = connection.execute(
            "SELECT DISTINCT domain, day FROM policy WHERE day < ?"
            " ORDER BY day, domain",
            (today,),
        ).fetchall()
    return [DomainDay(domain, day) for domain, day in rows]


def _policies(database: Database, what: DomainDay) -> tuple[PolicyReport, ...]:
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT number, type, policy_domain, strings, mx_hosts, successes,"
            " failures FROM policy WHERE domain = ? AND day = ?"
            " ORDER BY failures DESC, number LIMIT ?",
            (what.domain, what.day, _MOST_POLICIES),
        ).fetchall()
        return tuple(
            PolicyReport(
                kind,
                domain,
                tuple(json.loads(strings)),
                tuple(json.loads(mx_hosts)),
                successes,
                failures,
                tuple(_details(database, number)),
            )
            for (
                number,
                kind,
                domain,
                strings,
                mx_hosts,
                successes,
                failures,
            ) in rows
        )


def _details(database: Database, number: int) -> Iterator[FailureDetail]:
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT result, count, host, address, reason FROM detail"
            " WHERE policy = ? ORDER BY count DESC LIMIT ?",
            (number, _MOST_DETAILS),
        ).fetchall()
    for result, count, host, address, reason in rows:
        yield FailureDetail(
            result,
            count,
            receiving_host=host,
            receiving_ip=address,
            reason=reason,
        )


def _forget(database: Database, what: DomainDay) -> None:
    of = what.domain, what.day
    with database.writing() as connection:
        connection.execute(
            "DELETE FROM detail WHERE policy IN"
            " (SELECT number FROM policy WHERE domain = ? AND day = ?)",
            of,
        )
        connection.execute(
            "DELETE FROM policy WHERE domain = ? AND day = ?", of
        )
