"""
Tests for ``mailsuite.transfer.remote``: each row of what replies and failures
mean, and where the next attempt goes.
"""

from __future__ import annotations

from dataclasses import replace

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.dns import RecordType
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.smtp.clientlogin import Credentials
from mailsuite.smtp.clienttls import CLEAR, OPPORTUNISTIC, TLSMode
from mailsuite.smtp.wire.failures import (
    BadReply,
    BrokenContent,
    CredentialsRefused,
    GreetingRefused,
    HelloRefused,
    Lost,
    NotAuthenticated,
    NotOffered,
    ShuttingDown,
    TLSFailed,
    TooLarge,
)
from mailsuite.smtp.wire.peerreplies import PeerReply
from mailsuite.transfer.outcome import Kind, Outcome
from mailsuite.transfer.outgoing import Outgoing
from mailsuite.transfer.routes import NextHop, Routes, RouteTLS
from tests.support.memory_resolver import failing, records
from tests.support.remotes import (
    EVERYTHING,
    MX,
    NOON,
    OK,
    Answering,
    Host,
    Sending,
    crepes,
    fails,
    outgoing,
    reply,
    says,
    takes_all,
)

ONE, TWO, THREE = "192.0.2.1", "192.0.2.2", "192.0.2.3"
SIX = "2001:db8::1"


def two_hosts(first: Host, second: Host | None = None) -> Sending:
    """
    ``crepes.fr`` with a host at ONE and, if there is a second, TWO.
    """
    hosts = {ONE: first}
    if second is not None:
        hosts[TWO] = second
    return Sending(hosts, crepes(*hosts))


def answering(*answers: Answering) -> Sending:
    """
    ``crepes.fr`` with one host that answers so, message after message.
    """
    return two_hosts(Host(answers=list(answers)))


class _Outcomes(SynchronousTestCase):
    def assertOutcome(
        self, outcome: Outcome, kind: Kind, enhanced: str, code: int | None
    ) -> None:
        """
        It is this.
        """
        self.assertEqual(
            (outcome.kind, outcome.enhanced, outcome.code),
            (kind, enhanced, code),
            outcome,
        )


