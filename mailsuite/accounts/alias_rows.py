"""
The table of aliases.  Each function is part of a caller's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import groupby

from mailsuite.accounts.entries import AliasEntry
from mailsuite.accounts.errors import NoSuchAlias


def exists(
    connection: sqlite3.Connection, local_part: str, domain: str
) -> bool:
    """
    Whether there is such an alias.
    """
    return bool(
        connection.execute(
            "SELECT 1 FROM aliases WHERE local_part = ? AND domain = ?",
            (local_part, domain),
        ).fetchone()
    )


def add(
    connection: sqlite3.Connection,
    local_part: str,
    domain: str,
    targets: Iterable[tuple[str, str]],
) -> None:
    """
    Let an address that is free and ours stand for others.
    """
    connection.executemany(
        "INSERT INTO aliases VALUES (?, ?, ?, ?, ?)",
        [
            (local_part, domain, position, *target)
            for position, target in enumerate(targets)
        ],
    )


def remove(
    connection: sqlite3.Connection, local_part: str, domain: str
) -> None:
    """
    :raises NoSuchAlias:
    """
    removed = connection.execute(
        "DELETE FROM aliases WHERE local_part = ? AND domain = ?",
        (local_part, domain),
    )
    if not removed.rowcount:
        raise NoSuchAlias(f"There is no alias {local_part}@{domain}")


def targets(
    connection: sqlite3.Connection, local_part: str, domain: str
) -> tuple[tuple[str, str], ...]:
    """
    (local part, domain) of each; empty if there is no such alias.
    """
    rows = connection.execute(
        "SELECT target_local_part, target_domain FROM aliases"
        " WHERE local_part = ? AND domain = ? ORDER BY position",
        (local_part, domain),
    )
    return tuple(rows)


def entries(
    connection: sqlite3.Connection, domain: str | None = None
) -> tuple[AliasEntry, ...]:
    """
    All aliases, or a domain's, sorted by address.
    """
    where = "" if domain is None else " WHERE domain = :domain"
    rows: Sequence[tuple[str, str]] = connection.execute(
        "SELECT local_part || '@' || domain,"
        " target_local_part || '@' || target_domain FROM aliases"
        + where
        + " ORDER BY domain, local_part, position",
        {"domain": domain},
    ).fetchall()
    return tuple(
        AliasEntry(address, tuple(target for _, target in group))
        for address, group in groupby(rows, key=lambda row: row[0])
    )
