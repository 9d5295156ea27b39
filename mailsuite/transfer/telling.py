"""
Tells senders what became of their messages.

Implementation notes

- A notification is durable in the queue, bound to the message that it is
  about, before the message's entry says that the sender was told; it is sent
  after that.  A crash in between leaves a notification that its message knows
  nothing of: the next start has the message know first.
- Until a start has looked at all that there is, nothing is told: what is to
  be told may have been.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from mailsuite.errors import MailError
from mailsuite.mail.envelope import Origin, Recipient
from mailsuite.transfer import bounce
from mailsuite.transfer.arrival import Arrival, Arriving
from mailsuite.transfer.attempt import Contents, local_outcome
from mailsuite.transfer.entry import About
from mailsuite.transfer.inhand import InHand
from mailsuite.transfer.notices import Due
from mailsuite.transfer.outcome import Outcome
from mailsuite.transfer.queuedfile import InMemory, on_the_wire
from mailsuite.transfer.remaking import Signature
from mailsuite.transfer.threads import InPool

#: What is told of more recipients is composed in a thread.
_AT_ONCE = 50

#: The copies that a recipient's mail is made into; raises ``MailError`` if he
#: is nobody.
Routing = Callable[[Recipient], Awaitable[Sequence[Arriving]]]


@dataclass(frozen=True, slots=True)
class Notifying:
    """
    What notifications are made with.

    :param our_name: the host that they come from.
    :param double_bounce: told of a queue id, an address and what it came to,
        where there is nobody else to tell.
    :param trouble: told of what fails by our own configuration.
    """

    our_name: str
    routing: Routing
    signature: Signature
    double_bounce: Callable[[str, str, Outcome], None]
    trouble: Callable[[str, str], None]


class Telling:
    """
    Makes notifications of what is to be told.

    :param new_id: gives a queue id.
    """

    _log = Logger()

    def __init__(
        self,
        notifying: Notifying,
        contents: Contents,
        clock: IReactorTime,
        new_id: Callable[[], str],
        in_pool: InPool,
    ) -> None:
        self.in_pool = in_pool
        self.notifying = notifying
        self.contents = contents
        self.clock = clock
        self.new_id = new_id
        self._ready = False
        self._waiting: list[Deferred[None]] = []

    def start(self) -> None:
        """
        All that the last run left is known.
        """
        self._ready = True
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            turn.callback(None)

    async def ready(self) -> None:
        """
        Wait for ``start``.
        """
        if not self._ready:
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            await turn

    async def notification(self, hand: InHand, one: Due) -> Arrival | None:
        """
        The message that tells a sender; None if there is no way to him.

        :raises OSError, MailError: it cannot be made at this moment.
        """
        standing = hand.standing
        entry = standing.entry
        new_id = self.new_id()
        composing = partial(
            bounce.compose,
            bounce.Original(entry.queue_id, entry.sender, entry.arrival),
            bounce.reported(standing, one),
            await self._start(hand),
            standing.content.octets,
            our_name=self.notifying.our_name,
            new_id=new_id,
            now=self.clock.seconds(),
        )
        if len(one.numbers) > _AT_ONCE:
            made = await self.in_pool(composing)
        else:
            made = composing()
        try:
            recipients = await self.notifying.routing(made.recipient)
        except MailError as error:
            if error.temporary:
                raise
            self._tell_of_double(hand, made.recipient, local_outcome(error))
            return None
        signed = await self.notifying.signature(
            InMemory(made.content[made.skip :])
        )
        return Arrival(
            queue_id=new_id,
            origin=Origin("", "queue", our_name=self.notifying.our_name),
            sender=made.sender,
            recipients=recipients,
            content=made.content,
            skip=made.skip,
            prefix=signed,
            about=About(entry.queue_id, one.numbers, one.notice),
        )

    async def _start(self, hand: InHand) -> bytes:
        standing = hand.standing
        if hand.octets is not None:
            octets = on_the_wire(standing.content, hand.octets)
            return octets[: bounce.START_OCTETS]
        content = await self.contents.on_the_wire(standing)
        try:
            return await content.read(0, bounce.START_OCTETS)
        finally:
            content.close()

    def tell_postmaster(self, hand: InHand, dues: Iterable[Due]) -> None:
        """
        Tell of failures whose senders cannot be told.
        """
        for one in dues:
            for number in one.numbers if one.double else ():
                state = hand.standing.state(number)
                assert state.last is not None
                self._tell_of_double(hand, state.queued.recipient, state.last)

    def tell_trouble(self, route: str, outcome: Outcome) -> None:
        """
        Tell postmaster of what fails by our own configuration.

        :param route: where the mail was to go.
        """
        where = outcome.peer or route
        self.notifying.trouble(where, f"{where}: {outcome.text}")

    def _tell_of_double(
        self, hand: InHand, recipient: Recipient, outcome: Outcome
    ) -> None:
        address = str(recipient.forward_path)
        self._log.info(
            "Discarded {queue_id} for {recipients}: nobody can be told of"
            " {reason}",
            queue_id=hand.queue_id,
            recipients=address,
            reason=outcome.text,
        )
        self.notifying.double_bounce(hand.queue_id, address, outcome)
