"""
Adding the users of a passwd-file, as many as can be.

Each function is part of a caller's transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable

from mailsuite.accounts import account_rows, schemes
from mailsuite.accounts.account_rows import NewPassword
from mailsuite.accounts.entries import Imported, LineNote, LineRefused
from mailsuite.accounts.errors import AccountsError, AddressTaken, NoSuchDomain
from mailsuite.accounts.passwdfile import User, read_lines
from mailsuite.accounts.places import Places


def import_lines(
    connection: sqlite3.Connection,
    lines: Iterable[str],
    domain: str,
    *,
    places: Places,
    new_salt: Callable[[], tuple[bytes, int]],
) -> Imported:
    """
    Add the users of a passwd-file; those that have an account keep it as it
    is, and a line that cannot be taken keeps none of the others out.

    :param domain: of those that are given without one.
    :param new_salt: a salt and a count for SCRAM.
    """
    added: list[str] = []
    skipped: list[str] = []
    notes: list[LineNote] = []
    users, refused = read_lines(lines, domain)
    for user in users:
        address = "@".join(user.address)
        if account_rows.exists(connection, *user.address):
            skipped.append(address)
            continue
        try:
            if places.by_local_part:
                account_rows.require_another_local_part(
                    connection, user.address[0]
                )
            _add(connection, user, new_salt())
        except AccountsError as error:
            refused.append(
                LineRefused(user.line, address, error.public, _remedy(error))
            )
        else:
            added.append(address)
            notes += user.notes
    refused.sort(key=lambda one: one.line)
    return Imported(tuple(added), tuple(skipped), tuple(refused), tuple(notes))


def _add(
    connection: sqlite3.Connection, user: User, salt: tuple[bytes, int]
) -> None:
    """
    :raises NoSuchDomain, AddressTaken: nothing was changed.
    """
    local_part, domain = user.address
    number = account_rows.add(
        connection, local_part, domain, _new_password(user.password, salt)
    )
    if user.octets_limit or user.messages_limit:
        account_rows.set_quota(
            connection, number, user.octets_limit, user.messages_limit
        )
    if user.suspended:
        account_rows.suspend(connection, number, True)


def _new_password(stored: str, salt: tuple[bytes, int]) -> NewPassword:
    kept = schemes.scram(stored)
    if kept is not None:
        return NewPassword(stored, *kept)
    if (clear := schemes.clear(stored)) is not None:
        stored = schemes.make_ssha256(clear, salt[0])
    elif (parts := schemes.truncated(stored)) is not None:
        password, octets = parts
        stored = schemes.make_truncated(password, salt[0], octets)
    return NewPassword(stored, *salt, keys=None)


def _remedy(error: AccountsError) -> str:
    match error:
        case NoSuchDomain():
            return "mailsuite domain add, then import the file again"
        case AddressTaken():
            return "remove what has the address, or give the user another name"
        case _:
            return "correct the line, then import the file again"