class RepliesTests(_Outcomes):
    """
    What a reply to a transaction means (RFC 5321 4.2.1, 4.5.3.1.10).
    """

    def test_taken(self) -> None:
        """
        2yz is the end of it, with what the peer said and who it was.
        """
        sending = answering(says("250 2.0.0 Queued as 7"))
        self.assertEqual(
            sending.one(outgoing()),
            Outcome(
                Kind.SENT,
                "2.0.0",
                "Queued as 7",
                250,
                f"mx1.crepes.fr [{ONE}]:25",
                takes_dsn=True,
            ),
        )

    def test_no_dsn_there(self) -> None:
        """
        Whether the next hop tells of success itself is known afterwards.
        """
        plain = replace(EVERYTHING, dsn=False)
        sending = two_hosts(Host(capabilities=plain))
        self.assertFalse(sending.one(outgoing()).takes_dsn)

    def test_each_recipient_has_its_reply(self) -> None:
        """
        One of three refused, one put off: nobody else is touched.
        """
        sending = answering(
            says("250 2.1.5 Ok", "550 5.1.1 Who?", "450 4.2.1 Later")
        )
        found = sending.deliver(
            outgoing("a@crepes.fr", "b@crepes.fr", "c@crepes.fr")
        )
        self.assertOutcome(found[1], Kind.SENT, "2.1.5", 250)
        self.assertOutcome(found[2], Kind.FAILED, "5.1.1", 550)
        self.assertOutcome(found[3], Kind.DEFERRED, "4.2.1", 450)
        self.assertEqual(len(sending.network.sent), 1)

    def test_4yz_for_all_asks_no_other_host(self) -> None:
        """
        A transaction that was put off is tried again later, not elsewhere.
        """
        busy = Host(answers=[says("451 4.3.0 Busy")])
        sending = two_hosts(busy, Host())
        outcome = sending.one(outgoing())
        self.assertOutcome(outcome, Kind.DEFERRED, "4.3.0", 451)
        self.assertEqual(sending.network.tried, [ONE])

    def test_5yz_for_all_is_final(self) -> None:
        """
        A message that is refused fails at once.
        """
        no = Host(answers=[says("554 5.6.0 Spam")])
        sending = two_hosts(no, Host())
        outcome = sending.one(outgoing())
        self.assertOutcome(outcome, Kind.FAILED, "5.6.0", 554)
        self.assertEqual(sending.network.tried, [ONE])

    def test_too_many_recipients_come_at_once_again(self) -> None:
        """
        452 or 552 after one that was accepted: the rest in the next
        transaction of the same attempt.
        """
        for too_many in ("452 4.5.3 Too many", "552 5.5.3 Too many"):
            sending = answering(says("250 2.0.0 Ok", too_many), takes_all)
            found = sending.deliver(outgoing("a@crepes.fr", "b@crepes.fr"))
            self.assertEqual({x.kind for x in found.values()}, {Kind.SENT})
            sent = [message.recipients for _, message in sending.network.sent]
            self.assertEqual([len(x) for x in sent], [2, 1])
            self.assertEqual(sending.network.tried, [ONE])

    def test_452_as_the_first_defers(self) -> None:
        """
        Where nobody was accepted 452 is no matter of how many.
        """
        sending = answering(says("452 4.3.1 No space"))
        outcome = sending.one(outgoing())
        self.assertOutcome(outcome, Kind.DEFERRED, "4.3.1", 452)
        self.assertEqual(len(sending.network.sent), 1)

    def test_552_as_the_first_fails(self) -> None:
        """
        Where nobody was accepted 552 is a 5yz.
        """
        outcome = answering(says("552 5.3.4 Too big")).one(outgoing())
        self.assertOutcome(outcome, Kind.FAILED, "5.3.4", 552)

    def test_full_mailbox_is_no_matter_of_how_many(self) -> None:
        """
        5.2.x and 4.2.x after one that was accepted are that recipient's.
        """
        sending = answering(
            says("250 2.0.0 Ok", "552 5.2.2 Full", "452 4.2.2 Full")
        )
        found = sending.deliver(
            outgoing("a@crepes.fr", "b@crepes.fr", "c@crepes.fr")
        )
        self.assertOutcome(found[2], Kind.FAILED, "5.2.2", 552)
        self.assertOutcome(found[3], Kind.DEFERRED, "4.2.2", 452)
        self.assertEqual(len(sending.network.sent), 1)

    def test_answer_lost(self) -> None:
        """
        The message may have been taken: not again before 15 minutes.
        """
        lost = Lost("end of data", after_data=True, timed_out=False)
        sending = answering(fails(lost))
        outcome = sending.one(outgoing())
        self.assertOutcome(outcome, Kind.DEFERRED, "4.4.2", None)
        self.assertEqual(outcome.not_before, NOON + 900)
        self.assertIn("answer lost", outcome.text)
        self.assertEqual(sending.network.tried, [ONE])

    def test_nonsense_defers(self) -> None:
        """
        A reply that makes no sense ends the connection, and is temporary.
        """
        sending = answering(fails(BadReply("not a reply")))
        outcome = sending.one(outgoing())
        self.assertEqual(outcome.kind, Kind.DEFERRED)
        self.assertEqual(sending.network.tried, [ONE])


