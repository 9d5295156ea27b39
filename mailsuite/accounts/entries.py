"""
What an operator is told of accounts, aliases, domains and app passwords.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AccountEntry:
    """
    One account.

    :param has_password: whether any is right, but for app passwords.
    :param password_version: 1 until its password is set anew.
    :param scram: whether SCRAM can log it in.
    :param app_passwords: how many it has.
    """

    number: int
    address: str
    suspended: bool
    has_password: bool
    octets_limit: int | None
    messages_limit: int | None
    password_version: int
    scram: bool
    app_passwords: int


@dataclass(frozen=True, slots=True)
class AliasEntry:
    """
    An address that stands for others.
    """

    address: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DomainEntry:
    """
    A domain of ours.

    :param alias_of: the domain whose addresses it repeats.
    :param catch_all: who gets what nobody else there does.
    :param accounts: how many it has.
    """

    name: str
    alias_of: str | None
    catch_all: str | None
    accounts: int


@dataclass(frozen=True, slots=True)
class AppPasswordEntry:
    """
    A password for one program, less the password.

    :param added: seconds since 1970.
    """

    name: str
    added: int


@dataclass(frozen=True, slots=True)
class LineRefused:
    """
    A line of a passwd-file that was not taken.

    :param user: as the line has it, or the address.
    :param remedy: what the operator can do.
    """

    line: int
    user: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class LineNote:
    """
    What an operator should know of a line that was taken.
    """

    line: int
    address: str
    text: str


@dataclass(frozen=True, slots=True)
class Imported:
    """
    What came of a passwd-file.

    :param added: addresses that have an account now.
    :param skipped: addresses that had one before, and keep it as it was.
    """

    added: tuple[str, ...]
    skipped: tuple[str, ...]
    refused: tuple[LineRefused, ...] = ()
    notes: tuple[LineNote, ...] = ()
