"""
Reading the routing facts: all of them, or what changed after a number.
"""

from __future__ import annotations

import sqlite3

from mailsuite.accounts import alias_rows
from mailsuite.accounts.routes import (
    AccountRoute,
    DomainRoute,
    Facts,
    Key,
)

#: Above this many changes it is quicker to read everything.
_READ_ALL = 1000

_ACCOUNT = """
    SELECT local_part, domain, number, suspended, login_epoch,
        stored_key IS NOT NULL, octets_limit, messages_limit
    FROM accounts
"""


def facts_after(connection: sqlite3.Connection, number: int) -> Facts:
    """
    What a reader who knows all up to change ``number`` must still learn.

    :param number: 0 for one who knows nothing.
    """
    first, last = connection.execute(
        # One query for both would read the whole table.
        "SELECT (SELECT min(number) FROM changes),"
        " (SELECT max(number) FROM changes)"
    ).fetchone()
    if last is None or last == number:
        return Facts(number, whole=False)
    if number == 0 or first > number + 1 or last - number > _READ_ALL:
        return _everything(connection, last)
    return _changed(connection, number, last)


def _everything(connection: sqlite3.Connection, last: int) -> Facts:
    facts = Facts(last, whole=True)
    for row in connection.execute(_ACCOUNT):
        facts.accounts[row[0], row[1]] = _account(row)
    aliases: dict[Key, list[Key]] = {}
    for local_part, domain, *target in connection.execute(
        "SELECT local_part, domain, target_local_part, target_domain"
        " FROM aliases ORDER BY domain, local_part, position"
    ):
        aliases.setdefault((local_part, domain), []).append(
            (target[0], target[1])
        )
    facts.aliases.update((key, tuple(to)) for key, to in aliases.items())
    for row in connection.execute("SELECT * FROM domains"):
        facts.domains[row[0]] = _domain(row)
    return facts


def _changed(connection: sqlite3.Connection, number: int, last: int) -> Facts:
    facts = Facts(last, whole=False)
    for kind, local_part, domain in connection.execute(
        "SELECT DISTINCT kind, local_part, domain FROM changes"
        " WHERE number > ?",
        (number,),
    ).fetchall():
        address = local_part, domain
        if kind == "account":
            row = connection.execute(
                _ACCOUNT + " WHERE local_part = ? AND domain = ?", address
            ).fetchone()
            facts.accounts[address] = None if row is None else _account(row)
        elif kind == "alias":
            facts.aliases[address] = alias_rows.targets(connection, *address)
        else:
            row = connection.execute(
                "SELECT * FROM domains WHERE name = ?", (domain,)
            ).fetchone()
            facts.domains[domain] = None if row is None else _domain(row)
    return facts


def _account(
    row: tuple[str, str, int, int, int, int, int | None, int | None],
) -> AccountRoute:
    _, _, number, suspended, epoch, scram, octets, messages = row
    return AccountRoute(
        number=number,
        suspended=bool(suspended),
        login_epoch=epoch,
        scram=bool(scram),
        octets_limit=octets,
        messages_limit=messages,
    )


def _domain(row: tuple[str, str | None, str | None]) -> DomainRoute:
    _, alias_of, catch_all = row
    if catch_all is None:
        return DomainRoute(alias_of, None)
    local_part, _, domain = catch_all.rpartition("@")
    return DomainRoute(alias_of, (local_part, domain))
