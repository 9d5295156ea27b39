"""
What other domains demand of TLS, over a signed DNS and to hosts that speak it:
DANE, MTA-STS, REQUIRETLS, and what is counted of them.
"""

from __future__ import annotations

from email import message_from_bytes

from twisted.trial.unittest import SynchronousTestCase

from tests.support.neighbours import until
from tests.support.peercase import groups, words
from tests.support.policysite import policy_site, policy_world
from tests.support.scripted_peer import ScriptedPeer

_OFFERS = ("PIPELINING", "8BITMIME")


class PolicyTestCase(SynchronousTestCase):
    """
    Alice sends to hosts that a test plays.
    """

    def setUp(self) -> None:
        """
        The suite that sends runs.
        """
        self.world = policy_world()
        self.site = policy_site()

    def peer(
        self,
        domain: str,
        offers: tuple[str, ...] = _OFFERS,
        *,
        tls: bool = True,
    ) -> ScriptedPeer:
        """
        The host of a domain, with its certificate.
        """
        host = self.world.hosts[domain]
        started = ScriptedPeer(
            host.address,
            self.world.port,
            offers=offers,
            tls=host.context() if tls else None,
        )
        self.addCleanup(started.stop)
        return started

    def delivered(self, domain: str, *, tls: bool = True) -> ScriptedPeer:
        """
        A host that has taken a message at the first try.
        """
        peer = self.peer(domain, tls=tls)
        self.finished(self.site.send(f"carol@{domain}", subject="Delivered"))
        [taken] = peer.taken
        self.assertEqual(taken.tls, tls)
        return peer

    def finished(self, queue_id: str) -> None:
        """
        A message was taken at the first try.
        """
        until(lambda: not self.site.waiting(queue_id), self.site.log)
        lines = self.site.suite.output().splitlines()
        told = "\n".join(line for line in lines if queue_id in line)
        self.assertIn(f"Sent {queue_id}", told)
        self.assertNotIn("Deferred", told)

    def deferred(self, domain: str, why: str, *, tls: bool = True) -> str:
        """
        A message that waits, for a reason that the queue tells; its host was
        asked, and heard nothing of it.

        :return: the queue id.
        """
        peer = self.peer(domain, tls=tls)
        queue_id = self.site.send(f"carol@{domain}", subject="Deferred")

        def reason() -> str:
            [row] = self.site.waiting(queue_id)
            return row["recipients"][0]["reason"] or ""

        self.assertIn(why, until(reason, self.site.log))
        self.unharmed(peer)
        return queue_id

    def unharmed(self, peer: ScriptedPeer) -> None:
        """
        A host was asked, and told nothing of a message.
        """
        self.assertNotEqual(peer.sessions, [])
        self.assertEqual(peer.commands("MAIL"), [])
        self.assertEqual(peer.taken, [])


class DANETests(PolicyTestCase):
    """
    RFC 7672: the DNS says which certificate a host has.
    """

    def test_right_key(self) -> None:
        """
        3 1 1 of the host's own key, in a certificate that nobody else vouches
        for: the log says how it was authenticated.
        """
        self.delivered("right.test")
        self.assertIn("is authenticated by DANE-EE", self.site.log())

    def test_wrong_key(self) -> None:
        """
        3 1 1 of another key: it waits, and is not sent in clear.
        """
        why = "no TLSA record matches the certificate"
        queue_id = self.deferred("wrong.test", why)
        lines = self.site.command("queue", "list").splitlines()
        [line] = [x for x in lines if queue_id in x]
        self.assertIn(why, line)

    def test_authority(self) -> None:
        """
        2 0 1 of an authority that issued the certificate.
        """
        self.delivered("authority.test")
        self.assertIn("is authenticated by DANE-TA", self.site.log())

    def test_unsigned(self) -> None:
        """
        What a zone without signatures says counts for nothing, even if it is
        of another key.
        """
        self.delivered("unsigned.test")

    def test_unusable(self) -> None:
        """
        Records that cannot authenticate anybody still demand TLS.
        """
        self.delivered("unusable.test")

    def test_no_starttls(self) -> None:
        """
        Somebody on the way takes STARTTLS out of the reply.
        """
        self.deferred("stripped.test", "STARTTLS", tls=False)


