"""
Tests for ``mailsuite.transfer.destinations`` and its sessions: connections
that are shared, reused, bounded and fairly given.
"""

from __future__ import annotations

from collections import Counter

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.dns import Answer, Question
from mailsuite.mail.envelope import Origin
from mailsuite.smtp.client import ClientMessage
from mailsuite.smtp.wire.failures import (
    GreetingRefused,
    Lost,
    ShuttingDown,
    TooLarge,
)
from mailsuite.smtp.wire.peerreplies import PeerReply
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.surroundings import Limits
from tests.support.memory_resolver import records
from tests.support.remotes import (
    OK,
    Host,
    Sending,
    crepes,
    fails,
    outgoing,
    reply,
    takes_all,
)

ONE, TWO = "192.0.2.1", "192.0.2.2"


class Slow:
    """
    A host that answers when it is told to.
    """

    def __init__(self) -> None:
        self.waiting: list[tuple[ClientMessage, Deferred[list[PeerReply]]]] = []

    def __call__(self, message: ClientMessage) -> Deferred[list[PeerReply]]:
        """
        A message comes.
        """
        later: Deferred[list[PeerReply]] = Deferred()
        self.waiting.append((message, later))
        return later

    def answer(self, count: int | None = None) -> None:
        """
        Take the first messages, or all that are here at this moment.
        """
        taken, self.waiting = (
            self.waiting[:count],
            self.waiting[count or 9**9 :],
        )
        for message, later in taken:
            later.callback([OK] * len(message.recipients))


def by(user: str) -> Origin:
    """
    A message that a user submitted.
    """
    return Origin("ESMTPSA", "submission", user=user)


def many_domains(count: int, address: str = ONE) -> dict[Question, Answer]:
    """
    ``d0.fr`` and so on, each with a host of its own at the same address.
    """
    table: dict[Question, Answer] = {}
    for number in range(count):
        table.update(records(f"d{number}.fr", A=[address]))
    return table


class SessionsTests(SynchronousTestCase):
    """
    One connection carries many messages.
    """

    def assertSent(self, waiting: list[Deferred[dict[int, Outcome]]]) -> None:
        """
        All of them were taken.
        """
        found = self.successResultOf(gatherResults(waiting))
        self.assertEqual({x[1].kind for x in found}, {Kind.SENT})

    def test_connection_is_used_again(self) -> None:
        """
        A message within two seconds needs no new connection; then it is gone.
        """
        sending = Sending({ONE: Host()}, crepes(ONE))
        sending.deliver(outgoing())
        sending.clock.advance(1.9)
        sending.deliver(outgoing())
        self.assertEqual(len(sending.network.connections), 1)
        sending.clock.advance(2)
        self.assertEqual(len(sending.network.quits), 1)
        sending.deliver(outgoing())
        self.assertEqual(len(sending.network.connections), 2)

    def test_hundred_messages_a_connection(self) -> None:
        """
        The 101st message gets a new connection.
        """
        sending = Sending({ONE: Host()}, crepes(ONE))
        for _ in range(101):
            sending.deliver(outgoing())
        self.assertEqual(len(sending.network.connections), 2)
        self.assertEqual(len(sending.network.quits), 1)

    def test_three_hundred_seconds_a_connection(self) -> None:
        """
        An old connection is not used again, however much it is used.
        """
        sending = Sending(
            {ONE: Host()}, crepes(ONE), limits=Limits(messages=1000)
        )
        for _ in range(200):
            sending.deliver(outgoing())
            sending.clock.advance(1.6)
        self.assertEqual(len(sending.network.connections), 2)

    def test_domains_with_the_same_hosts_share(self) -> None:
        """
        Domains that name the same hosts share a connection.
        """
        table = {
            **records("a.fr", MX=["1 mx.fr"]),
            **records("b.fr", MX=["1 mx.fr"]),
            **records("mx.fr", A=[ONE]),
        }
        sending = Sending({ONE: Host()}, table)
        sending.deliver(outgoing("x@a.fr"))
        sending.deliver(outgoing("x@b.fr"))
        self.assertEqual(len(sending.network.connections), 1)

    def test_next_message_goes_before_the_answer(self) -> None:
        """
        Once a host has taken a message the next follows before the answer,
        and no third.
        """
        slow = Slow()
        sending = Sending(
            {ONE: Host(answers=[slow])}, crepes(ONE), limits=Limits(at_once=1)
        )
        waiting = [sending.begin(outgoing()) for _ in range(6)]
        sending.clock.advance(0)
        counts = []
        while slow.waiting:
            counts.append(len(slow.waiting))
            slow.answer(1)
        self.assertSent(waiting)
        self.assertGreaterEqual(max(counts), 2)

    def test_used_connection_that_was_closed(self) -> None:
        """
        A connection that the server closed meanwhile costs nothing: the same
        host is connected to again.
        """
        for failure in (
            Lost("MAIL", after_data=False, timed_out=False),
            ShuttingDown(reply("421 4.4.2 Too idle")),
        ):
            host = Host(answers=[takes_all, fails(failure), takes_all])
            sending = Sending({ONE: host, TWO: Host()}, crepes(ONE, TWO))
            sending.deliver(outgoing())
            self.assertEqual(sending.one(outgoing()).kind, Kind.SENT)
            self.assertEqual(sending.network.tried, [ONE, ONE])

    def test_connection_that_is_always_closed(self) -> None:
        """
        A host that takes one message and always closes on the next is not
        tried for ever.
        """
        lost = Lost("MAIL", after_data=False, timed_out=False)
        host = Host(answers=[takes_all, fails(lost)])
        sending = Sending({ONE: host}, crepes(ONE))
        sending.deliver(outgoing())
        self.assertEqual(sending.one(outgoing()).kind, Kind.DEFERRED)
        self.assertLess(len(sending.network.sent), 6)

    def test_thousands_that_end_at_once(self) -> None:
        """
        However many wait for what ends without waiting, it goes no deeper.
        """
        for host, kind in (
            (Host(answers=[takes_all], slow=True), Kind.SENT),
            (Host(answers=[fails(TooLarge(2, 1))], slow=True), Kind.FAILED),
            (Host([GreetingRefused(reply("521 5.3.2 No"))] * 9000, slow=True),
             Kind.FAILED),
        ):  # fmt: skip
            sending = Sending({ONE: host}, crepes(ONE))
            waiting = [sending.begin(outgoing()) for _ in range(3000)]
            for _ in range(200):
                sending.network.let_in()
            found = self.successResultOf(gatherResults(waiting))
            self.assertEqual({x[1].kind for x in found}, {kind})


