"""
The resolver against unbound and nsd.
"""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import TestCase

from mailsuite.mail.dns import Answer, Found, Question, RecordType
from mailsuite.transfer.resolver import Resolver, Server
from tests.support.name_servers import MISSING, NameServers
from tests.support.resolver_contract import ZONE, ResolverContract

#: More than fits into a datagram of 1,232 octets.
_LONG = "".join(
    f'long.test. 300 IN TXT "{letter * 200}"\n' for letter in "abcdefghijklmnop"
)
_MANY = "".join(f"h{n}.test. 300 IN A 192.0.2.{n}\n" for n in range(200))


@cache
def servers() -> NameServers:
    """
    Both servers, started once, which end with the tests.
    """
    started = NameServers(Path(mkdtemp()), ZONE + _LONG + _MANY)
    atexit.register(started.stop)
    return started


class TrustedResolverTests(ResolverContract, TestCase):
    """
    A resolver that has seen its server validate.
    """

    skip = MISSING
    secure = True

    async def setUp(self) -> None:
        """
        A resolver that has probed.
        """
        self.resolver = Resolver(reactor, [Server("127.0.0.1", servers().port)])
        assert await self.resolver.probe()

    async def test_unsigned_zone_is_not_secure(self) -> None:
        """
        What nobody signed is an answer, and not secure.
        """
        answer = await self.ask("unsigned.test", RecordType.A)
        self.assertEqual(answer.records, ("192.0.2.66",))
        self.assertFalse(answer.secure)

    async def test_absence_is_secure_too(self) -> None:
        """
        DNSSEC vouches for what is not there.
        """
        absent = await self.ask("absent.test", RecordType.A)
        self.assertTrue(absent.secure)
        none = await self.ask("a.crepes.test", RecordType.MX)
        self.assertTrue(none.secure)

    async def test_long_answer_comes_by_tcp(self) -> None:
        """
        What does not fit into a datagram is asked for again by TCP.
        """
        answer = await self.ask("long.test", RecordType.TXT)
        self.assertEqual(len(answer.records), 16)

    async def test_many_questions_at_once(self) -> None:
        """
        Hundreds of questions under way do not disturb one another.
        """
        asking = [
            Deferred.fromCoroutine(self.ask(f"h{n}.test", RecordType.A))
            for n in [*range(200), *range(200)]
        ]
        answers = await gatherResults(asking)
        expected = [(f"192.0.2.{n}",) for n in [*range(200), *range(200)]]
        self.assertEqual([a.records for a in answers], expected)


class ResolverTests(ResolverContract, TestCase):
    """
    A resolver that has not probed believes nothing.
    """

    skip = MISSING
    secure = False

    def setUp(self) -> None:
        """
        A resolver that has not probed.
        """
        self.resolver = Resolver(reactor, [Server("127.0.0.1", servers().port)])

    async def test_server_that_does_not_validate(self) -> None:
        """
        The probe of a server that does not validate fails, and is told.
        """
        resolver = Resolver(reactor, [Server("127.0.0.1", servers().authority)])
        self.assertFalse(await resolver.probe())
        answer = await resolver.ask(Question("a.crepes.test", RecordType.A))
        self.assertEqual(
            answer,
            Answer(Found.RECORDS, ("192.0.2.1",), False, "a.crepes.test"),
        )

    async def test_dead_server_is_passed_over(self) -> None:
        """
        Where nobody listens the next server is asked, at once.
        """
        resolver = Resolver(
            reactor,
            [Server("127.0.0.1", 1), Server("127.0.0.1", servers().port)],
        )
        began = reactor.seconds()
        answer = await resolver.ask(Question("a.crepes.test", RecordType.A))
        self.assertEqual(answer.found, Found.RECORDS)
        self.assertLess(reactor.seconds() - began, 2)

    async def test_no_server_at_all(self) -> None:
        """
        Without any server the answer is that nobody knows.
        """
        resolver = Resolver(reactor, [Server("127.0.0.1", 1)])
        answer = await resolver.ask(Question("a.crepes.test", RecordType.A))
        self.assertEqual(answer.found, Found.FAILED)