class SessionsTests(_Outcomes):
    """
    What it means that a session does not come about, or ends.
    """

    def test_next_host_where_the_first_is_no_use(self) -> None:
        """
        Refused connection, greeting or hello, 421, a loss: the next host has
        it in the same attempt.
        """
        for failure in (
            None,
            GreetingRefused(reply("450 4.3.2 Later")),
            GreetingRefused(reply("554 5.7.1 No")),
            GreetingRefused(reply("521 5.3.2 Never")),
            HelloRefused(reply("550 5.7.1 No")),
            ShuttingDown(reply("421 4.3.2 Bye")),
            Lost("EHLO", after_data=False, timed_out=True),
            BadReply("HTTP/1.1 400"),
        ):
            sending = Sending(
                {TWO: Host()}
                if failure is None
                else {ONE: Host([failure]), TWO: Host()},
                crepes(ONE, TWO),
            )
            self.assertEqual(sending.one(outgoing()).kind, Kind.SENT, failure)
            self.assertEqual(sending.network.tried, [ONE, TWO])

    def test_next_host_in_the_middle_of_a_transaction(self) -> None:
        """
        421 or a loss before the end of data: the next host has it.
        """
        for failure in (
            ShuttingDown(reply("421 4.3.2 Bye")),
            Lost("RCPT", after_data=False, timed_out=False),
        ):
            sending = two_hosts(Host(answers=[fails(failure)]), Host())
            self.assertEqual(sending.one(outgoing()).kind, Kind.SENT)
            self.assertEqual(sending.network.tried, [ONE, TWO])

    def test_no_host_left_defers(self) -> None:
        """
        All hosts used: deferred, with what the last that spoke said.
        """
        sending = Sending(
            {ONE: Host([GreetingRefused(reply("554 5.7.1 Go away"))])},
            crepes(ONE, TWO),
        )
        outcome = sending.one(outgoing())
        self.assertOutcome(outcome, Kind.DEFERRED, "4.7.1", 554)
        self.assertEqual(outcome.text, "Go away")
        self.assertTrue(outcome.counts)

    def test_nobody_there_defers(self) -> None:
        """
        No connection at all is 4.4.1, and nobody spoke.
        """
        outcome = Sending({}, crepes(ONE)).one(outgoing())
        self.assertOutcome(outcome, Kind.DEFERRED, "4.4.1", None)
        self.assertEqual(outcome.peer, "")
        self.assertIn("connection refused", outcome.text)

    def test_521_everywhere_fails(self) -> None:
        """
        RFC 7504: hosts that never take mail.
        """
        never = GreetingRefused(reply("521 5.3.2 Never"))
        sending = two_hosts(Host([never]), Host([never]))
        self.assertOutcome(sending.one(outgoing()), Kind.FAILED, "5.3.2", 521)

    def test_521_at_one_host_is_not_everywhere(self) -> None:
        """
        A host that cannot be reached may take mail another day.
        """
        never = GreetingRefused(reply("521 5.3.2 Never"))
        sending = Sending({ONE: Host([never])}, crepes(ONE, TWO))
        self.assertEqual(sending.one(outgoing()).kind, Kind.DEFERRED)

    def test_554_for_a_day_fails(self) -> None:
        """
        Greeting with 554 is believed when it has been so for a day.
        """
        no = GreetingRefused(reply("554 5.7.1 Go away"))
        sending = two_hosts(Host([no] * 100))
        for _ in range(24):
            self.assertEqual(sending.one(outgoing()).kind, Kind.DEFERRED)
            sending.clock.advance(3600)
        self.assertOutcome(sending.one(outgoing()), Kind.FAILED, "5.7.1", 554)

    def test_nothing_after_the_answer_changes_it(self) -> None:
        """
        What is taken is taken, however the connection ends.
        """
        sending = two_hosts(Host())
        outcome = sending.one(outgoing())
        sending.clock.advance(3)
        self.assertEqual(outcome.kind, Kind.SENT)
        self.assertEqual(len(sending.network.quits), 1)


