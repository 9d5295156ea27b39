"""
What an operator can do with accounts, aliases, domains and app passwords.

Implementation notes

- Addresses and domains come as they were typed; entries have the one spelling
  that is kept.
- Each change is one transaction: on return it survives a power cut, and every
  open session that it ends was told.
- Passwords are hashed before the transaction begins, in threads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from mailsuite.accounts import (
    account_rows,
    alias_rows,
    app_password_rows,
    domain_rows,
    steps,
)
from mailsuite.accounts.directory import Directory
from mailsuite.accounts.entries import (
    AccountEntry,
    AliasEntry,
    AppPasswordEntry,
    DomainEntry,
    Imported,
)
from mailsuite.accounts.errors import (
    BadAddress,
    BadName,
    BadQuota,
    NoSuchAccount,
    NoSuchDomain,
    NoSuchTarget,
)
from mailsuite.accounts.importing import import_lines
from mailsuite.accounts.names import typed_address, typed_domain
from mailsuite.accounts.passwords import Passwords
from mailsuite.accounts.routes import Key
from mailsuite.accounts.targets import (
    require_catch_all,
    require_targets,
    typed_target,
)
from mailsuite.errors import StoreBusy
from mailsuite.interfaces import AccountRecord

#: How often a salt may be changed under our hands before we give up.
_TRIES = 3

#: Of an app password's name, in characters.
_LONGEST_NAME = 100


class Administration:
    """
    The operator's commands.

    Every one raises ``AccountsError`` where the request is at fault, and
    ``StoreBusy``, ``StoreFull`` or ``StoreUnavailable`` where the disk is.
    """

    def __init__(self, directory: Directory, passwords: Passwords) -> None:
        self._directory = directory
        self._passwords = passwords

    # Accounts

    async def add_account(self, address: str, password: str) -> AccountEntry:
        """
        A new account.

        :raises BadAddress, BadPassword, NoSuchDomain, AddressTaken:
        """
        key = self._address(address)
        new = await self._passwords.make(password)

        def add(connection: sqlite3.Connection) -> AccountEntry:
            number = account_rows.add(connection, *key, new)
            self._directory.require_places(connection)
            return account_rows.entry(connection, number)

        return await self._directory.change(add)

    async def list_accounts(
        self, domain: str | None = None
    ) -> tuple[AccountEntry, ...]:
        """
        All accounts, or one domain's.

        :raises NoSuchDomain:
        """
        return await self._directory.read(
            steps.within, account_rows.entries, domain and typed_domain(domain)
        )

    async def set_password(self, address: str, password: str) -> AccountEntry:
        """
        Another password; the account's open sessions end.

        :raises NoSuchAccount, BadPassword:
        """
        key = self._address(address)
        for _ in range(_TRIES):
            salt = await self._directory.read(steps.salt_for_password, key)
            new = await self._passwords.make(password, salt)
            entry = await self._directory.change(
                steps.set_password, key, new, salt
            )
            if entry is not None:
                return entry
        raise StoreBusy

    async def suspend(self, address: str) -> AccountEntry:
        """
        No login any more, and the open sessions end; mail still arrives.

        :raises NoSuchAccount:
        """
        return await self._directory.change(
            steps.suspend, self._address(address), suspended=True
        )

    async def resume(self, address: str) -> AccountEntry:
        """
        Logins are possible again.

        :raises NoSuchAccount:
        """
        return await self._directory.change(
            steps.suspend, self._address(address), suspended=False
        )

    async def remove_account(self, address: str) -> AccountRecord:
        """
        The account is gone, its open sessions end; its mail is left alone.

        :return: what it was, and where its mail lies.
        :raises NoSuchAccount:
        """
        key = self._address(address)
        await self._directory.look()
        if not self._directory.routes.has_account(key):
            raise NoSuchAccount(f"There is no account {'@'.join(key)}")
        record = self._directory.record(key)

        def remove(connection: sqlite3.Connection) -> None:
            number = account_rows.number(connection, *key)
            account_rows.remove(connection, number)

        await self._directory.change(remove)
        return record

    async def import_accounts(
        self, lines: Iterable[str], domain: str | None = None
    ) -> Imported:
        """
        Add the accounts of a Dovecot passwd-file.

        Passwords stay as they are until their first use.  The domains must
        be there.  A line that cannot be taken is told, and the others are
        taken; accounts that are there stay as they were.

        :param domain: of users that are given without one; None is the
            default domain.
        """
        given = tuple(lines)
        usual = typed_domain(domain or self._default)

        return await self._directory.change(
            import_lines,
            given,
            usual,
            places=self._directory.places,
            new_salt=self._passwords.new_salt,
        )

    # Aliases

    async def add_alias(
        self, address: str, targets: Sequence[str]
    ) -> AliasEntry:
        """
        Let an address stand for others.

        :param targets: here, where they must exist, or outside.
        :raises BadAddress, NoSuchDomain, AddressTaken:
        :raises NoSuchTarget, AliasLoop, TooManyTargets:
        """
        key = self._address(address)
        await self._directory.read(steps.require_new_alias, key)
        to = tuple(dict.fromkeys(map(self._target, targets)))
        if not to:
            raise BadAddress("An alias needs an address that it stands for")
        require_targets(self._directory.routes, key, to)

        def add(connection: sqlite3.Connection) -> AliasEntry:
            steps.require_new_alias(connection, key)
            alias_rows.add(connection, *key, to)
            return AliasEntry("@".join(key), tuple(map("@".join, to)))

        return await self._directory.change(add)

    async def list_aliases(
        self, domain: str | None = None
    ) -> tuple[AliasEntry, ...]:
        """
        All aliases, or one domain's.

        :raises NoSuchDomain:
        """
        return await self._directory.read(
            steps.within, alias_rows.entries, domain and typed_domain(domain)
        )

    async def remove_alias(self, address: str) -> None:
        """
        :raises NoSuchAlias:
        """
        await self._directory.change(alias_rows.remove, *self._address(address))

    # Domains

    async def add_domain(
        self,
        name: str,
        alias_of: str | None = None,
        catch_all: str | None = None,
    ) -> DomainEntry:
        """
        Mail for a domain ends here from now on.

        :param alias_of: the domain whose addresses it repeats.
        :param catch_all: who gets what nobody else there does.
        :raises BadAddress, DomainExists, NoSuchDomain, NoSuchTarget:
        """
        domain = typed_domain(name)
        other = alias_of and typed_domain(alias_of)
        target = await self._catch_all(catch_all)
        if target is not None and target[1] == domain:
            raise NoSuchTarget(f"{'@'.join(target)} does not exist yet")

        def add(connection: sqlite3.Connection) -> DomainEntry:
            domain_rows.add(connection, domain, other)
            if target is None:
                return domain_rows.entry(connection, domain)
            return steps.set_catch_all(connection, domain, target)

        return await self._directory.change(add)

    async def set_catch_all(
        self, name: str, address: str | None
    ) -> DomainEntry:
        """
        Who gets what nobody else there does; None is nobody.

        :raises NoSuchDomain, BadAddress, NoSuchTarget:
        """
        domain = typed_domain(name)
        await self._directory.read(domain_rows.require_own, domain)
        target = await self._catch_all(address)
        return await self._directory.change(steps.set_catch_all, domain, target)

    async def list_domains(self) -> tuple[DomainEntry, ...]:
        """
        All domains.
        """
        return await self._directory.read(domain_rows.entries)

    async def our_domain(self, name: str) -> str:
        """
        The name of a domain of ours, as A-labels.

        :raises NoSuchDomain: it is none.
        """
        domain = typed_domain(name)
        if not self._directory.is_ours(domain):
            raise NoSuchDomain(f"{name} is no domain of this suite")
        return domain

    async def remove_domain(self, name: str) -> None:
        """
        Mail for the domain is no longer ours.

        :raises NoSuchDomain:
        :raises DomainInUse: accounts, aliases or other domains need it, or it
            is the default domain.
        """
        await self._directory.change(
            domain_rows.remove, typed_domain(name), self._default
        )

    # App passwords

    async def add_app_password(self, address: str, name: str) -> str:
        """
        A password for one program; it cannot be shown again.

        :param name: which program, in a few words.
        :raises NoSuchAccount, AppPasswordExists, BadName:
        """
        if not name.isprintable() or not 1 <= len(name) <= _LONGEST_NAME:
            raise BadName(f"{name!r} is no name for an app password")
        key = self._address(address)
        password = self._passwords.generate()
        for _ in range(_TRIES):
            salt = await self._directory.read(steps.salt_of, key)
            keys = await self._passwords.app_keys(password, *salt)
            if await self._directory.change(
                steps.add_app_password, key, name, keys, salt, self._now()
            ):
                return password
        raise StoreBusy

    async def list_app_passwords(
        self, address: str
    ) -> tuple[AppPasswordEntry, ...]:
        """
        An account's.

        :raises NoSuchAccount:
        """

        def entries(
            connection: sqlite3.Connection,
        ) -> tuple[AppPasswordEntry, ...]:
            number = account_rows.number(connection, *key)
            return app_password_rows.entries(connection, number)

        key = self._address(address)
        return await self._directory.read(entries)

    async def remove_app_password(self, address: str, name: str) -> None:
        """
        The password is good for nothing any more, and all the account's open
        sessions end, since any may have begun with it.

        :raises NoSuchAccount, NoSuchAppPassword:
        """
        key = self._address(address)

        def remove(connection: sqlite3.Connection) -> None:
            number = account_rows.number(connection, *key)
            app_password_rows.remove(connection, number, name)
            account_rows.end_sessions(connection, number)

        await self._directory.change(remove)

    # Quota

    async def set_quota(
        self,
        address: str,
        octets: int | None = None,
        messages: int | None = None,
    ) -> AccountEntry:
        """
        Set both limits; None is no limit.

        :raises NoSuchAccount, BadQuota:
        """
        for limit in (octets, messages):
            if limit is not None and not 0 <= limit <= account_rows.MOST_LIMIT:
                raise BadQuota(f"A limit cannot be {limit}")
        key = self._address(address)

        def set_quota(connection: sqlite3.Connection) -> AccountEntry:
            number = account_rows.number(connection, *key)
            account_rows.set_quota(connection, number, octets, messages)
            return account_rows.entry(connection, number)

        return await self._directory.change(set_quota)

    async def quota(self, address: str) -> AccountEntry:
        """
        An account with its limits.

        :raises NoSuchAccount:
        """
        key = self._address(address)

        def entry(connection: sqlite3.Connection) -> AccountEntry:
            number = account_rows.number(connection, *key)
            return account_rows.entry(connection, number)

        return await self._directory.read(entry)

    # What was typed

    @property
    def _default(self) -> str:
        return self._directory.default_domain

    def _address(self, text: str) -> Key:
        """
        A typed address; a bare local part is one in the default domain.
        """
        bare = "@" not in text
        return typed_address(f"{text}@{self._default}" if bare else text)

    def _target(self, text: str) -> Key:
        return typed_target(self._directory.routes, text)

    async def _catch_all(self, text: str | None) -> Key | None:
        """
        :raises BadAddress, NoSuchTarget:
        """
        if text is None:
            return None
        await self._directory.look()
        target = self._target(text)
        require_catch_all(self._directory.routes, target)
        return target

    def _now(self) -> int:
        return int(self._directory.clock.seconds())