class MTASTSTests(PolicyTestCase):
    """
    RFC 8461: a web server says which hosts have certificates that the
    authorities vouch for.
    """

    def setUp(self) -> None:
        """
        The web server runs.
        """
        super().setUp()
        self.world.serve_policies()

    def test_good_certificate(self) -> None:
        """
        An authority that we believe issued it.
        """
        self.delivered("good.test")
        self.assertIn("is authenticated by MTA-STS", self.site.log())
        self.assertNotIn("ClientFactory", self.site.suite.output())

    def test_bad_certificate(self) -> None:
        """
        Nobody vouches for it: it waits, and is not sent in clear.
        """
        self.deferred("bad.test", "certificate")

    def test_testing(self) -> None:
        """
        A domain that only tests gets its mail all the same.
        """
        self.delivered("testing.test")

    def test_no_policy_host(self) -> None:
        """
        A policy that cannot be had, and never was, demands nothing.
        """
        self.delivered("down.test")

    def test_dane_comes_first(self) -> None:
        """
        Where DANE is content the authorities are not asked.
        """
        self.delivered("first.test")
        self.assertIn("is authenticated by DANE-EE", self.site.log())

    def test_dane_does_not_fall_back(self) -> None:
        """
        Where DANE fails a certificate that the authorities vouch for is no
        help.
        """
        self.deferred("nofall.test", "no TLSA record")


class RequireTLSTests(PolicyTestCase):
    """
    RFC 8689: the sender demands TLS all the way.
    """

    def test_host_lacks_it(self) -> None:
        """
        A host that does not promise to go on that way gets nothing; the sender
        is told at once.
        """
        peer = self.peer("lacking.test")

        self.site.submit("carol@lacking.test", "No promise", "REQUIRETLS")

        octets = self.site.wait_for("alice", "No promise")
        bounce = message_from_bytes(octets)
        [group] = groups(bounce)
        self.assertEqual(group["Status"], "5.7.30")
        self.assertIn("REQUIRETLS", words(bounce))
        self.unharmed(peer)

    def test_host_has_it(self) -> None:
        """
        The demand goes on with the message.
        """
        peer = self.peer("requiring.test", (*_OFFERS, "REQUIRETLS"))

        queue_id = self.site.submit(
            "carol@requiring.test", "Promised", "REQUIRETLS"
        )

        self.finished(queue_id)
        [taken] = peer.taken
        self.assertTrue(taken.tls)
        self.assertIn("REQUIRETLS", taken.mail)


class EndTests(PolicyTestCase):
    """
    What is told when all is over.
    """

    def test_told_and_counted(self) -> None:
        """
        The sender is told what is wrong while a message waits, and when its
        time is over; what came of sessions is counted by domain and by what it
        demands, for the domains' owners (RFC 8460), one that only tests as
        failed.
        """
        self.world.serve_policies()
        self.site = self.world.site(days=5 / 86400, warn_hours=1 / 3600)
        self.addCleanup(self.site.suite.stop)
        wrong = self.peer("counted-wrong.test")
        self.site.send("carol@counted-wrong.test", subject="Never in clear")
        for kind in ("right", "good", "testing", "none"):
            self.delivered(f"counted-{kind}.test")

        def told() -> list[bytes]:
            found = self.site.arrived("alice", "Never in clear")
            return found if len(found) > 1 else []

        statuses = {}
        for octets in until(told, self.site.log):
            notification = message_from_bytes(octets)
            [group] = groups(notification)
            statuses[group["Action"]] = group["Status"]
            self.assertIn("no TLSA record matches", words(notification))
        self.assertEqual(statuses, {"delayed": "4.7.5", "failed": "4.4.7"})
        self.unharmed(wrong)
        counted = self.site.counted()
        self.assertGreater(counted.pop(("counted-wrong.test", "tlsa"))[1], 0)
        self.assertEqual(
            counted,
            {
                ("counted-right.test", "tlsa"): (1, 0),
                ("counted-good.test", "sts"): (1, 0),
                ("counted-testing.test", "sts"): (0, 1),
                ("counted-none.test", "no-policy-found"): (1, 0),
            },
        )