class HostsTests(_Outcomes):
    """
    Which addresses are tried, and in which order.
    """

    def test_five_addresses_in_one_attempt(self) -> None:
        """
        After five addresses the attempt is over.
        """
        addresses = [f"192.0.2.{n}" for n in range(1, 9)]
        sending = Sending({}, crepes(*addresses))
        sending.deliver(outgoing())
        self.assertEqual(sending.network.tried, addresses[:5])

    def test_two_sessions_in_one_attempt(self) -> None:
        """
        After two hosts that greeted the attempt is over.
        """
        no = HelloRefused(reply("550 5.7.1 No"))
        hosts = {x: Host([no]) for x in (ONE, TWO, THREE)}
        sending = Sending(hosts, crepes(*hosts))
        self.assertEqual(sending.one(outgoing()).kind, Kind.DEFERRED)
        self.assertEqual(sending.network.tried, [ONE, TWO])

    def test_families_alternate(self) -> None:
        """
        A host's addresses are tried IPv6, IPv4, and so on.
        """
        table = {
            **records("crepes.fr", MX=["1 a.fr"]),
            **records("a.fr", AAAA=[SIX, "2001:db8::2"], A=[ONE, TWO]),
        }
        sending = Sending({}, table)
        sending.deliver(outgoing())
        self.assertEqual(sending.network.tried, [SIX, ONE, "2001:db8::2", TWO])

    def test_other_family_beside_after_two_seconds(self) -> None:
        """
        Where IPv6 leads nowhere IPv4 is tried beside it, and wins.
        """
        table = {
            **records("crepes.fr", MX=["1 a.fr"]),
            **records("a.fr", AAAA=[SIX], A=[ONE]),
        }
        hole = Host(slow=True, answering=False)
        sending = Sending({SIX: hole, ONE: Host()}, table)
        waiting = sending.begin(outgoing())
        sending.clock.advance(1.9)
        self.assertEqual(sending.network.tried, [SIX])
        sending.clock.advance(0.2)
        found = self.successResultOf(waiting)
        self.assertEqual(found[1].kind, Kind.SENT)
        self.assertEqual(sending.network.tried, [SIX, ONE])

    def test_slow_greeting_starts_no_other(self) -> None:
        """
        A host that answers and takes its time is waited for.
        """
        table = {
            **records("crepes.fr", MX=["1 a.fr"]),
            **records("a.fr", AAAA=[SIX], A=[ONE]),
        }
        sending = Sending({SIX: Host(slow=True), ONE: Host()}, table)
        waiting = sending.begin(outgoing())
        sending.clock.advance(30)
        sending.network.let_in()
        self.assertEqual(self.successResultOf(waiting)[1].kind, Kind.SENT)
        self.assertEqual(sending.network.tried, [SIX])

    def test_other_family_where_one_is_refused(self) -> None:
        """
        5.7.x on IPv6 is final only when IPv4 has it too.
        """
        table = {
            **records("crepes.fr", MX=["1 a.fr", "2 b.fr"]),
            **records("a.fr", AAAA=[SIX]),
            **records("b.fr", AAAA=["2001:db8::2"], A=[ONE]),
        }
        no = Host(answers=[says("550 5.7.25 No PTR")])
        sending = Sending({SIX: no, ONE: Host()}, table)
        self.assertEqual(sending.one(outgoing()).kind, Kind.SENT)
        self.assertEqual(sending.network.tried, [SIX, ONE])

    def test_other_family_that_leads_nowhere(self) -> None:
        """
        Where only one family is reached its 5.7.x is final.
        """
        table = {
            **records("crepes.fr", MX=["1 a.fr"]),
            **records("a.fr", AAAA=[SIX], A=[ONE]),
        }
        no = Host(answers=[says("550 5.7.25 No PTR")])
        sending = Sending({SIX: no}, table)
        outcome = sending.one(outgoing())
        self.assertOutcome(outcome, Kind.FAILED, "5.7.25", 550)
        self.assertEqual(sending.network.tried, [SIX, ONE])

    def test_retry_begins_where_it_was_put_off(self) -> None:
        """
        Who keeps strangers waiting meets the same one again: same host, same
        family.
        """
        sending = two_hosts(Host(), Host())
        again = outgoing(last_peer=f"mx2.crepes.fr [{TWO}]:25")
        self.assertEqual(sending.one(again).kind, Kind.SENT)
        self.assertEqual(sending.network.tried, [TWO])

    def test_retry_does_not_take_another_hosts_connection(self) -> None:
        """
        An open connection to another host is not where it was put off.
        """
        sending = two_hosts(Host(), Host())
        sending.deliver(outgoing())
        sending.deliver(outgoing(last_peer=f"mx2.crepes.fr [{TWO}]:25"))
        self.assertEqual(sending.network.tried, [ONE, TWO])

    def test_own_source_address(self) -> None:
        """
        A route's source is used, and no family that has none.
        """
        table = {
            **records("crepes.fr", MX=["1 a.fr"]),
            **records("a.fr", AAAA=[SIX], A=[ONE]),
        }
        routes = Routes(usual=NextHop(sources=("192.0.2.77",)))
        sending = Sending({SIX: Host(), ONE: Host()}, table, routes)
        sending.deliver(outgoing())
        ((place, conduct),) = sending.network.connections
        self.assertEqual((place.address, place.source), (ONE, "192.0.2.77"))
        self.assertEqual(conduct.our_name, "mail.hamburger.edu")

    def test_failure_of_the_dns_defers(self) -> None:
        """
        No answer is no reason to give up.
        """
        sending = Sending({}, failing("crepes.fr", RecordType.MX))
        outcome = sending.one(outgoing())
        self.assertOutcome(outcome, Kind.DEFERRED, "4.4.3", None)
        self.assertFalse(outcome.for_postmaster)


