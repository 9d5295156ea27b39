"""
The secrets that SCRAM exchanges are judged by, for users that exist or not.
"""

from __future__ import annotations

import hmac

from mailsuite.accounts import account_rows
from mailsuite.accounts.account_rows import Verifiers
from mailsuite.accounts.directory import Directory
from mailsuite.accounts.passwords import Passwords
from mailsuite.wire.sasl import ScramSecrets

_SALT_OCTETS = 16


class ScramAccounts:
    """
    Finds an account's SCRAM secrets.
    """

    def __init__(self, directory: Directory, passwords: Passwords) -> None:
        self._directory = directory
        self._passwords = passwords

    async def find(self, user: str) -> tuple[Verifiers | None, ScramSecrets]:
        """
        The account and the secrets of whom ``user`` means.

        For nobody they are secrets that no proof fits, with a salt that is
        the same each time, as a salt would be.  No proof fits a suspended
        account's either.

        :raises MailError: it could not be looked up.
        """
        key = self._directory.routes.login_key(user)
        verifiers = await self._directory.read(account_rows.verifiers, *key)
        if verifiers is not None:
            keys = () if verifiers.suspended else verifiers.keys
            return verifiers, ScramSecrets(
                verifiers.salt, verifiers.iterations, keys
            )
        name = "\0".join(key).encode("utf-8", "surrogateescape")
        salt = hmac.digest(self._directory.secret, name, "sha256")
        return None, ScramSecrets(
            salt[:_SALT_OCTETS], self._passwords.scram_iterations, ()
        )
