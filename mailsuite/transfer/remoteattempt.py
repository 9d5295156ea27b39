"""
One attempt to send a message to the recipients of a domain, from the hosts
that were asked to what each recipient came to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from mailsuite.emailauth.domains import ascii_domain
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.smtp.wire.capabilities import Capabilities
from mailsuite.smtp.wire.peerreplies import PeerReply
from mailsuite.transfer import verdicts
from mailsuite.transfer.candidates import Candidate, other_family_first
from mailsuite.transfer.fitting import Fit
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.outgoing import Outgoing
from mailsuite.transfer.verdicts import Unreached

if TYPE_CHECKING:
    from mailsuite.transfer.remotesession import RemoteSession

#: Connections that were used before and turn out to be closed, before that is
#: taken for the host's refusal.
_MOST_STALE = 2

_NEVER = frozenset({"NEVER"})


@dataclass(frozen=True, slots=True)
class Transaction:
    """
    Some of the recipients, as they are sent together.
    """

    sender: Sender
    numbers: tuple[int, ...]
    recipients: tuple[Recipient, ...]


class RemoteAttempt:
    """
    How far an attempt has come.

    :ivar outgoing: what is sent.
    :ivar fit: what it needs of a host.
    :ivar wanted: the address at which it begins; empty for any.
    :ivar candidates: addresses that were not tried; None before the first
        connection is needed.
    :ivar addresses: how many were tried.
    :ivar sessions: how many came past the greeting.
    :ivar session: that which has it, or had it last.
    :ivar ended: fires with what each recipient came to.
    """

    def __init__(self, outgoing: Outgoing, fit: Fit, wanted: str) -> None:
        self.outgoing = outgoing
        self.fit = fit
        self.backlog = outgoing.backlog
        self.wanted = wanted
        self.candidates: list[Candidate] | None = None
        self.addresses = 0
        self.sessions = 0
        self.ended: Deferred[dict[int, Outcome]] = Deferred()
        self._pending = dict(outgoing.recipients)
        self._outcomes: dict[int, Outcome] = {}
        self._unreached: list[Unreached] = []
        self._refused: Outcome | None = None
        self._stale = 0
        self.session: RemoteSession | None = None

    @property
    def is_over(self) -> bool:
        """
        Whether nobody waits any more.
        """
        return not self._pending

    def transaction(self, capabilities: Capabilities, most: int) -> Transaction:
        """
        The next recipients that go together to a host.

        Where DSN is not known, those whose sender wants to hear nothing go
        with the null reverse-path, so that nobody can tell him (RFC 3461
        5.2.2).
        """
        limit = min(most, capabilities.recipients_most or most)
        pending = list(self._pending.items())
        sender = self.outgoing.sender
        if not capabilities.dsn and any(
            recipient.notify == _NEVER for _, recipient in pending
        ):
            silent = pending[0][1].notify == _NEVER
            pending = [x for x in pending if (x[1].notify == _NEVER) == silent]
            if silent:
                sender = replace(sender, reverse_path=None)
        numbers, recipients = zip(*pending[:limit], strict=True)
        if not self.fit.smtputf8:
            sender, recipients = _in_ascii(sender, recipients)
        return Transaction(sender, numbers, recipients)

    def take(
        self,
        transaction: Transaction,
        replies: Sequence[PeerReply],
        outcomes: Sequence[Outcome],
    ) -> None:
        """
        A host has answered for each recipient of a transaction.
        """
        again = verdicts.once_more(replies)
        for place, number in enumerate(transaction.numbers):
            if place not in again:
                self.settle(number, outcomes[place])
        self._end_if_over()

    def settle(self, number: int, outcome: Outcome) -> None:
        """
        One recipient has come to this.
        """
        if self._pending.pop(number, None) is not None:
            self._outcomes[number] = outcome

    def settle_these(self, numbers: Sequence[int], outcome: Outcome) -> None:
        """
        These recipients have come to this.
        """
        for number in numbers:
            self.settle(number, outcome)
        self._end_if_over()

    def settle_rest(self, outcome: Outcome) -> None:
        """
        Everybody who still waits has come to this.
        """
        self.settle_these(tuple(self._pending), outcome)

    async def make_fit(self) -> bool:
        """
        Turn to the same message in seven bits and short lines.

        :return: False if it may not be changed.
        """
        remade = self.outgoing.remade
        new = None if remade is None else await remade()
        if new is None:
            return False
        self.outgoing = new
        self.fit = Fit(False, self.fit.smtputf8, False)
        return True

    def is_stale(self) -> bool:
        """
        A connection that had been used was closed under it: whether to try
        again as if nothing had been.
        """
        self._stale += 1
        return self._stale <= _MOST_STALE

    def start_over(self) -> None:
        """
        Every host may be tried, those too that have been.
        """
        self.candidates = None
        self.addresses = self.sessions = 0
        self.session = None

    def unreached(self, why: Unreached) -> None:
        """
        There is no session with one host.
        """
        self._unreached.append(why)

    def turn_family(self, candidate: Candidate) -> bool:
        """
        Begin elsewhere with the other family than this candidate's.

        :return: False if there is no address of it.
        """
        if self.candidates is None:
            return False
        self.candidates = other_family_first(
            self.candidates, six=candidate.is_six
        )
        return any(x.is_six != candidate.is_six for x in self.candidates)

    def refused_once(self, candidate: Candidate, outcome: Outcome) -> bool:
        """
        The host refuses all for what we are: whether to try the other family
        before that is final; it is done once.
        """
        if self._refused is not None or not self.turn_family(candidate):
            return False
        self._refused = outcome
        return True

    def exhausted(self, now: float) -> None:
        """
        No host is left to ask.
        """
        if self._refused is not None:
            self.settle_rest(self._refused)
        elif self._unreached:
            self.settle_rest(verdicts.of_unreached(self._unreached, now))
        else:
            self.settle_rest(
                Outcome(Kind.DEFERRED, "4.4.1", "no address can be tried")
            )

    def _end_if_over(self) -> None:
        if not self._pending and not self.ended.called:
            self.ended.callback(self._outcomes)


def _in_ascii(
    sender: Sender, recipients: tuple[Recipient, ...]
) -> tuple[Sender, tuple[Recipient, ...]]:
    """
    The same with A-labels, where there are others.
    """
    path = sender.reverse_path
    if path is not None and not path.domain.isascii():
        sender = replace(sender, reverse_path=_a_labels(path))
    if not all(x.forward_path.domain.isascii() for x in recipients):
        recipients = tuple(
            replace(x, forward_path=_a_labels(x.forward_path))
            for x in recipients
        )
    return sender, recipients


def _a_labels(address: Address) -> Address:
    domain = ascii_domain(address.domain) or address.domain
    return Address(address.local_part, domain)