class DeadHostsTests(_Outcomes):
    """
    Hosts that nobody answers at.
    """

    def test_dead_host_is_not_asked(self) -> None:
        """
        Within five minutes nobody asks, and that is no attempt.
        """
        sending = Sending({}, crepes(ONE))
        sending.deliver(outgoing())
        outcome = sending.one(outgoing())
        self.assertEqual(sending.network.tried, [ONE])
        self.assertFalse(outcome.counts)
        self.assertEqual(outcome.not_before, NOON + 300)

    def test_rests_grow(self) -> None:
        """
        Each probe that fails doubles the rest, to an hour.
        """
        sending = Sending({}, crepes(ONE))
        rests = []
        for _ in range(7):
            began = sending.clock.seconds()
            sending.deliver(outgoing())
            until = sending.one(outgoing()).not_before
            assert until is not None
            rests.append(until - began)
            sending.clock.advance(until - began)
        self.assertEqual(rests, [300, 600, 1200, 2400, 3600, 3600, 3600])

    def test_one_probe(self) -> None:
        """
        After a rest one attempt finds out; the others are not kept.
        """
        sending = Sending({}, crepes(ONE))
        sending.deliver(outgoing())
        sending.clock.advance(300)
        sending.network.hosts[ONE] = Host(slow=True)
        probe = sending.begin(outgoing())
        other = sending.begin(outgoing())
        self.assertNoResult(probe)
        self.assertEqual(len(sending.network.connections), 2)
        sending.network.let_in()
        self.assertEqual(self.successResultOf(probe)[1].kind, Kind.SENT)
        self.assertEqual(self.successResultOf(other)[1].kind, Kind.SENT)

    def test_forgotten_on_request(self) -> None:
        """
        The operator has mended it, and says so.
        """
        sending = Sending({}, crepes(ONE))
        sending.deliver(outgoing())
        sending.network.hosts[ONE] = Host()
        sending.remote.forget()
        self.assertEqual(sending.one(outgoing()).kind, Kind.SENT)


class TLSTests(_Outcomes):
    """
    TLS as it is demanded.
    """

    def test_clear_where_tls_fails(self) -> None:
        """
        Opportunistic TLS that fails: the same host in clear, remembered for a
        day.
        """
        sending = two_hosts(Host([TLSFailed("handshake")]), Host())
        self.assertEqual(sending.one(outgoing()).kind, Kind.SENT)
        sending.clock.advance(10)
        sending.deliver(outgoing())
        sending.clock.advance(86400)
        sending.deliver(outgoing())
        self.assertEqual(
            [conduct.tls for _, conduct in sending.network.connections],
            [OPPORTUNISTIC, CLEAR, CLEAR, OPPORTUNISTIC],
        )
        self.assertEqual(set(sending.network.tried), {ONE})

    def test_requiretls_without_policy_fails(self) -> None:
        """
        No host is authenticated, so nothing is sent (RFC 8689).
        """
        sending = two_hosts(Host())
        sender = Sender(Address("bob", "hamburger.edu"), requiretls=True)
        outcome = sending.one(outgoing(sender=sender))
        self.assertOutcome(outcome, Kind.FAILED, "5.7.30", None)
        self.assertEqual(sending.network.tried, [])

    def test_requiretls_that_the_host_does_not_know(self) -> None:
        """
        An authenticated host without the extension is no use either.
        """
        hop = NextHop("smart.net", tls=RouteTLS.VERIFIED)
        sending = Sending(
            {ONE: Host(answers=[fails(NotOffered("REQUIRETLS"))])},
            records("smart.net", A=[ONE]),
            Routes(usual=hop),
        )
        sender = Sender(Address("bob", "hamburger.edu"), requiretls=True)
        outcome = sending.one(outgoing(sender=sender))
        self.assertOutcome(outcome, Kind.FAILED, "5.7.30", None)


