"""
Where each recipient's copies go, given what the directory says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailsuite.errors import MailError, NoSuchRecipient, RelayDenied
from mailsuite.interfaces import AccountRecord, Deliverable
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient
from mailsuite.transfer.notices import for_targets


@dataclass(frozen=True, slots=True)
class Routed:
    """
    An accepted recipient, and where his copies go.

    :param accounts: those here that keep one.
    :param elsewhere: recipients outside who get one.
    :param forwarded: the recipient is ours, and those outside stand behind
        his address.
    :param withheld: recipients outside who would get a copy, and do not, since
        it is junk.
    :param failure: why he gets nothing: a program on this machine cannot be
        answered for each recipient, so its sender is told by a notification.
    """

    recipient: Recipient
    accounts: tuple[AccountRecord, ...]
    elsewhere: tuple[Recipient, ...] = ()
    forwarded: bool = False
    withheld: tuple[Recipient, ...] = ()
    failure: MailError | None = None

    @property
    def is_for_nobody(self) -> bool:
        """
        Whether it is taken and kept by nobody: a report that came back.
        """
        return not (self.accounts or self.elsewhere or self.failure)

    @property
    def is_list(self) -> bool:
        """
        Whether the address stands for several.
        """
        return len(self.accounts) + len(self.elsewhere) > 1


def completed(address: Address, default_domain: str) -> Address:
    """
    The address with a domain: a bare ``postmaster`` is ours (RFC 5321 4.5.1).

    :raises NoSuchRecipient: another local part stands without a domain.
    """
    if address.domain:
        return address
    if address.local_part.lower() == "postmaster":
        return Address(address.local_part, default_domain)
    raise NoSuchRecipient


def routed_here(recipient: Recipient, found: Deliverable | None) -> Routed:
    """
    Where mail for an address of a domain of ours goes.

    :raises NoSuchRecipient: there is nobody.
    """
    if found is None or not (found.accounts or found.elsewhere):
        raise NoSuchRecipient
    targets = for_targets(recipient, found.elsewhere)
    if found.accounts and targets:
        # One of several: the success of none is told.
        targets = for_targets(
            recipient, (*found.elsewhere, recipient.forward_path)
        )[:-1]
    return Routed(recipient, found.accounts, targets, forwarded=bool(targets))


def routed_elsewhere(recipient: Recipient, *, may_relay: bool) -> Routed:
    """
    The same for a domain that is not ours.

    Only the domain after the last ``@`` counts: a local part with ``%``,
    ``!`` or ``@`` in it is a name like any other, and a literal is a domain.

    :raises RelayDenied:
    """
    if not may_relay:
        raise RelayDenied
    return Routed(recipient, (), (recipient,))


def each_once(routed: Sequence[Routed]) -> tuple[AccountRecord, ...]:
    """
    All accounts of all recipients, each once, in the order of their coming.
    """
    accounts: dict[int, AccountRecord] = {}
    for one in routed:
        for record in one.accounts:
            accounts.setdefault(record.number, record)
    return tuple(accounts.values())
