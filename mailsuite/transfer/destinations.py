"""
Places where mail goes: which messages wait for each, and how many connections
it has.

Implementation notes

- A destination's connections are as many as it has shown to bear: one more for
  each message it takes, one fewer whenever it refuses a session.
- Where all slots are taken, those destinations that wait are served in turn;
  a connection that waits for messages makes room for them.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailsuite.transfer.fairness import FairQueue, Slots
from mailsuite.transfer.remoteattempt import RemoteAttempt
from mailsuite.transfer.remotesession import (
    INTERNAL,
    STOPPING,
    RemoteSession,
)
from mailsuite.transfer.surroundings import Plan, Surroundings


class Destination:
    """
    Hosts that take the same mail on the same terms.

    :ivar plan: the latest.
    """

    _log = Logger()

    def __init__(
        self,
        surroundings: Surroundings,
        plan: Plan,
        slots: Slots,
        serve: Callable[[Destination], None],
        freed: Callable[[Destination], None],
    ) -> None:
        self._around = surroundings
        self.plan = plan
        self._slots = slots
        self._serve = serve
        self._freed = freed
        self._bears = surroundings.limits.at_first
        self._anywhere = FairQueue()
        self._at: dict[str, FairQueue] = {}
        self._elsewhere: deque[RemoteAttempt] = deque()
        self._sessions: dict[RemoteSession, Deferred[None] | None] = {}
        self._connecting: set[RemoteSession] = set()
        self._idle: OrderedDict[RemoteSession, None] = OrderedDict()

    # --- What waits ----------------------------------------------------------

    @property
    def waiting(self) -> int:
        """
        How many attempts no session has.
        """
        waiting = len(self._anywhere) + len(self._elsewhere)
        if self._at:
            waiting += sum(map(len, self._at.values()))
        return waiting

    @property
    def is_empty(self) -> bool:
        """
        Whether nothing is left to do.
        """
        return not self._sessions and not self.waiting

    @property
    def has_idle(self) -> bool:
        """
        Whether a connection waits for messages.
        """
        return bool(self._idle)

    def add(self, attempt: RemoteAttempt) -> None:
        """
        Another message goes here.
        """
        self._queue(attempt).add(attempt)
        self.stir()

    def again(self, attempt: RemoteAttempt) -> None:
        """
        It is not over, and any session may go on with it.
        """
        self._queue(attempt).put_back(attempt)
        self.stir()

    def elsewhere(self, attempt: RemoteAttempt) -> None:
        """
        It is not over, and needs a session of its own.
        """
        self._elsewhere.append(attempt)
        self._serve(self)

    def remove(self, attempt: RemoteAttempt) -> None:
        """
        Nobody waits for it any more.
        """
        if attempt in self._elsewhere:
            self._elsewhere.remove(attempt)
        else:
            self._queue(attempt).remove(attempt)
        self._freed(self)

    def stir(self) -> None:
        """
        Have what waits taken up, by a connection that is idle or another one.
        """
        for session in tuple(reversed(self._idle)):
            if not self.waiting:
                return
            del self._idle[session]
            session.wake()
        if self.waiting:
            self._serve(self)

    def _queue(self, attempt: RemoteAttempt) -> FairQueue:
        if not attempt.wanted:
            return self._anywhere
        return self._at.setdefault(attempt.wanted, FairQueue())

    # --- What sessions tell --------------------------------------------------

    def next_for(self, session: RemoteSession) -> RemoteAttempt | None:
        """
        The next attempt for a session that will take one.
        """
        if not self.waiting or not self._around.gate.open:
            return None

        def may(backlog: str) -> bool:
            return backlog == session.backlog or self._slots.may_have(backlog)

        there = self._at.get(session.address)
        attempt = there.take(may) if there else None
        attempt = attempt or self._anywhere.take(may)
        if attempt is not None and attempt.backlog != session.backlog:
            self._slots.hand_over(session.backlog, attempt.backlog)
            session.backlog = attempt.backlog
        return attempt

    def connected(self, session: RemoteSession) -> None:
        """
        It is ready for messages.
        """
        self._connecting.discard(session)

    def idle(self, session: RemoteSession) -> None:
        """
        It waits for messages.
        """
        self._idle[session] = None
        self._freed(self)

    def closing(self, session: RemoteSession) -> None:
        """
        It takes no more messages.
        """
        self._idle.pop(session, None)

    def succeeded(self) -> None:
        """
        A host has taken a message.
        """
        if self._bears < self._around.limits.at_once:
            self._bears += 1
            if self.waiting:
                self._serve(self)

    def refused(self) -> None:
        """
        A host did not take a session, or ended one.
        """
        self._bears = max(1, self._bears - 1)

    # --- Sessions ------------------------------------------------------------

    @property
    def wants_session(self) -> bool:
        """
        Whether there is more to do than its connections will.
        """
        return self.waiting > len(self._connecting) and len(
            self._sessions
        ) < min(self._bears, self._slots.share)

    def open_session(self) -> bool:
        """
        Open another connection; False if nobody who waits may have it.
        """
        attempt = self._first()
        if attempt is None:
            return False
        backlog = attempt.backlog
        session = RemoteSession(self._around, self.plan, self, backlog)
        self._slots.take(backlog)
        self._sessions[session] = None
        self._connecting.add(session)
        running = Deferred.fromCoroutine(session.run(attempt))
        if session in self._sessions:
            self._sessions[session] = running
        running.addErrback(self._bug, attempt)
        running.addBoth(self._ended, session)
        return True

    def leave_idle(self) -> None:
        """
        Make room for others: end the connection that has waited longest.
        """
        session, _ = self._idle.popitem(last=False)
        session.leave()

    def drop(self) -> None:
        """
        Nothing that waits is begun.
        """
        for queue in (self._anywhere, *self._at.values()):
            while (attempt := queue.take(_whoever)) is not None:
                attempt.settle_rest(STOPPING)
        while self._elsewhere:
            self._elsewhere.popleft().settle_rest(STOPPING)

    def stop(self) -> list[Deferred[None]]:
        """
        Begin nothing; they fire when the connections are gone.
        """
        self.drop()
        gone = []
        for session, running in tuple(self._sessions.items()):
            ended: Deferred[None] = Deferred()
            if running is not None:
                running.addBoth(ended.callback)
                gone.append(ended)
            if session in self._connecting and running is not None:
                running.cancel()
            else:
                session.leave()
        return gone

    def _first(self) -> RemoteAttempt | None:
        for attempt in self._elsewhere:
            if self._slots.may_have(attempt.backlog):
                self._elsewhere.remove(attempt)
                return attempt
        for queue in (self._anywhere, *self._at.values()):
            taken = queue.take(self._slots.may_have)
            if taken is not None:
                return taken
        return None

    def _bug(self, failure: Failure, attempt: RemoteAttempt) -> None:
        if failure.check(CancelledError) is None:
            self._log.failure(
                "Bug while sending to {domain}",
                failure,
                domain=self.plan.domain,
            )
        attempt.settle_rest(INTERNAL)

    def _ended(self, _: object, session: RemoteSession) -> None:
        self._connecting.discard(session)
        self._idle.pop(session, None)
        del self._sessions[session]
        self._slots.give_back(session.backlog)
        for address in [x for x, queue in self._at.items() if not queue]:
            del self._at[address]
        if self.waiting:
            self._serve(self)
        self._freed(self)


class Destinations:
    """
    All of them, and the slots they share.
    """

    _log = Logger()

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._slots = Slots(surroundings.limits.connections)
        self._known: dict[object, Destination] = {}
        self._hungry: OrderedDict[Destination, None] = OrderedDict()
        self._to_serve: OrderedDict[Destination, None] = OrderedDict()
        self._serving = False
        self._at_gate = False

    def of(self, plan: Plan) -> Destination:
        """
        The destination of a plan.
        """
        key = plan.destination
        destination = self._known.get(key)
        if destination is None:
            destination = self._known[key] = Destination(
                self._around, plan, self._slots, self._serve, self._freed
            )
        destination.plan = plan
        return destination

    async def stop(self) -> None:
        """
        On return no connection is left.
        """
        gone = []
        for destination in tuple(self._known.values()):
            gone += destination.stop()
        await DeferredList(gone)

    def _serve(self, destination: Destination) -> None:
        """
        Open what a destination needs, as far as there are slots.
        """
        # A connection that fails at once leads here again, and a thousand
        # messages may wait for it: they take their turns, no deeper.
        self._to_serve[destination] = None
        if self._serving:
            return
        self._serving = True
        try:
            while self._to_serve:
                self._serve_one(self._to_serve.popitem(last=False)[0])
        finally:
            self._serving = False

    def _serve_one(self, destination: Destination) -> None:
        if not self._around.gate.open:
            self._wait_at_gate()
            return
        while destination.wants_session:
            if not self._slots.are_free:
                self._hungry[destination] = None
                self._make_room(destination)
                return
            if not destination.open_session():
                self._hungry[destination] = None
                return

    def _make_room(self, hungry: Destination) -> None:
        for other in self._known.values():
            if other is not hungry and other.has_idle:
                other.leave_idle()
                return

    def _freed(self, destination: Destination) -> None:
        """
        A slot is free, or can be.
        """
        if destination.is_empty:
            self._known.pop(destination.plan.destination, None)
        for _ in range(len(self._hungry)):
            self._serve(self._hungry.popitem(last=False)[0])
            if not self._slots.are_free:
                return

    def _wait_at_gate(self) -> None:
        if not self._at_gate:
            self._at_gate = True
            Deferred.fromCoroutine(self._around.gate.passed()).addCallback(
                self._gate_passed
            ).addErrback(self._bug)

    def _gate_passed(self, is_open: bool) -> None:
        self._at_gate = False
        for destination in tuple(self._known.values()):
            if is_open:
                destination.stir()
            else:
                destination.drop()

    def _bug(self, failure: Failure) -> None:
        self._log.failure("Bug while going on to send", failure)


def _whoever(_: str) -> bool:
    return True
