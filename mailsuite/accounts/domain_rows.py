"""
The table of domains.  Each function is part of a caller's transaction.
"""

from __future__ import annotations

import sqlite3

from mailsuite.accounts.entries import DomainEntry
from mailsuite.accounts.errors import DomainExists, DomainInUse, NoSuchDomain

_ENTRY = """
    SELECT name, alias_of, catch_all,
        (SELECT count(*) FROM accounts WHERE domain = name)
    FROM domains
"""

_USES = (
    ("accounts", "SELECT count(*) FROM accounts WHERE domain = ?"),
    ("aliases", "SELECT count(*) FROM aliases WHERE domain = ?"),
    (
        "aliases that lead to it",
        "SELECT count(*) FROM aliases WHERE target_domain = ?",
    ),
    ("alias domains", "SELECT count(*) FROM domains WHERE alias_of = ?"),
    (
        "catch-alls that lead to it",
        "SELECT count(*) FROM domains WHERE name <> ?1"
        " AND substr(catch_all, instr(catch_all, '@') + 1) = ?1",
    ),
)


def add(
    connection: sqlite3.Connection,
    name: str,
    alias_of: str | None,
) -> None:
    """
    :raises DomainExists: it is ours already.
    :raises NoSuchDomain: the other is not, or is itself an alias.
    """
    if alias_of is not None:
        require_own(connection, alias_of)
    if is_ours(connection, name):
        raise DomainExists(f"The domain {name} exists already")
    connection.execute(
        "INSERT INTO domains (name, alias_of) VALUES (?, ?)", (name, alias_of)
    )


def is_ours(connection: sqlite3.Connection, name: str) -> bool:
    """
    Whether it is a domain of ours, an alias domain too.
    """
    return bool(
        connection.execute(
            "SELECT 1 FROM domains WHERE name = ?", (name,)
        ).fetchone()
    )


def require(connection: sqlite3.Connection, name: str) -> None:
    """
    :raises NoSuchDomain: it is not ours.
    """
    if not is_ours(connection, name):
        raise NoSuchDomain(f"There is no domain {name}")


def require_own(connection: sqlite3.Connection, name: str) -> None:
    """
    :raises NoSuchDomain: it is not ours, or has no addresses of its own.
    """
    row = connection.execute(
        "SELECT alias_of FROM domains WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        raise NoSuchDomain(f"There is no domain {name}")
    if row[0] is not None:
        raise NoSuchDomain(f"The domain {name} is an alias of {row[0]}")


def set_catch_all(
    connection: sqlite3.Connection, name: str, address: str | None
) -> None:
    """
    Say who gets what nobody else there does.

    :raises NoSuchDomain:
    """
    require_own(connection, name)
    connection.execute(
        "UPDATE domains SET catch_all = ? WHERE name = ?", (address, name)
    )


def remove(
    connection: sqlite3.Connection, name: str, default_domain: str
) -> None:
    """
    :raises NoSuchDomain:
    :raises DomainInUse: something depends on it; the text says what.
    """
    require(connection, name)
    if name == default_domain:
        raise DomainInUse(f"{name} is the default domain")
    uses = [
        f"{count} {what}"
        for what, query in _USES
        if (count := connection.execute(query, (name,)).fetchone()[0])
    ]
    if uses:
        raise DomainInUse(f"The domain {name} has {', '.join(uses)}")
    connection.execute("DELETE FROM domains WHERE name = ?", (name,))


def entries(connection: sqlite3.Connection) -> tuple[DomainEntry, ...]:
    """
    All domains, sorted.
    """
    rows = connection.execute(_ENTRY + " ORDER BY name")
    return tuple(DomainEntry(*row) for row in rows)


def entry(connection: sqlite3.Connection, name: str) -> DomainEntry:
    """
    One domain that is there.
    """
    row = connection.execute(_ENTRY + " WHERE name = ?", (name,)).fetchone()
    return DomainEntry(*row)
