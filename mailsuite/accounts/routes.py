"""
Who is behind an address: the accounts' routing facts, held in memory.

Implementation notes

- Answers come from dictionaries and never wait, so that the reactor can ask
  for each recipient; ``apply`` keeps them the same as the database.
- An address is looked for in this order: account, alias; the same without
  ``+detail``; postmaster, abuse and mailer-daemon; the domain's catch-all.
- Each address is followed once: a loop of aliases leads to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from mailsuite.accounts.names import key, local_key
from mailsuite.errors import ExpansionTooLarge
from mailsuite.mail.address import Address

Key = tuple[str, str]
"""
(local part, domain), as ``names`` spells them.
"""

#: RFC 5321 4.5.1, RFC 2142 2 and 5: somebody reads these, always; and what
#: people answer to a bounce.
_ALWAYS = frozenset({"postmaster", "abuse", "mailer-daemon"})

MOST_ADDRESSES = 2_000
"""
What one address may lead to, aliases on the way included: more would keep the
reactor busy, and is a mailing list's work.
"""


@dataclass(frozen=True, slots=True)
class AccountRoute:
    """
    An account, as far as mail's way and open sessions need it.
    """

    number: int
    suspended: bool
    login_epoch: int
    scram: bool
    octets_limit: int | None
    messages_limit: int | None


@dataclass(frozen=True, slots=True)
class DomainRoute:
    """
    A domain of ours.
    """

    alias_of: str | None
    catch_all: Key | None


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What the database has at one moment: of everything, or of what changed.

    None and an empty alias are what is gone.

    :param number: of the last change that is in here.
    :param whole: it is everything, for ``Routes`` that know nothing.
    """

    number: int
    whole: bool
    accounts: dict[Key, AccountRoute | None] = field(default_factory=dict)
    aliases: dict[Key, tuple[Key, ...]] = field(default_factory=dict)
    domains: dict[str, DomainRoute | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """
    Where an address leads to.

    :param accounts: their addresses.
    :param elsewhere: addresses outside.
    """

    accounts: tuple[Key, ...]
    elsewhere: tuple[Key, ...]


class Routes:
    """
    All accounts, aliases and domains.
    """

    def __init__(
        self,
        default_domain: str,
        separators: str = "+",
        postmaster: Key = ("", ""),
        copies: tuple[Key, ...] = (),
    ) -> None:
        """
        :param separators: each of these characters begins a ``+detail``.
        :param postmaster: who reads postmaster's mail where there is no such
            account or alias; if it is nobody, a domain's first account.
        :param copies: who gets that mail as well, in every domain.
        """
        self.default_domain = default_domain
        self.number = 0
        self._separators = separators
        self._postmaster = postmaster
        self._copies = copies
        self._accounts: dict[Key, AccountRoute] = {}
        self._addresses: dict[int, Key] = {}
        self._aliases: dict[Key, tuple[Key, ...]] = {}
        self._domains: dict[str, DomainRoute] = {}
        self._without_scram: set[int] = set()
        # Heaps; what is no longer there is dropped when it is met.
        self._numbers: dict[str, list[int]] = {}

    # Keeping up

    def apply(self, facts: Facts) -> frozenset[int]:
        """
        Learn what the database has.

        :return: the accounts that differ from what they were.
        """
        touched: set[int] = set()
        self.number = facts.number
        for name, domain in facts.domains.items():
            if domain is None:
                self._domains.pop(name, None)
            else:
                self._domains[name] = domain
        for address, targets in facts.aliases.items():
            if targets:
                self._aliases[address] = targets
            else:
                self._aliases.pop(address, None)
        for address, account in facts.accounts.items():
            touched |= self._put(address, account)
        return frozenset(touched)

    def _put(self, address: Key, account: AccountRoute | None) -> set[int]:
        old = self._accounts.pop(address, None)
        if old is not None:
            self._without_scram.discard(old.number)
            if self._addresses.get(old.number) == address:
                del self._addresses[old.number]
        if account is not None:
            self._accounts[address] = account
            self._addresses[account.number] = address
            if not account.scram and not account.suspended:
                self._without_scram.add(account.number)
            if old is None or old.number != account.number:
                numbers = self._numbers.setdefault(address[1], [])
                heappush(numbers, account.number)
        return {each.number for each in (old, account) if each is not None}

    def _first(self, domain: str) -> int | None:
        """
        The number of a domain's first account.
        """
        numbers = self._numbers.get(domain, [])
        while numbers:
            address = self._addresses.get(numbers[0])
            if address is not None and address[1] == domain:
                return numbers[0]
            heappop(numbers)
        return None

    # Asking

    @property
    def all_scram(self) -> bool:
        """
        Whether every account that may log in has keys of its password for
        SCRAM.
        """
        return not self._without_scram

    def is_ours(self, domain: str) -> bool:
        """
        Whether a domain, as an A-label, is one of ours.
        """
        return domain in self._domains

    def account(self, number: int) -> AccountRoute | None:
        """
        An account, by its number.
        """
        address = self._addresses.get(number)
        return None if address is None else self._accounts[address]

    def has_account(self, address: Key) -> bool:
        """
        Whether that is an account's own address.
        """
        return address in self._accounts

    def route(self, address: Key) -> AccountRoute:
        """
        An account, by the address that ``find`` gave.
        """
        return self._accounts[address]

    def address(self, number: int) -> Key | None:
        """
        An account's own address.
        """
        return self._addresses.get(number)

    def login_key(self, user: str) -> Key:
        """
        The address that somebody means who logs in as ``user``.
        """
        local_part, at, domain = user.rpartition("@")
        if not at:
            local_part, domain = user, self.default_domain
        return self._own_domain(key(Address(local_part, domain)))

    def find(self, address: Address) -> Found | None:
        """
        Follow an address; None if it is not ours or there is nobody.

        :raises ExpansionTooLarge: it is more addresses than we follow.
        """
        start = self._own_domain(key(address))
        if start == ("postmaster", ""):
            start = ("postmaster", self.default_domain)
        if start[1] not in self._domains:
            return None
        return self.follow([start])

    def follow(self, starts: Sequence[Key]) -> Found | None:
        """
        Who is behind all these together; None if nobody is.

        :raises ExpansionTooLarge: it is more addresses than we follow.
        """
        accounts: dict[Key, None] = {}
        elsewhere: dict[Key, None] = {}
        waiting, seen = list(reversed(starts)), set(starts)
        while waiting:
            if len(seen) > MOST_ADDRESSES:
                raise ExpansionTooLarge
            this = self.own_address(waiting.pop())
            if this[1] not in self._domains:
                elsewhere[this] = None
                continue
            if self._lookup(this) in self._accounts:
                accounts[self._lookup(this)] = None
            # In the order of the list, whatever the depth.
            for target in reversed(self.onward(this)):
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)
        if not accounts and not elsewhere:
            return None
        return Found(tuple(accounts), tuple(elsewhere))

    def onward(self, address: Key) -> tuple[Key, ...]:
        """
        Where mail goes on from an address, one step; from an account that is
        copies alone.
        """
        this = self.own_address(address)
        if this[1] not in self._domains:
            return ()
        there = self._lookup(this)
        copies = self._copies if there[0] in _ALWAYS else ()
        if there in self._accounts:
            return copies
        return self._targets(there) + copies

    def is_known(self, address: Key) -> bool:
        """
        Whether it is outside, or somebody's without a catch-all.
        """
        this = self.own_address(address)
        there = self._lookup(this)
        return (
            this[1] not in self._domains
            or there in self._accounts
            or there in self._aliases
            or there[0] in _ALWAYS
        )

    def own_address(self, address: Key) -> Key:
        """
        An address as it is looked up: that in the domain which an alias
        domain repeats; one outside stays as it is.
        """
        if address[1] not in self._domains:
            return address
        return self._own_domain((local_key(address[0]), address[1]))

    def expand(self, address: Address) -> tuple[Key, ...]:
        """
        What an alias stands for, one step; empty if it is none.
        """
        there = self._lookup(self._own_domain(key(address)))
        return self._aliases.get(there, ())

    def leads_to(self, address: Address, number: int) -> bool:
        """
        Whether an address is an account's own or an alias that leads there;
        a catch-all does not count.
        """
        there = self._lookup(self._own_domain(key(address)))
        if there in self._accounts:
            return self._accounts[there].number == number
        if there not in self._aliases and there[0] not in _ALWAYS:
            return False
        try:
            found = self.follow([there])
        except ExpansionTooLarge:
            return False
        return found is not None and self._addresses.get(number) in (
            found.accounts
        )

    def _own_domain(self, address: Key) -> Key:
        """
        The same address in the domain that an alias domain repeats.
        """
        local_part, domain = address
        ours = self._domains.get(domain)
        if ours is None or ours.alias_of is None:
            return address
        return local_part, ours.alias_of

    def _lookup(self, address: Key) -> Key:
        """
        The address without its detail, if only that is known.
        """
        if address in self._accounts or address in self._aliases:
            return address
        local_part, domain = address
        ends = [
            end
            for separator in self._separators
            if (end := local_part.find(separator)) > 0
        ]
        if not ends:
            return address
        plain = local_part[: min(ends)], domain
        known = (
            plain in self._accounts
            or plain in self._aliases
            or plain[0] in _ALWAYS
        )
        return plain if known else address

    def _targets(self, address: Key) -> tuple[Key, ...]:
        """
        Where mail goes on from an address of ours that is no account.
        """
        if address in self._aliases:
            return self._aliases[address]
        local_part, domain = address
        if local_part in _ALWAYS:
            return self._always(domain)
        ours = self._domains[domain]
        return () if ours.catch_all is None else (ours.catch_all,)

    def _always(self, domain: str) -> tuple[Key, ...]:
        chosen = self.own_address(self._postmaster)
        outside = chosen[1] and not self.is_ours(chosen[1])
        if outside or chosen in self._accounts or chosen in self._aliases:
            return (chosen,)
        for place in (domain, self.default_domain, *self._numbers):
            if (number := self._first(place)) is not None:
                return (self._addresses[number],)
        return ()
