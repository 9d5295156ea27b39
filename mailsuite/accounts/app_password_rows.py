"""
The table of app passwords.  Each function is part of a caller's transaction.

Implementation notes

- An app password is ours to choose, and long: its SCRAM keys are all that is
  kept of it, and one derivation with the account's salt and count finds which
  of an account's app passwords somebody typed.
"""

from __future__ import annotations

import sqlite3

from mailsuite.accounts.entries import AppPasswordEntry
from mailsuite.accounts.errors import AppPasswordExists, NoSuchAppPassword
from mailsuite.wire.sasl import ScramKeys


def add(
    connection: sqlite3.Connection,
    account: int,
    name: str,
    keys: ScramKeys,
    added: int,
) -> None:
    """
    :param added: seconds since 1970.
    :raises AppPasswordExists: the name is taken.
    """
    try:
        connection.execute(
            "INSERT INTO app_passwords"
            " (account, name, stored_key, server_key, added)"
            " VALUES (?, ?, ?, ?, ?)",
            (account, name, keys.stored_key, keys.server_key, added),
        )
    except sqlite3.IntegrityError as error:
        raise AppPasswordExists(
            f"There is an app password {name!r} already"
        ) from error


def entries(
    connection: sqlite3.Connection, account: int
) -> tuple[AppPasswordEntry, ...]:
    """
    An account's, by name.
    """
    rows = connection.execute(
        "SELECT name, added FROM app_passwords WHERE account = ? ORDER BY name",
        (account,),
    )
    return tuple(AppPasswordEntry(*row) for row in rows)


def exist(connection: sqlite3.Connection, account: int) -> bool:
    """
    Whether the account has any.
    """
    return bool(
        connection.execute(
            "SELECT 1 FROM app_passwords WHERE account = ?", (account,)
        ).fetchone()
    )


def remove(connection: sqlite3.Connection, account: int, name: str) -> None:
    """
    :raises NoSuchAppPassword:
    """
    removed = connection.execute(
        "DELETE FROM app_passwords WHERE account = ? AND name = ?",
        (account, name),
    )
    if not removed.rowcount:
        raise NoSuchAppPassword(f"There is no app password {name!r}")
