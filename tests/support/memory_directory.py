"""
A directory in memory: ``IDirectory`` for tests.
"""

from __future__ import annotations

from zope.interface import implementer

from mailsuite.interfaces import AccountRecord, Deliverable, IDirectory
from mailsuite.mail.address import Address


@implementer(IDirectory)
class MemoryDirectory:
    """
    Addresses and what they stand for.

    :param domains: ours, in lower case.
    :ivar suspended: the numbers of the accounts that are.
    """

    def __init__(self, *domains: str) -> None:
        self._domains = domains
        self._known: dict[Address, Deliverable] = {}
        self._numbers = 0
        self.suspended: set[int] = set()

    def add_account(
        self,
        address: str,
        *,
        octets_limit: int | None = None,
        messages_limit: int | None = None,
    ) -> AccountRecord:
        """
        An account of that address.
        """
        self._numbers += 1
        record = AccountRecord(
            self._numbers,
            address,
            home=f"/mail/{address}",
            maildir=f"/mail/{address}/Maildir",
            octets_limit=octets_limit,
            messages_limit=messages_limit,
        )
        self.add_alias(address, record)
        return record

    def add_alias(
        self,
        address: str,
        *accounts: AccountRecord,
        elsewhere: tuple[Address, ...] = (),
    ) -> None:
        """
        An address that stands for these.
        """
        self._known[Address.parse(address)] = Deliverable(accounts, elsewhere)

    def remove(self, address: str) -> None:
        """
        The address is nobody's any more.
        """
        del self._known[Address.parse(address)]

    def is_ours(self, domain: str) -> bool:
        """
        Whether mail for this domain ends here.
        """
        return domain in self._domains

    async def resolve(self, address: Address) -> Deliverable | None:
        """
        What the address stands for.
        """
        return self._known.get(
            Address(address.local_part.lower(), address.domain)
        )

    def is_suspended(self, account: int) -> bool:
        """
        Whether the account is suspended.
        """
        return account in self.suspended

    async def expand(self, address: Address) -> tuple[str, ...]:
        """
        The addresses of the accounts that it stands for.
        """
        found = await self.resolve(address)
        return tuple(r.address for r in found.accounts) if found else ()
