"""
Delivery over sockets: hosts from real answers of the DNS, our client, and a
server of ours behind it.
"""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.trial.unittest import TestCase

from mailsuite.conversation import Settings
from mailsuite.smtp.listener import Listener, Purpose
from mailsuite.smtp.protocol import smtp_factory
from mailsuite.smtp.sender import Connector
from mailsuite.transfer.gate import Gate
from mailsuite.transfer.mx import Ourselves
from mailsuite.transfer.outcome import Kind
from mailsuite.transfer.remote import Remote
from mailsuite.transfer.resolver import Resolver, Server
from mailsuite.transfer.routes import Routes
from mailsuite.transfer.surroundings import Limits
from tests.support.memory_login import MemoryLogin
from tests.support.memory_reception import MemoryReception
from tests.support.name_servers import MISSING, NameServers
from tests.support.remotes import CONTENT, Opportunistic, nobody, outgoing

_ZONE = """
crepes.test. 300 IN MX 10 gone.crepes.test.
crepes.test. 300 IN MX 20 mx.crepes.test.
gone.crepes.test. 300 IN A 127.0.0.2
mx.crepes.test. 300 IN A 127.0.0.3
loop.test. 300 IN MX 10 us.loop.test.
us.loop.test. 300 IN A 127.0.0.9
null.test. 300 IN MX 0 .
"""


@cache
def servers() -> NameServers:
    """
    The DNS, started once, which ends with the tests.
    """
    started = NameServers(Path(mkdtemp()), _ZONE)
    atexit.register(started.stop)
    return started


class RemoteTests(TestCase):
    """
    Tests for ``Remote`` with all its real parts.
    """

    skip = MISSING

    def setUp(self) -> None:
        """
        A server on 127.0.0.3, and nobody on 127.0.0.2.
        """
        self.reception = MemoryReception(
            *(f"a{n}@crepes.test" for n in range(300))
        )
        factory = smtp_factory(
            Settings(reactor),
            Listener(Purpose.MX, "mx.crepes.test"),
            reception=self.reception,
            login=MemoryLogin({}),
            most=100,
            most_per_address=100,
        )
        port = reactor.listenTCP(0, factory, interface="127.0.0.3")
        self.addCleanup(port.stopListening)
        self.remote = Remote(
            Connector(reactor, succeed),
            reactor,
            Resolver(reactor, [Server("127.0.0.1", servers().port)]),
            Gate(),
            our_name="mail.hamburger.test",
            ourselves=Ourselves(addresses=frozenset({"127.0.0.9"})),
            routes=Routes(),
            policy=Opportunistic(),
            judge=nobody,
            random=Random(7),
            limits=Limits(port=port.getHost().port),
        )
        self.addCleanup(lambda: Deferred.fromCoroutine(self.remote.stop()))

    async def test_second_host_takes_it(self) -> None:
        """
        Where the first host is gone the second has the message.
        """
        found = await self.remote.deliver(outgoing("a1@crepes.test"))
        self.assertEqual(found[1].kind, Kind.SENT)
        self.assertIn("mx.crepes.test [127.0.0.3]", found[1].peer)
        (accepted,) = self.reception.accepted
        self.assertTrue(accepted.content.endswith(CONTENT))

    async def test_each_recipient_by_itself(self) -> None:
        """
        Of two recipients the one who does not exist fails.
        """
        found = await self.remote.deliver(
            outgoing("a1@crepes.test", "nobody@crepes.test")
        )
        self.assertEqual(found[1].kind, Kind.SENT)
        self.assertEqual((found[2].kind, found[2].code), (Kind.FAILED, 550))

    async def test_hundreds_at_once(self) -> None:
        """
        Each of many messages arrives once.
        """
        found = await gatherResults(
            Deferred.fromCoroutine(
                self.remote.deliver(outgoing(f"a{n}@crepes.test"))
            )
            for n in range(300)
        )
        self.assertEqual({x[1].kind for x in found}, {Kind.SENT})
        came = [
            str(accepted.envelope.recipients[0].forward_path)
            for accepted in self.reception.accepted
        ]
        self.assertEqual(
            sorted(came), sorted(f"a{n}@crepes.test" for n in range(300))
        )

    async def test_what_the_dns_decides(self) -> None:
        """
        A loop, a null MX and a domain that is not there fail at once; what
        does not validate is put off.
        """
        for domain, kind, enhanced in (
            ("loop.test", Kind.FAILED, "5.4.6"),
            ("null.test", Kind.FAILED, "5.1.10"),
            ("absent.test", Kind.FAILED, "5.1.2"),
            ("bogus.test", Kind.DEFERRED, "4.4.3"),
        ):
            found = await self.remote.deliver(outgoing(f"a@{domain}"))
            self.assertEqual(
                (found[1].kind, found[1].enhanced), (kind, enhanced)
            )
