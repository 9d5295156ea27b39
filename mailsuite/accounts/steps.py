"""
Steps of an operator's change that are made in its transaction: each looks
again at what may have changed since it was asked for.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from mailsuite.accounts import (
    account_rows,
    alias_rows,
    app_password_rows,
    domain_rows,
)
from mailsuite.accounts.account_rows import NewPassword
from mailsuite.accounts.entries import AccountEntry, DomainEntry
from mailsuite.accounts.errors import AddressTaken
from mailsuite.accounts.routes import Key
from mailsuite.wire.sasl import ScramKeys

T = TypeVar("T")


def within(
    connection: sqlite3.Connection,
    entries: Callable[[sqlite3.Connection, str | None], T],
    domain: str | None,
) -> T:
    """
    The entries of a domain, that has to be ours.
    """
    if domain is not None:
        domain_rows.require(connection, domain)
    return entries(connection, domain)


def salt_of(connection: sqlite3.Connection, key: Key) -> tuple[bytes, int]:
    """
    Salt and count of an account's SCRAM keys.

    :raises NoSuchAccount:
    """
    number = account_rows.number(connection, *key)
    return account_rows.scram_salt(connection, number)


def salt_for_password(
    connection: sqlite3.Connection, key: Key
) -> tuple[bytes, int] | None:
    """
    The salt that app passwords hold the account to; None if none does.
    """
    number = account_rows.number(connection, *key)
    if not app_password_rows.exist(connection, number):
        return None
    return account_rows.scram_salt(connection, number)


def set_password(
    connection: sqlite3.Connection,
    key: Key,
    new: NewPassword,
    salt: tuple[bytes, int] | None,
) -> AccountEntry | None:
    """
    Keep a password that was hashed with ``salt``.

    :return: None if app passwords need another salt meanwhile.
    """
    if salt_for_password(connection, key) != salt:
        return None
    number = account_rows.number(connection, *key)
    account_rows.set_password(connection, number, new)
    return account_rows.entry(connection, number)


def add_app_password(
    connection: sqlite3.Connection,
    key: Key,
    name: str,
    keys: ScramKeys,
    salt: tuple[bytes, int],
    added: int,
) -> bool:
    """
    Keep an app password's keys, made with ``salt``.

    :return: whether the account still has that salt, and the keys were kept.
    """
    if salt_of(connection, key) != salt:
        return False
    number = account_rows.number(connection, *key)
    app_password_rows.add(connection, number, name, keys, added)
    return True


def suspend(
    connection: sqlite3.Connection, key: Key, *, suspended: bool
) -> AccountEntry:
    """
    Close an account to logins, or open it.

    :raises NoSuchAccount:
    """
    number = account_rows.number(connection, *key)
    account_rows.suspend(connection, number, suspended)
    return account_rows.entry(connection, number)


def set_catch_all(
    connection: sqlite3.Connection, domain: str, address: Key | None
) -> DomainEntry:
    """
    Say who gets what nobody else in a domain does; None is nobody.

    :raises NoSuchDomain:
    """
    domain_rows.set_catch_all(
        connection, domain, None if address is None else "@".join(address)
    )
    return domain_rows.entry(connection, domain)


def require_new_alias(connection: sqlite3.Connection, key: Key) -> None:
    """
    An address is ours and free.

    :raises NoSuchDomain:
    :raises AddressTaken: by an account or an alias.
    """
    domain_rows.require_own(connection, key[1])
    for rows, what in ((account_rows, "an account"), (alias_rows, "an alias")):
        if rows.exists(connection, *key):
            raise AddressTaken(f"{'@'.join(key)} is {what} already")
