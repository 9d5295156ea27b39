"""
MTA-STS policies of other domains, kept on disk (RFC 8461 5.1).

Implementation notes

- Disposable: a policy that is lost is fetched again, and until then its domain
  is as one that was never written to.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailsuite.disk import Disk
from mailsuite.transfer.database import Database, Tables
from mailsuite.transfer.stspolicy import STSPolicy, parse_policy

_TABLES = Tables(
    1,
    """
    CREATE TABLE policy (
        domain TEXT PRIMARY KEY,
        id TEXT NOT NULL,
        fetched REAL NOT NULL,
        tried REAL NOT NULL,
        expiry REAL NOT NULL,
        used REAL NOT NULL,
        text BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX policy_tried ON policy (tried);
    CREATE INDEX policy_expiry ON policy (expiry);
    """,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """
    A policy that was fetched.

    :param id: of the record that it was fetched for.
    :param fetched: seconds since 1970, as is ``used``, when its domain was
        last written to.
    """

    id: str
    policy: STSPolicy
    fetched: float
    used: float

    @property
    def expiry(self) -> float:
        """
        From when on it no longer counts, seconds since 1970.
        """
        return self.fetched + self.policy.max_age


class PolicyCache:
    """
    The open cache.  All calls block, and are made by one thread at a time.

    :raises DatabaseLost: from every call.
    """

    def __init__(self, path: str, disk: Disk) -> None:
        self._database = Database(path, _TABLES, disk)

    def close(self) -> None:
        """
        May be called more than once.
        """
        self._database.close()

    def get(self, domain: str) -> Kept | None:
        """
        A domain's policy, expired or not.
        """
        with self._database.reading() as database:
            row = database.execute(
                "SELECT id, text, fetched, used FROM policy WHERE domain = ?",
                (domain,),
            ).fetchone()
        if row is None:
            return None
        number, text, fetched, used = row
        return Kept(number, parse_policy(text), fetched, used)

    def keep(self, domain: str, kept: Kept) -> None:
        """
        Keep a policy in place of the domain's last one.
        """
        text = "\n".join(kept.policy.lines()).encode()
        with self._database.writing() as database:
            database.execute(
                "INSERT OR REPLACE INTO policy VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    domain,
                    kept.id,
                    kept.fetched,
                    kept.fetched,
                    kept.expiry,
                    kept.used,
                    text,
                ),
            )

    def tried(self, domain: str, now: float) -> None:
        """
        A domain's policy could not be fetched.
        """
        with self._database.writing() as database:
            database.execute(
                "UPDATE policy SET tried = ? WHERE domain = ?", (now, domain)
            )

    def to_refresh(
        self, tried_before: float, used_after: float, most: int
    ) -> list[str]:
        """
        Domains whose policies are in use and were not fetched lately, nor was
        that tried; the longest ago first.
        """
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT domain FROM policy WHERE tried < ? AND used > ?"
                " ORDER BY tried LIMIT ?",
                (tried_before, used_after, most),
            ).fetchall()
        return [domain for (domain,) in rows]

    def forget_expired(self, now: float) -> None:
        """
        Drop what no longer counts.
        """
        with self._database.writing() as database:
            database.execute("DELETE FROM policy WHERE expiry < ?", (now,))
