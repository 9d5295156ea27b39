"""
What keeps an operator's change to the accounts from being made.

Each carries a ``public`` text that the operator may read as it stands.
"""

from __future__ import annotations

from mailsuite.errors import MailError


class AccountsError(MailError):
    """
    A change to the accounts cannot be made; nothing was changed.
    """

    public = "The accounts cannot be changed so"


class AccountsTooNew(AccountsError):
    """
    A later release made the database; we would damage it.
    """


class BadAddress(AccountsError):
    """
    The text is no address, or none that can be kept here.
    """


class NoSuchAccount(AccountsError):
    """
    No account has that address.
    """


class NoSuchAlias(AccountsError):
    """
    No alias has that address.
    """


class NoSuchDomain(AccountsError):
    """
    The domain is not one of ours.
    """


class NoSuchAppPassword(AccountsError):
    """
    The account has no app password of that name.
    """


class AddressTaken(AccountsError):
    """
    An account or an alias has that address.
    """


class DomainExists(AccountsError):
    """
    The domain is one of ours already.
    """


class DomainInUse(AccountsError):
    """
    Accounts, aliases or other domains depend on the domain.
    """


class AppPasswordExists(AccountsError):
    """
    The account has an app password of that name.
    """


class NoSuchTarget(AccountsError):
    """
    Nobody is behind an address that mail was to be led to.
    """


class AliasLoop(AccountsError):
    """
    An alias would lead back to itself.
    """


class TooManyTargets(AccountsError):
    """
    An alias would stand for more addresses than are followed.
    """


class BadPassword(AccountsError):
    """
    The password cannot be typed, or is empty.
    """


class AccountsUnreadable(AccountsError):
    """
    The database cannot be opened.
    """


class BadName(AccountsError):
    """
    The name is none that can be shown.
    """


class BadQuota(AccountsError):
    """
    The limit is none that can be kept.
    """


class BadLine(AccountsError):
    """
    A line of a passwd-file is no user that can be kept.

    :ivar remedy: what the operator can do.
    """

    def __init__(self, public: str, remedy: str) -> None:
        super().__init__(public)
        self.remedy = remedy
