"""
One connection to a destination, from its opening to QUIT: message after
message of those that wait.

Implementation notes

- The next message is handed to the connection as soon as it will take it, so
  that its first commands travel with the end of the one before (RFC 2920 3.1).
- A connection that has been used may have been closed by the server in the
  meantime.  That is no refusal: the message is tried again at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailsuite.errors import MailError
from mailsuite.interfaces import IContent
from mailsuite.smtp.client import ClientMessage, SMTPClient
from mailsuite.smtp.wire.failures import (
    BadReply,
    Lost,
    NotOffered,
    NotSendable,
    SendingFailed,
    ShuttingDown,
)
from mailsuite.smtp.wire.peerreplies import PeerReply
from mailsuite.transfer import verdicts
from mailsuite.transfer.approach import Approach
from mailsuite.transfer.candidates import Candidate
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.outgoing import Outgoing
from mailsuite.transfer.remoteattempt import RemoteAttempt, Transaction
from mailsuite.transfer.surroundings import Plan, Surroundings
from mailsuite.transfer.verdicts import Unreached

if TYPE_CHECKING:
    from mailsuite.transfer.destinations import Destination

#: What becomes of what was not begun when we end.
STOPPING = Outcome(
    Kind.DEFERRED, "4.3.2", "this server is stopping", counts=False
)

#: Our own disk fails, and nobody was asked.
UNREADABLE = Outcome(Kind.DEFERRED, "4.3.0", "the message cannot be read here")

#: A mistake of ours, which is in the log.
INTERNAL = Outcome(Kind.DEFERRED, "4.3.0", "internal error of this server")


class _NotBegun(Exception):
    """
    Nothing was sent, for a reason of our own.

    :ivar outcome: what that comes to.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class RemoteSession:
    """
    A connection, and what is sent over it.

    :ivar backlog: whose message it carries, or carried last.
    :ivar address: the host's; empty while there is none.
    """

    _log = Logger()
    _client: SMTPClient
    _candidate: Candidate

    def __init__(
        self,
        surroundings: Surroundings,
        plan: Plan,
        destination: Destination,
        backlog: str,
    ) -> None:
        self._around = surroundings
        self._plan = plan
        self._destination = destination
        self._approach = Approach(surroundings, plan, destination.refused)
        self.backlog = backlog
        self.address = ""
        self._opened = 0.0
        self._loading = False
        self._filling = False
        self._leaving = False
        self._under_way: dict[RemoteAttempt, Deferred[None] | None] = {}
        self._idle: IDelayedCall | None = None
        self._done: Deferred[None] = Deferred()

    async def run(self, attempt: RemoteAttempt) -> None:
        """
        Open a connection for this attempt, and use it as long as it is good.
        """
        try:
            reached = await self._approach.reach(attempt)
        except CancelledError:
            attempt.settle_rest(STOPPING)
            raise
        if reached is None:
            attempt.exhausted(self._around.clock.seconds())
            return
        self._client = reached.client
        self._candidate = reached.candidate
        self._opened = self._around.clock.seconds()
        self.address = reached.candidate.address
        self._destination.connected(self)
        if not attempt.is_over:
            self._begin(attempt)
        self._fill()
        await self._done
        await self._client.quit()

    def wake(self) -> None:
        """
        Something may wait for an idle connection.
        """
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
            self._fill()

    def leave(self) -> None:
        """
        Send nothing more; what is under way ends first.
        """
        self._leaving = True
        self.wake()

    def abandon(self, attempt: RemoteAttempt) -> bool:
        """
        Nobody waits for this attempt any more.

        :return: whether its message may have been taken, so that its end
            should be waited for.
        """
        sending = self._under_way.get(attempt)
        if sending is None:
            return False
        if self._client.past_end and next(iter(self._under_way)) is attempt:
            return True
        sending.cancel()
        return False

    # --- Message after message -----------------------------------------------

    def _fill(self) -> None:
        # What ends at once comes here again; the loop goes on with it.
        if self._filling:
            return
        self._filling = True
        try:
            while self._may_begin():
                attempt = self._destination.next_for(self)
                if attempt is None:
                    break
                self._begin(attempt)
        finally:
            self._filling = False
        if not self._under_way and self._idle is None:
            self._pause()

    def _may_begin(self) -> bool:
        return (
            self._client.ready and not self._loading and not self._is_used_up()
        )

    def _is_used_up(self) -> bool:
        limits = self._around.limits
        return (
            self._leaving
            or self._client.taken + len(self._under_way) >= limits.messages
            or self._around.clock.seconds() - self._opened >= limits.lifetime
        )

    def _pause(self) -> None:
        if self._is_used_up() or not self._client.usable:
            self._end()
        else:
            self._idle = self._around.clock.callLater(
                self._around.limits.idle, self._idle_too_long
            )
            self._destination.idle(self)

    def _idle_too_long(self) -> None:
        self._idle = None
        self._end()

    def _end(self) -> None:
        self._destination.closing(self)
        if not self._done.called:
            self._done.callback(None)

    def _begin(self, attempt: RemoteAttempt) -> None:
        if attempt.session is not self:
            attempt.session = self
            attempt.sessions += 1
        self._under_way[attempt] = None
        sending = Deferred.fromCoroutine(self._send(attempt))
        if attempt in self._under_way:
            self._under_way[attempt] = sending
        sending.addErrback(self._give_up, attempt)

    def _give_up(self, failure: Failure, attempt: RemoteAttempt) -> None:
        if failure.check(CancelledError) is None:
            self._log.failure(
                "Bug while sending {queue_id}",
                failure,
                queue_id=attempt.outgoing.queue_id,
            )
            attempt.settle_rest(INTERNAL)
            self._client.abort()
        self._fill()

    # --- One transaction -----------------------------------------------------

    async def _send(self, attempt: RemoteAttempt) -> None:
        client = self._client
        used = client.taken > 0
        transaction = attempt.transaction(
            client.capabilities, self._around.limits.recipients
        )
        content = attempt.outgoing.octets
        try:
            if content is not None and self._around.gate.open:
                replies = await client.send(
                    _message(attempt, transaction, content)
                )
            else:
                replies = await self._transmit(attempt, transaction)
        except _NotBegun as not_begun:
            attempt.settle_rest(not_begun.outcome)
            here = False
        except NotSendable as failure:
            here = await self._unsendable(attempt, failure)
        except SendingFailed as failure:
            here = self._broke(attempt, transaction, failure, used=used)
        else:
            here = self._answered(attempt, transaction, replies)
        finally:
            del self._under_way[attempt]
        if here and not attempt.is_over:
            self._go_on(attempt)
        self._fill()

    def _go_on(self, attempt: RemoteAttempt) -> None:
        """
        With those recipients who are left, here if that can be.
        """
        if self._may_begin():
            self._begin(attempt)
        else:
            attempt.start_over()
            self._destination.again(attempt)

    async def _transmit(
        self, attempt: RemoteAttempt, transaction: Transaction
    ) -> tuple[PeerReply, ...]:
        """
        What has to wait first: for its content, or at the gate.
        """
        content = attempt.outgoing.octets
        opened = None
        try:
            if content is None:
                # Nothing else may begin before it: it is next.
                self._loading = True
                opened = await _opened(attempt.outgoing)
            if not self._around.gate.open:
                self._loading = True
                if not await self._around.gate.passed():
                    raise _NotBegun(STOPPING)
            self._loading = False
            return await self._client.send(
                _message(attempt, transaction, opened or content or b"")
            )
        finally:
            self._loading = False
            if opened is not None:
                opened.close()

    def _answered(
        self,
        attempt: RemoteAttempt,
        transaction: Transaction,
        replies: Sequence[PeerReply],
    ) -> bool:
        """
        :return: whether those who are left are to be tried here.
        """
        peer = str(self._client.place)
        takes_dsn = self._client.capabilities.dsn
        outcomes = [
            verdicts.of_reply(reply, peer, takes_dsn=takes_dsn)
            for reply in replies
        ]
        if self._plan.next_hop.host:
            outcomes = [
                verdicts.of_own_reply(reply, outcome)
                for reply, outcome in zip(replies, outcomes, strict=True)
            ]
        if any(reply.taken for reply in replies):
            self._destination.succeeded()
        elif verdicts.refuses_us(replies) and self._turns_family(
            attempt, outcomes[0]
        ):
            self._elsewhere(attempt)
            return False
        attempt.take(transaction, replies, outcomes)
        return True

    def _turns_family(self, attempt: RemoteAttempt, outcome: Outcome) -> bool:
        if attempt.sessions >= self._around.limits.sessions:
            return False
        self._approach.leave_out(attempt, self.address)
        return attempt.refused_once(self._candidate, outcome)

    async def _unsendable(
        self, attempt: RemoteAttempt, failure: NotSendable
    ) -> bool:
        """
        :return: as ``_answered``.
        """
        outcome = verdicts.of_unsendable(failure, str(self._client.place))
        match failure:
            case NotOffered(extension="8BITMIME"):
                if await attempt.make_fit():
                    return True
            case NotOffered(extension="REQUIRETLS"):
                attempt.unreached(Unreached(outcome))
                self._elsewhere(attempt)
                return False
        attempt.settle_rest(outcome)
        return False

    def _broke(
        self,
        attempt: RemoteAttempt,
        transaction: Transaction,
        failure: SendingFailed,
        *,
        used: bool,
    ) -> bool:
        """
        The connection is of no use any more.

        :param used: it had taken messages before.
        :return: as ``_answered``.
        """
        peer = str(self._client.place)
        now = self._around.clock.seconds()
        match failure:
            case Lost(after_data=True) | BadReply():
                outcome = verdicts.of_lost_answer(failure, peer, now)
                attempt.settle_these(transaction.numbers, outcome)
                return True
            case ShuttingDown():
                self._destination.refused()
        if used and attempt.is_stale():
            return True
        attempt.unreached(Unreached(verdicts.of_failure(failure, peer)))
        self._elsewhere(attempt)
        return False

    def _elsewhere(self, attempt: RemoteAttempt) -> None:
        self._approach.leave_out(attempt, self.address)
        left = self._approach.candidates(attempt)
        if left and attempt.sessions < self._around.limits.sessions:
            self._destination.elsewhere(attempt)
        else:
            attempt.exhausted(self._around.clock.seconds())


def _message(
    attempt: RemoteAttempt, transaction: Transaction, content: bytes | IContent
) -> ClientMessage:
    return ClientMessage(
        transaction.sender,
        transaction.recipients,
        content,
        attempt.fit.eight_bit,
        attempt.fit.smtputf8,
    )


async def _opened(outgoing: Outgoing) -> IContent:
    try:
        return await outgoing.open()
    except (MailError, OSError) as error:
        raise _NotBegun(UNREADABLE) from error