class _Counting(DatagramProtocol):
    """
    A server that answers every question with one address.

    :ivar ports: where each question came from.
    :ivar flags: of answers, beside the usual ones.
    :ivar knows_root: else it fails when asked for the root's name servers.
    :ivar ponders: for how long it does that, seconds.
    """

    def __init__(self) -> None:
        self.ports: list[int] = []
        self.flags = 0
        self.knows_root = True
        self.ponders = 0.0

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """
        A question.
        """
        self.ports.append(addr[1])
        question = dns.message.from_wire(datagram)
        response = dns.message.make_response(question)
        response.flags |= self.flags
        name = question.question[0].name
        if name == dns.name.root and not self.knows_root:
            response.set_rcode(dns.rcode.SERVFAIL)
        else:
            response.answer.append(
                dns.rrset.from_text(name, 300, "IN", "A", "192.0.2.1")
            )
        delay = self.ponders if name == dns.name.root else 0.0
        reactor.callLater(delay, self.transport.write, response.to_wire(), addr)


class AskingTests(TestCase):
    """
    How often, and from where, a server is asked.
    """

    def setUp(self) -> None:
        """
        A server that counts.
        """
        self.server = _Counting()
        port = reactor.listenUDP(0, self.server, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        where = Server("127.0.0.1", port.getHost().port)
        self.resolver = Resolver(reactor, [where])

    async def ask(self, name: str) -> Answer:
        """
        Ask for an address.
        """
        return await self.resolver.ask(Question(name, RecordType.A))

    async def test_equal_questions_are_asked_once(self) -> None:
        """
        A thousand that ask for the same at once share an answer, and who asks
        later has it from memory.
        """
        asking = [Deferred.fromCoroutine(self.ask("a.fr")) for _ in range(1000)]
        answers = await gatherResults(asking)
        answers.append(await self.ask("a.fr"))
        self.assertEqual({x.records for x in answers}, {("192.0.2.1",)})
        self.assertEqual(len(self.server.ports), 1)
        self.resolver.forget()
        await self.ask("a.fr")
        self.assertEqual(len(self.server.ports), 2)

    async def test_answers_wait_for_the_probe(self) -> None:
        """
        What a server vouches for before it is known whether it validates is an
        answer when that is known.
        """
        self.server.flags = dns.flags.AD
        self.server.ponders = 0.2
        probing = Deferred.fromCoroutine(self.resolver.probe())
        answer = await self.ask("a.fr")
        self.assertTrue(answer.secure)
        self.assertTrue(await probing)

    async def test_nothing_is_believed_unseen(self) -> None:
        """
        While nobody can see whether a server validates, nobody knows what it
        vouches for; it is seen again each time, and then believed.
        """
        self.server.flags = dns.flags.AD
        self.server.knows_root = False
        self.assertFalse(await self.resolver.probe())
        failed = await self.ask("a.fr")
        self.assertEqual(failed.found, Found.FAILED)
        self.server.knows_root = True
        answer = await self.ask("a.fr")
        self.assertEqual(answer.records, ("192.0.2.1",))
        self.assertTrue(answer.secure)
        self.assertTrue(self.resolver.trusted)

    async def test_each_question_has_a_port_of_its_own(self) -> None:
        """
        Who wants to forge an answer has to guess the port too.
        """
        for number in range(50):
            await self.ask(f"h{number}.fr")
        self.assertGreater(len(set(self.server.ports)), 40)

    async def test_who_waits_no_more_disturbs_nobody(self) -> None:
        """
        One that is given up does not take the others' answer away.
        """
        first = Deferred.fromCoroutine(self.ask("a.fr"))
        second = Deferred.fromCoroutine(self.ask("a.fr"))
        first.addErrback(lambda failure: failure.trap(CancelledError))
        first.cancel()
        self.assertEqual((await second).records, ("192.0.2.1",))
        self.assertEqual(len(self.server.ports), 1)
