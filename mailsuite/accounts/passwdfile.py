"""
Dovecot's passwd-file: ``user:{SCHEME}password:uid:gid:gecos:home:shell:extra``.

Implementation notes

- Of a line we take the user, the password, and from the extra fields
  ``userdb_quota_rule`` (``*:storage=``, ``messages=``); where mail lies is
  ours to say.
- A password in clear is not kept so: it is salted and digested at once, and
  hashed properly when it is first typed.  10,000 Argon2id hashes would take
  minutes.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from mailsuite.accounts import account_rows, schemes
from mailsuite.accounts.account_rows import NewPassword
from mailsuite.accounts.entries import Imported
from mailsuite.accounts.errors import AccountsError, BadImport
from mailsuite.accounts.names import typed_address
from mailsuite.accounts.routes import Key

_STORAGE = re.compile(r"storage=(\d{1,20})([bkmgt]?)", re.IGNORECASE)
_MESSAGES = re.compile(r"messages=(\d{1,20})", re.IGNORECASE)

#: Dovecot's extra field of a user who may not log in.
_NO_LOGIN = re.compile(r"(?:^|\s)nologin(?:\s|=|$)")

#: Dovecot counts storage in kilobytes where no unit is given.
_UNITS = {"b": 1, "": 1 << 10, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30,
          "t": 1 << 40}  # fmt: skip

#: How many bad lines an error names.
_NAMED = 20


@dataclass(frozen=True, slots=True)
class User:
    """
    One line.

    :param password: as Dovecot kept it.
    """

    line: int
    address: Key
    password: str = field(repr=False)
    octets_limit: int | None
    messages_limit: int | None
    suspended: bool


def read_lines(lines: Iterable[str], domain: str) -> list[User]:
    """
    The users of a passwd-file.

    :param domain: of those that are given without one.
    :raises BadImport: some lines are no users, or one is there twice, or a
        password could never be verified.
    """
    users: dict[Key, User] = {}
    bad: list[str] = []
    for number, text in enumerate(lines, 1):
        line = text.rstrip("\r\n")
        if not line.strip() or line.startswith("#"):
            continue
        try:
            user = _user(number, line, domain)
            if user.address in users:
                raise BadImport(f"{'@'.join(user.address)} is there twice")
            users[user.address] = user
        except AccountsError as error:
            bad.append(f"line {number}: {error.public}")
    _complain(bad)
    return list(users.values())


def import_lines(
    connection: sqlite3.Connection,
    lines: Iterable[str],
    domain: str,
    new_salt: Callable[[], tuple[bytes, int]],
) -> Imported:
    """
    Add all users of a passwd-file, in the caller's transaction; those that
    have an account keep it as it is.

    :param domain: of those that are given without one.
    :raises BadImport: some lines are no users, or cannot be added; the caller
        rolls back.
    """
    added: list[str] = []
    skipped: list[str] = []
    bad: list[str] = []
    for user in read_lines(lines, domain):
        address = "@".join(user.address)
        if account_rows.exists(connection, *user.address):
            skipped.append(address)
            continue
        try:
            _add(connection, user, new_salt())
        except AccountsError as error:
            bad.append(f"line {user.line}: {error.public}")
        else:
            added.append(address)
    _complain(bad)
    return Imported(tuple(added), tuple(skipped))


def _user(number: int, line: str, domain: str) -> User:
    fields = line.split(":")
    if len(fields) < 2:
        raise BadImport("there is no password")
    name = fields[0] if "@" in fields[0] else f"{fields[0]}@{domain}"
    address = typed_address(name)
    password = fields[1]
    if (why := schemes.why_not(password)) is not None:
        raise BadImport(f"the password of {'@'.join(address)}: {why}")
    extra = ":".join(fields[7:])
    storage, messages = _STORAGE.search(extra), _MESSAGES.search(extra)
    octets_limit = storage and int(storage[1]) * _UNITS[storage[2].lower()]
    messages_limit = messages and int(messages[1])
    if max(octets_limit or 0, messages_limit or 0) > account_rows.MOST_LIMIT:
        raise BadImport(f"the quota of {'@'.join(address)} is too large")
    return User(
        line=number,
        address=address,
        password=password,
        octets_limit=octets_limit,
        messages_limit=messages_limit,
        suspended=_NO_LOGIN.search(extra) is not None,
    )


def _add(
    connection: sqlite3.Connection, user: User, salt: tuple[bytes, int]
) -> None:
    local_part, domain = user.address
    number = account_rows.add(
        connection, local_part, domain, _new_password(user.password, salt)
    )
    if user.octets_limit or user.messages_limit:
        account_rows.set_quota(
            connection,
            number,
            # Dovecot takes 0 for no limit.
            user.octets_limit or None,
            user.messages_limit or None,
        )
    if user.suspended:
        account_rows.suspend(connection, number, True)


def _new_password(stored: str, salt: tuple[bytes, int]) -> NewPassword:
    kept = schemes.scram(stored)
    if kept is not None:
        return NewPassword(stored, *kept)
    clear = schemes.clear(stored)
    if clear is not None:
        stored = schemes.make_ssha256(clear, salt[0])
    return NewPassword(stored, *salt, keys=None)


def _complain(bad: Sequence[str]) -> None:
    if not bad:
        return
    named = "\n".join(bad[:_NAMED])
    more = f"\nand {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    raise BadImport(f"Nothing was imported:\n{named}{more}")
