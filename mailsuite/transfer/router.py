"""
Where each recipient's copy goes, given what the directory says.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from mailsuite.errors import NoSuchRecipient, NotTransferable, RelayDenied
from mailsuite.interfaces import AccountRecord, Deliverable
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient


@dataclass(frozen=True, slots=True)
class Routed:
    """
    An accepted recipient, and the accounts that keep a copy for him.
    """

    recipient: Recipient
    accounts: tuple[AccountRecord, ...]


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


def accounts_for(
    found: Deliverable | None, *, ours: bool, logged_in: bool
) -> tuple[AccountRecord, ...]:
    """
    The accounts that keep a copy, or why nobody does.

    Only the domain after the last ``@`` counts: a local part with ``%``,
    ``!`` or ``@`` in it is a name like any other, and a literal is a domain.

    :param found: the directory's answer; asked only if the domain is ours.
    :raises NoSuchRecipient, RelayDenied, NotTransferable:
    """
    if not ours:
        raise NotTransferable if logged_in else RelayDenied
    if found is None:
        raise NoSuchRecipient
    if found.elsewhere or not found.accounts:
        raise NotTransferable
    return found.accounts


def each_once(routed: Sequence[Routed]) -> tuple[AccountRecord, ...]:
    """
    All accounts of all recipients, each once, in the order of their coming.
    """
    accounts: dict[int, AccountRecord] = {}
    for one in routed:
        for record in one.accounts:
            accounts.setdefault(record.number, record)
    return tuple(accounts.values())


def lacking(
    routed: Sequence[Routed], failed: Container[int]
) -> list[tuple[Recipient, AccountRecord]]:
    """
    The accounts that lack their copy, each once, with the recipient through
    whom it was to get it.

    :param failed: their numbers.
    """
    found: dict[int, tuple[Recipient, AccountRecord]] = {}
    for one in routed:
        for record in one.accounts:
            if record.number in failed:
                found.setdefault(record.number, (one.recipient, record))
    return list(found.values())