class RoutesTests(_Outcomes):
    """
    Next hops of the operator's choice.
    """

    def smart(self, host: Host, **fields: object) -> Sending:
        """
        All mail goes to ``smart.net:587``.
        """
        # The tests name fields that are there.
        hop = NextHop("smart.net", 587, **fields)  # type: ignore[arg-type]
        table = records("smart.net", A=[ONE])
        return Sending({ONE: host}, table, Routes(usual=hop))

    def test_route_is_taken(self) -> None:
        """
        Host, port, login and TLS are the operator's.
        """
        us = Credentials("us", "sesame")
        sending = self.smart(Host(), credentials=us, tls=RouteTLS.VERIFIED)
        self.assertEqual(sending.one(outgoing()).kind, Kind.SENT)
        ((place, conduct),) = sending.network.connections
        self.assertEqual((place.name, place.port), ("smart.net", 587))
        self.assertEqual(conduct.credentials, us)
        self.assertEqual(conduct.tls.mode, TLSMode.REQUIRED)
        self.assertFalse(conduct.tls.implicit)

    def test_implicit_tls(self) -> None:
        """
        TLS may come first of all.
        """
        sending = self.smart(Host(), tls=RouteTLS.IMPLICIT)
        sending.deliver(outgoing())
        self.assertTrue(sending.network.connections[0][1].tls.implicit)

    def test_domains_share_a_route(self) -> None:
        """
        Messages for several domains go over one connection.
        """
        sending = self.smart(Host())
        sending.deliver(outgoing("a@crepes.fr"))
        sending.deliver(outgoing("b@baguettes.fr"))
        self.assertEqual(sending.network.tried, [ONE])

    def test_our_mistakes_are_temporary(self) -> None:
        """
        A route whose login or certificate is refused bounces nothing, and
        postmaster hears of it.
        """
        for failure in (
            CredentialsRefused(reply("535 5.7.8 Wrong")),
            NotAuthenticated("not for smart.net"),
        ):
            outcome = self.smart(Host([failure])).one(outgoing())
            self.assertEqual(outcome.kind, Kind.DEFERRED)
            self.assertEqual(outcome.enhanced[0], "4")
            self.assertTrue(outcome.for_postmaster)

    def test_refused_login_is_not_tried_for_each_message(self) -> None:
        """
        A thousand messages would lock the account.
        """
        failure = CredentialsRefused(reply("535 5.7.8 Wrong"))
        sending = self.smart(Host([failure]))
        sending.deliver(outgoing())
        self.assertFalse(sending.one(outgoing()).counts)
        self.assertEqual(sending.network.tried, [ONE])

    def test_login_wanted_is_temporary(self) -> None:
        """
        530 in a transaction is the configuration's fault, not the message's.
        """
        no = Host(answers=[says("530 5.7.0 Authentication required")])
        outcome = self.smart(no).one(outgoing())
        self.assertOutcome(outcome, Kind.DEFERRED, "4.7.0", 530)
        self.assertTrue(outcome.for_postmaster)

    def test_absent_route_is_temporary(self) -> None:
        """
        A smarthost that does not exist in the DNS bounces nothing.
        """
        sending = Sending(routes=Routes(usual=NextHop("smart.net")))
        outcome = sending.one(outgoing())
        self.assertEqual(outcome.kind, Kind.DEFERRED)
        self.assertTrue(outcome.for_postmaster)

    def test_refusals_of_a_route_are_the_messages(self) -> None:
        """
        What a smarthost says of the message counts.
        """
        no = Host(answers=[says("550 5.1.1 Who?")])
        outcome = self.smart(no).one(outgoing())
        self.assertOutcome(outcome, Kind.FAILED, "5.1.1", 550)
        self.assertFalse(outcome.for_postmaster)


