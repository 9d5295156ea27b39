"""
The table of accounts.  Each function is part of a caller's transaction.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from mailsuite.accounts import alias_rows, domain_rows
from mailsuite.accounts.entries import AccountEntry
from mailsuite.accounts.errors import AddressTaken, NoSuchAccount
from mailsuite.wire.sasl import ScramKeys

MOST_LIMIT = (1 << 63) - 1
"""
The largest quota that SQLite can keep.
"""

_ENTRY = """
    SELECT number, local_part || '@' || domain, suspended, password <> '',
        octets_limit, messages_limit, password_version, stored_key IS NOT NULL,
        (SELECT count(*) FROM app_passwords WHERE account = accounts.number)
    FROM accounts
"""


@dataclass(frozen=True, slots=True)
class Verifiers:
    """
    What a login is judged by.

    :param login_epoch: a number that changes when sessions must end.
    :param password: as ``passwords`` stores it; empty if there is none.
    :param salt: shared by all the account's SCRAM keys, with the count.
    :param keys: those of the password, if there are, and of app passwords.
    :param own_keys: whether the first of ``keys`` is the password's.
    """

    number: int
    address: str
    suspended: bool
    login_epoch: int
    password: str = field(repr=False)
    salt: bytes
    iterations: int
    keys: tuple[ScramKeys, ...]
    own_keys: bool


@dataclass(frozen=True, slots=True)
class NewPassword:
    """
    A password as it is kept.

    :param keys: None if SCRAM is not wanted.
    """

    password: str = field(repr=False)
    salt: bytes
    iterations: int
    keys: ScramKeys | None


def add(
    connection: sqlite3.Connection,
    local_part: str,
    domain: str,
    new: NewPassword,
) -> int:
    """
    :raises NoSuchDomain: the domain is not ours, or a mere alias.
    :raises AddressTaken: by an account or an alias.
    """
    domain_rows.require_own(connection, domain)
    if alias_rows.exists(connection, local_part, domain):
        raise AddressTaken(f"{local_part}@{domain} is an alias already")
    try:
        row = connection.execute(
            "INSERT INTO accounts (local_part, domain, password, scram_salt,"
            " scram_iterations, stored_key, server_key)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING number",
            (
                local_part,
                domain,
                new.password,
                new.salt,
                new.iterations,
                new.keys and new.keys.stored_key,
                new.keys and new.keys.server_key,
            ),
        ).fetchone()
    except sqlite3.IntegrityError as error:
        raise AddressTaken(
            f"{local_part}@{domain} is an account already"
        ) from error
    return int(row[0])


def require_different_local_parts(connection: sqlite3.Connection) -> None:
    """
    :raises AddressTaken: two accounts have the same one, in two domains.
    """
    twice = connection.execute(
        "SELECT local_part FROM accounts GROUP BY local_part"
        " HAVING count(*) > 1"
    ).fetchone()
    if twice is not None:
        raise AddressTaken(
            f"{twice[0]} has an account in another domain, and the"
            " configuration's home has no {domain}: both would share a folder"
        )


def require_another_local_part(
    connection: sqlite3.Connection, local_part: str
) -> None:
    """
    :raises AddressTaken: an account has the local part, in any domain.
    """
    there = connection.execute(
        "SELECT account.domain FROM domains JOIN accounts AS account"
        " ON account.domain = domains.name AND account.local_part = ?",
        (local_part,),
    ).fetchone()
    if there is not None:
        raise AddressTaken(
            f"{local_part} has an account in {there[0]}, and the"
            " configuration's home has no {domain}: both would share a folder"
        )


def exists(
    connection: sqlite3.Connection, local_part: str, domain: str
) -> bool:
    """
    Whether there is such an account.
    """
    return bool(
        connection.execute(
            "SELECT 1 FROM accounts WHERE local_part = ? AND domain = ?",
            (local_part, domain),
        ).fetchone()
    )


def number(connection: sqlite3.Connection, local_part: str, domain: str) -> int:
    """
    :raises NoSuchAccount:
    """
    row = connection.execute(
        "SELECT number FROM accounts WHERE local_part = ? AND domain = ?",
        (local_part, domain),
    ).fetchone()
    if row is None:
        raise NoSuchAccount(f"There is no account {local_part}@{domain}")
    return int(row[0])


def entries(
    connection: sqlite3.Connection, domain: str | None = None
) -> tuple[AccountEntry, ...]:
    """
    All accounts, or a domain's, sorted by address.
    """
    where = "" if domain is None else " WHERE domain = :domain"
    rows = connection.execute(
        _ENTRY + where + " ORDER BY domain, local_part", {"domain": domain}
    )
    return tuple(_entry(row) for row in rows)


def entry(connection: sqlite3.Connection, account: int) -> AccountEntry:
    """
    One account that is there.
    """
    row = connection.execute(_ENTRY + " WHERE number = ?", (account,))
    return _entry(row.fetchone())


def _entry(
    row: tuple[int, str, int, int, int | None, int | None, int, int, int],
) -> AccountEntry:
    account, address, suspended, kept, octets, messages, *more = row
    version, scram, apps = more
    return AccountEntry(
        number=account,
        address=address,
        suspended=bool(suspended),
        has_password=bool(kept),
        octets_limit=octets,
        messages_limit=messages,
        password_version=version,
        scram=bool(scram),
        app_passwords=apps,
    )


def set_password(
    connection: sqlite3.Connection, account: int, new: NewPassword
) -> None:
    """
    Another password; sessions that the old one opened end.
    """
    connection.execute(
        "UPDATE accounts SET password = ?, scram_salt = ?,"
        " scram_iterations = ?, stored_key = ?, server_key = ?,"
        " password_version = password_version + 1,"
        " login_epoch = login_epoch + 1 WHERE number = ?",
        (
            new.password,
            new.salt,
            new.iterations,
            new.keys and new.keys.stored_key,
            new.keys and new.keys.server_key,
            account,
        ),
    )


def keep_better(
    connection: sqlite3.Connection,
    account: int,
    old: str,
    new: NewPassword,
) -> None:
    """
    Keep the same password in another form, unless it or the salt was changed
    meanwhile.
    """
    connection.execute(
        "UPDATE accounts SET password = ?, stored_key = ?, server_key = ?"
        " WHERE number = ? AND password = ? AND scram_salt = ?"
        " AND scram_iterations = ?",
        (
            new.password,
            new.keys and new.keys.stored_key,
            new.keys and new.keys.server_key,
            account,
            old,
            new.salt,
            new.iterations,
        ),
    )


def suspend(
    connection: sqlite3.Connection, account: int, suspended: bool
) -> None:
    """
    Close or open the account to logins; when closed, open sessions end.
    """
    connection.execute(
        "UPDATE accounts SET suspended = ?, login_epoch = login_epoch + 1"
        " WHERE number = ? AND suspended <> ?",
        (suspended, account, suspended),
    )


def remove(connection: sqlite3.Connection, account: int) -> None:
    """
    The account and its app passwords are gone; its number is not used again.
    """
    connection.execute("DELETE FROM accounts WHERE number = ?", (account,))


def set_quota(
    connection: sqlite3.Connection,
    account: int,
    octets: int | None,
    messages: int | None,
) -> None:
    """
    Set both limits; None is none.
    """
    connection.execute(
        "UPDATE accounts SET octets_limit = ?, messages_limit = ?"
        " WHERE number = ?",
        (octets, messages, account),
    )


def end_sessions(connection: sqlite3.Connection, account: int) -> None:
    """
    Let whoever is logged in log in again.
    """
    connection.execute(
        "UPDATE accounts SET login_epoch = login_epoch + 1 WHERE number = ?",
        (account,),
    )


def scram_salt(
    connection: sqlite3.Connection, account: int
) -> tuple[bytes, int]:
    """
    Salt and count that the account's keys share.
    """
    row = connection.execute(
        "SELECT scram_salt, scram_iterations FROM accounts WHERE number = ?",
        (account,),
    ).fetchone()
    return row[0], row[1]


def verifiers(
    connection: sqlite3.Connection, local_part: str, domain: str
) -> Verifiers | None:
    """
    What a login as this address is judged by; None if there is no account.
    """
    row = connection.execute(
        "SELECT number, suspended, login_epoch, password, scram_salt,"
        " scram_iterations, stored_key, server_key FROM accounts"
        " WHERE local_part = ? AND domain = ?",
        (local_part, domain),
    ).fetchone()
    if row is None:
        return None
    account, suspended, epoch, password, salt, iterations, stored, server = row
    keys = [] if stored is None else [ScramKeys(stored, server)]
    keys += [
        ScramKeys(*pair)
        for pair in connection.execute(
            "SELECT stored_key, server_key FROM app_passwords"
            " WHERE account = ? ORDER BY number",
            (account,),
        )
    ]
    return Verifiers(
        number=account,
        address=f"{local_part}@{domain}",
        suspended=bool(suspended),
        login_epoch=epoch,
        password=password,
        salt=salt,
        iterations=iterations,
        keys=tuple(keys),
        own_keys=stored is not None,
    )