class ConcurrencyTests(SynchronousTestCase):
    """
    How many connections there are.
    """

    def test_five_at_first_then_more(self) -> None:
        """
        A destination has 5 connections, one more for each success, 20 at most.
        """
        slow = Slow()
        sending = Sending({ONE: Host(answers=[slow])}, crepes(ONE))
        for _ in range(500):
            sending.begin(outgoing())
        self.assertEqual(len(sending.network.connections), 5)
        slow.answer(3)
        self.assertEqual(len(sending.network.connections), 8)
        for _ in range(8):
            slow.answer()
        self.assertEqual(len(sending.network.connections), 20)

    def test_fewer_after_a_refusal(self) -> None:
        """
        A host that says 421 gets one connection fewer.
        """
        slow = Slow()
        bye = fails(ShuttingDown(reply("421 4.3.2 Too many")))
        host = Host(answers=[slow, bye, bye, slow])
        sending = Sending({ONE: host, TWO: host}, crepes(ONE, TWO))
        for _ in range(100):
            sending.begin(outgoing())
        self.assertEqual(len(slow.waiting), 3)

    def test_slots_in_all(self) -> None:
        """
        All destinations together have no more than the slots.
        """
        slow = Slow()
        sending = Sending(
            {ONE: Host(answers=[slow])},
            many_domains(40),
            limits=Limits(connections=10),
        )
        waiting = [
            sending.begin(outgoing(f"a@d{n}.fr", origin=by(f"u{n}@x.fr")))
            for n in range(40)
        ]
        self.assertEqual(len(slow.waiting), 10)
        while slow.waiting:
            self.assertLessEqual(len(slow.waiting), 10)
            slow.answer(1)
        self.assertEqual(len(self.successResultOf(gatherResults(waiting))), 40)

    def test_one_sender_has_half_of_the_slots(self) -> None:
        """
        A letter to everybody leaves room for others' mail.
        """
        slow = Slow()
        sending = Sending(
            {ONE: Host(answers=[slow])},
            many_domains(40),
            limits=Limits(connections=10),
        )
        for number in range(30):
            sending.begin(outgoing(f"a@d{number}.fr", origin=by("news@x.fr")))
        self.assertEqual(len(slow.waiting), 5)
        sending.begin(outgoing("a@d35.fr", origin=by("bob@x.fr")))
        self.assertEqual(len(slow.waiting), 6)

    def test_one_destination_has_half_of_the_slots(self) -> None:
        """
        A slow destination does not fill all slots.
        """
        slow = Slow()
        table = {**many_domains(1), **records("other.fr", A=[TWO])}
        sending = Sending(
            {ONE: Host(answers=[slow]), TWO: Host()},
            table,
            limits=Limits(connections=8, at_first=20),
        )
        for number in range(50):
            sending.begin(outgoing("a@d0.fr", origin=by(f"u{number}@x.fr")))
        self.assertEqual(len(slow.waiting), 4)
        outcome = sending.one(outgoing("a@other.fr", origin=by("z@x.fr")))
        self.assertEqual(outcome.kind, Kind.SENT)

    def test_senders_take_turns(self) -> None:
        """
        Who has one message does not wait behind who has a hundred.
        """
        slow = Slow()
        sending = Sending(
            {ONE: Host(answers=[slow])}, crepes(ONE), limits=Limits(at_first=1,
                                                                   at_once=1)
        )  # fmt: skip
        for _ in range(100):
            sending.begin(outgoing(origin=by("news@x.fr")))
        bob = sending.begin(outgoing(origin=by("bob@x.fr")))
        for _ in range(5):
            slow.answer(1)
        self.assertEqual(self.successResultOf(bob)[1].kind, Kind.SENT)

    def test_idle_connection_makes_room(self) -> None:
        """
        A connection that waits for messages is ended where others need it.
        """
        table = {**many_domains(3), **records("other.fr", A=[TWO])}
        sending = Sending(
            {ONE: Host(), TWO: Host()}, table, limits=Limits(connections=2)
        )
        for number, name in enumerate(("d0.fr", "d1.fr", "other.fr")):
            origin = by(f"u{number}@x.fr")
            waiting = sending.begin(outgoing(f"a@{name}", origin=origin))
            self.assertEqual(self.successResultOf(waiting)[1].kind, Kind.SENT)
        self.assertEqual(len(sending.network.quits), 1)

    def test_destinations_take_turns(self) -> None:
        """
        A slot that is free goes to who has waited longest.
        """
        slow = Slow()
        sending = Sending(
            {ONE: Host(answers=[slow])},
            many_domains(6),
            limits=Limits(connections=2, at_first=1, at_once=1, idle=0.5),
        )
        for number in range(6):
            for copy in range(3):
                origin = by(f"u{number}{copy}@x.fr")
                sending.begin(outgoing(f"a@d{number}.fr", origin=origin))
        served: Counter[str] = Counter()
        for _ in range(20):
            for message, _ in slow.waiting:
                served[message.recipients[0].forward_path.domain] += 1
            slow.answer()
            sending.clock.advance(0.5)
        self.assertEqual(len(served), 6)