class ContentTests(_Outcomes):
    """
    What a message needs of a host.
    """

    def test_smtputf8_that_is_not_there(self) -> None:
        """
        An address that needs SMTPUTF8 fails clearly where it is lacking.
        """
        sending = answering(fails(NotOffered("SMTPUTF8")))
        outcome = sending.one(outgoing("zoë@crepes.fr"))
        self.assertOutcome(outcome, Kind.FAILED, "5.6.7", None)
        self.assertTrue(sending.network.sent[0][1].smtputf8)

    def test_smtputf8_only_where_needed(self) -> None:
        """
        A domain in U-labels goes as A-labels; nothing else is asked for.
        """
        table = {
            **records("xn--crpes-isa.fr", A=[ONE]),
        }
        sending = Sending({ONE: Host()}, table)
        sender = Sender(Address("bob", "hämburger.edu"), smtputf8=True)
        sending.deliver(outgoing("a@crêpes.fr", sender=sender))
        ((_, message),) = sending.network.sent
        self.assertFalse(message.smtputf8)
        self.assertEqual(
            str(message.recipients[0].forward_path), "a@xn--crpes-isa.fr"
        )
        self.assertEqual(
            str(message.sender.reverse_path), "bob@xn--hmburger-0za.edu"
        )

    def test_eight_bit_content(self) -> None:
        """
        8BITMIME is asked for where the content needs it.
        """
        sending = answering(takes_all)
        sending.deliver(outgoing(octets=b"A: b\r\n\r\nCr\xc3\xaape\r\n"))
        sending.deliver(outgoing())
        self.assertEqual(
            [message.eight_bit for _, message in sending.network.sent],
            [True, False],
        )

    def test_eight_bit_content_is_remade(self) -> None:
        """
        Where 8BITMIME is lacking the message goes out in seven bits.
        """
        sending = answering(fails(NotOffered("8BITMIME")), takes_all)
        plain = outgoing(octets=b"A: b\r\n\r\nCr=C3=AApe\r\n")

        async def remade() -> Outgoing:
            return plain

        message = outgoing(
            octets=b"A: b\r\n\r\nCr\xc3\xaape\r\n", remade=remade
        )
        self.assertEqual(sending.one(message).kind, Kind.SENT)
        last = sending.network.sent[-1][1]
        self.assertEqual(last.content, plain.octets)
        self.assertFalse(last.eight_bit)
        self.assertEqual(sending.network.tried, [ONE])

    def test_eight_bit_content_that_may_not_be_changed(self) -> None:
        """
        A message of others keeps its signature, and fails.
        """
        sending = answering(fails(NotOffered("8BITMIME")))
        outcome = sending.one(outgoing(octets=b"A: b\r\n\r\n\xc3\xaa\r\n"))
        self.assertOutcome(outcome, Kind.FAILED, "5.6.3", None)

    def test_long_lines(self) -> None:
        """
        Lines over 998 octets are remade, or fail without asking anybody.
        """
        octets = b"A: b\r\n\r\n" + b"x" * 999 + b"\r\n"
        plain = outgoing()

        async def remade() -> Outgoing:
            return plain

        sending = answering(takes_all)
        outcome = sending.one(outgoing(octets=octets))
        self.assertOutcome(outcome, Kind.FAILED, "5.6.3", None)
        self.assertEqual(sending.network.sent, [])
        outcome = sending.one(outgoing(octets=octets, remade=remade))
        self.assertEqual(outcome.kind, Kind.SENT)
        self.assertEqual(sending.network.sent[0][1].content, plain.octets)

    def test_too_large(self) -> None:
        """
        A message over the host's limit fails without being sent.
        """
        sending = answering(fails(TooLarge(2000, 1000)))
        outcome = sending.one(outgoing())
        self.assertOutcome(outcome, Kind.FAILED, "5.3.4", None)

    def test_broken_content(self) -> None:
        """
        What is no message fails; nobody would take it.
        """
        outcome = answering(fails(BrokenContent("bare CR"))).one(outgoing())
        self.assertOutcome(outcome, Kind.FAILED, "5.6.0", None)

    def test_content_in_a_file(self) -> None:
        """
        A large content is opened for the transaction, and closed.
        """
        sending = answering(takes_all)
        message = outgoing(in_memory=False)
        self.assertEqual(sending.one(message).kind, Kind.SENT)
        content = sending.network.sent[0][1].content
        assert not isinstance(content, bytes)
        self.assertTrue(content.closed)  # type: ignore[attr-defined]


