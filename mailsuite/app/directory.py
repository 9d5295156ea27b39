"""
Accounts and logins, put together as the configuration says.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from twisted.internet.interfaces import IReactorTime

from mailsuite.accounts.administration import Administration
from mailsuite.accounts.directory import Directory
from mailsuite.accounts.errors import AccountsError
from mailsuite.accounts.passwords import Passwords
from mailsuite.accounts.places import Places
from mailsuite.accounts.threads import Threads
from mailsuite.app.config import Configuration
from mailsuite.disk import Disk

FILE_NAME = "accounts.sqlite3"


@dataclass(frozen=True, slots=True)
class People:
    """
    Who there is, and what can be done about it.
    """

    default_domain: str
    directory: Directory
    passwords: Passwords
    administration: Administration

    async def ensure_default_domain(self) -> None:
        """
        The default domain exists from here on.
        """
        if not self.directory.is_ours(self.default_domain):
            with contextlib.suppress(AccountsError):
                await self.administration.add_domain(self.default_domain)


@dataclass(frozen=True, slots=True)
class PeopleThreads:
    """
    Where what blocks is done.
    """

    database: Threads
    hashing: Threads


def build(
    configuration: Configuration,
    state: Path,
    disk: Disk,
    threads: PeopleThreads,
    clock: IReactorTime,
) -> People:
    """
    The directory of a state folder; it has to be opened.
    """
    home = configuration.home.replace("{state}", str(state))
    maildir = configuration.maildir.replace("{state}", str(state))
    passwords = Passwords(
        threads.hashing,
        clock,
        scheme=configuration.login.password_scheme,
        scram=configuration.login.scram != "never",
    )
    directory = Directory(
        str(state / FILE_NAME),
        threads.database,
        clock,
        disk=disk,
        places=Places(home=home, maildir=maildir),
        default_domain=configuration.default_domain,
        separators=configuration.detail_separator,
        postmaster=configuration.postmaster or None,
        postmaster_copies=configuration.postmaster_copies,
    )
    return People(
        configuration.default_domain,
        directory,
        passwords,
        Administration(directory, passwords),
    )