class GateTests(SynchronousTestCase):
    """
    Nothing is sent that could not be recorded.
    """

    def test_closed_gate_holds_all_back(self) -> None:
        """
        While results cannot be recorded nothing is sent; then it goes on.
        """
        sending = Sending({ONE: Host()}, crepes(ONE))
        sending.gate.close()
        waiting = [sending.begin(outgoing()) for _ in range(10)]
        self.assertEqual(sending.network.sent, [])
        sending.gate.reopen()
        found = self.successResultOf(gatherResults(waiting))
        self.assertEqual({x[1].kind for x in found}, {Kind.SENT})

    def test_gate_that_closes_between_two_messages(self) -> None:
        """
        An open connection sends no further message either.
        """
        slow = Slow()
        sending = Sending(
            {ONE: Host(answers=[slow])}, crepes(ONE), limits=Limits(at_first=1)
        )
        first = sending.begin(outgoing())
        second = sending.begin(outgoing())
        sending.gate.close()
        slow.answer(1)
        self.successResultOf(first)
        self.assertEqual(len(sending.network.sent), 1)
        sending.gate.reopen()
        slow.answer(1)
        self.assertEqual(self.successResultOf(second)[1].kind, Kind.SENT)

    def test_stopped_gate_gives_all_back(self) -> None:
        """
        What was not begun when the queue stops was no attempt.
        """
        sending = Sending({ONE: Host()}, crepes(ONE))
        sending.gate.close()
        waiting = sending.begin(outgoing())
        sending.gate.stop()
        self.assertFalse(self.successResultOf(waiting)[1].counts)
        self.assertFalse(sending.one(outgoing()).counts)
        self.assertEqual(sending.network.sent, [])