class TransactionsTests(_Outcomes):
    """
    Who goes together.
    """

    def test_fifty_recipients_a_transaction(self) -> None:
        """
        The 51st recipient comes in the next transaction.
        """
        sending = answering(takes_all)
        found = sending.deliver(
            outgoing(*(f"a{n}@crepes.fr" for n in range(120)))
        )
        self.assertEqual(len(found), 120)
        sizes = [len(message.recipients) for _, message in sending.network.sent]
        self.assertEqual(sizes, [50, 50, 20])

    def test_limits_of_the_host(self) -> None:
        """
        A host that announces fewer gets fewer (RFC 9422).
        """
        few = replace(EVERYTHING, recipients_most=2)
        sending = two_hosts(Host(capabilities=few))
        sending.deliver(outgoing("a@crepes.fr", "b@crepes.fr", "c@crepes.fr"))
        sizes = [len(message.recipients) for _, message in sending.network.sent]
        self.assertEqual(sizes, [2, 1])

    def test_never_without_dsn(self) -> None:
        """
        RFC 3461 5.2.2: where DSN is not known NOTIFY=NEVER goes alone, with
        the null reverse-path.
        """
        never = Recipient(
            Address("b", "crepes.fr"), notify=frozenset({"NEVER"})
        )
        plain = replace(EVERYTHING, dsn=False)
        sending = two_hosts(Host(capabilities=plain))
        found = sending.deliver(outgoing("a@crepes.fr", never, "c@crepes.fr"))
        self.assertEqual({x.kind for x in found.values()}, {Kind.SENT})
        self.assertEqual(
            [
                (
                    str(message.sender.reverse_path),
                    [str(x.forward_path) for x in message.recipients],
                )
                for _, message in sending.network.sent
            ],
            [
                ("bob@hamburger.edu", ["a@crepes.fr", "c@crepes.fr"]),
                ("None", ["b@crepes.fr"]),
            ],
        )

    def test_never_with_dsn(self) -> None:
        """
        Where DSN is known all go together, and keep their NOTIFY.
        """
        never = Recipient(
            Address("b", "crepes.fr"), notify=frozenset({"NEVER"})
        )
        sending = answering(takes_all)
        sending.deliver(outgoing("a@crepes.fr", never))
        ((_, message),) = sending.network.sent
        self.assertEqual(message.recipients[1], never)


class StoppingTests(_Outcomes):
    """
    The end.
    """

    def test_nothing_begins_when_stopping(self) -> None:
        """
        What comes later is not tried, and that is no attempt.
        """
        sending = two_hosts(Host())
        self.successResultOf(Deferred.fromCoroutine(sending.remote.stop()))
        outcome = sending.one(outgoing())
        self.assertFalse(outcome.counts)
        self.assertEqual(sending.network.tried, [])

    def test_what_is_under_way_ends(self) -> None:
        """
        A transaction is finished, then the connection is closed.
        """
        later: Deferred[list[PeerReply]] = Deferred()
        sending = answering(lambda _: later)
        waiting = sending.begin(outgoing())
        stopping = Deferred.fromCoroutine(sending.remote.stop())
        self.assertNoResult(stopping)
        later.callback([OK])
        self.assertEqual(self.successResultOf(waiting)[1].kind, Kind.SENT)
        self.successResultOf(stopping)
        self.assertEqual(len(sending.network.quits), 1)

    def test_connecting_is_given_up(self) -> None:
        """
        A host that takes its time does not keep us from stopping.
        """
        sending = two_hosts(Host(slow=True))
        waiting = sending.begin(outgoing())
        self.successResultOf(Deferred.fromCoroutine(sending.remote.stop()))
        self.assertFalse(self.successResultOf(waiting)[1].counts)

    def test_cancelled_before_the_end_of_data(self) -> None:
        """
        An attempt that nobody waits for is ended.
        """
        later: Deferred[list[PeerReply]] = Deferred()
        sending = answering(lambda _: later)
        waiting = sending.begin(outgoing())
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)

    def test_cancelled_after_the_end_of_data(self) -> None:
        """
        A message that may have been taken is waited for.
        """
        later: Deferred[list[PeerReply]] = Deferred()
        sending = answering(lambda _: later)
        waiting = sending.begin(outgoing())
        sending.network.clients[0].past_end = True
        waiting.cancel()
        self.assertNoResult(waiting)
        later.callback([OK])
        self.assertEqual(self.successResultOf(waiting)[1].kind, Kind.SENT)

    def test_cancelled_in_the_queue(self) -> None:
        """
        An attempt that waits for a connection goes away without a trace.
        """
        sending = two_hosts(Host(slow=True))
        first = sending.begin(outgoing(origin=MX))
        second = sending.begin(outgoing())
        second.cancel()
        self.failureResultOf(second, CancelledError)
        sending.network.let_in()
        self.assertEqual(self.successResultOf(first)[1].kind, Kind.SENT)
        self.assertEqual(len(sending.network.sent), 1)
