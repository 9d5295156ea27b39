"""
Tests for what goes through the queue: mail for elsewhere, forwarded mail, and
mail whose sender wants to hear of success.
"""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import MailLoop, NoSuchRecipient, RelayDenied, StoreFull
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.transfer.transaction import Transaction
from tests.support.queueing import DEFERRED, FAILED, NOON, now
from tests.support.receptions import BOB, CAROL, bobs
from tests.support.transferring import MX, SUBMISSION, Transferring, write

EVE = "eve@crepes.fr"
MESSAGE = b"From: bob@hamburger.edu\r\nSubject: x\r\n\r\nHello.\r\n"
LARGE = MESSAGE + b"How about pickles?\r\n" * 60_000


class HandOverTests(SynchronousTestCase):
    """
    Has a reception for hamburger.edu.
    """

    def setUp(self) -> None:
        self.mail = Transferring(self.mktemp()).start()
        self.directory = self.mail.directory
        self.bob = self.directory.add_account(BOB)
        self.carol = self.directory.add_account(CAROL)

    def submitted(self, *recipients: str) -> Transaction:
        """
        A transaction of Bob's.
        """
        return self.mail.begin(
            *recipients, reverse_path=BOB, origin=SUBMISSION, owns=bobs
        )

    def commit(self, transaction: Transaction, octets: bytes = MESSAGE) -> None:
        """
        Write all, and have it delivered.
        """
        write(transaction, octets)
        now(transaction.commit())
        self.mail.clock.advance(1)

    def sent(self) -> list[tuple[str, bytes]]:
        """
        What other hosts have taken.
        """
        return self.mail.elsewhere.taken

    def test_elsewhere(self) -> None:
        """
        What a login submits goes out: with trace, without Return-Path.
        """
        self.commit(self.submitted(EVE))

        [(address, octets)] = self.sent()
        self.assertEqual(address, EVE)
        self.assertTrue(octets.startswith(b"Received: from laptop"))
        self.assertTrue(octets.endswith(MESSAGE[-20:]))
        self.assertNotIn(b"Return-Path", octets)

    def test_here_and_elsewhere(self) -> None:
        """
        One transaction, two ways; small, and as a file.
        """
        for octets in (MESSAGE, LARGE):
            self.commit(self.submitted(CAROL, EVE), octets)

            _, wire = self.sent()[-1]
            kept = self.mail.inbox(self.carol)[-1]
            self.assertEqual(
                kept, b"Return-Path: <%b>\r\n" % BOB.encode() + wire
            )
            self.assertTrue(wire.endswith(octets[-1000:]))

    def test_large_for_elsewhere(self) -> None:
        """
        A large message for other hosts alone.
        """
        self.commit(self.submitted(EVE), LARGE)

        [(_, octets)] = self.sent()
        self.assertTrue(octets.startswith(b"Received: "))
        self.assertTrue(octets.endswith(LARGE[-1000:]))

    def test_optional_tls(self) -> None:
        """
        TLS-Required goes with the message, unless REQUIRETLS says otherwise
        (RFC 8689 3).
        """
        octets = b"TLS-Required: No\r\n" + MESSAGE
        for requiretls, said in ((False, True), (True, False)):
            transaction = now(
                self.mail.reception.begin(
                    SUBMISSION,
                    Sender(Address.parse(BOB), requiretls=requiretls),
                    bobs,
                )
            )
            now(transaction.add_recipient(Recipient(Address.parse(EVE))))
            self.commit(transaction, octets)
            sender = self.mail.elsewhere.tried[-1].sender
            self.assertEqual(sender.tls_optional, said)

    def test_failure_is_told(self) -> None:
        """
        Of two recipients one fails: Bob gets a notification that names him.
        """
        self.mail.elsewhere.says[EVE] = FAILED
        self.commit(self.submitted(CAROL, EVE))
        self.mail.clock.advance(61)

        [told] = self.mail.inbox(self.bob)
        self.assertIn(b"Final-Recipient: rfc822; eve@crepes.fr", told)
        self.assertNotIn(b"carol@hamburger.edu\r\nAction", told)

    def test_relaying(self) -> None:
        """
        Strangers may not; peers that we trust may, without a login.
        """
        with self.assertRaises(RelayDenied):
            self.mail.begin(EVE)
        self.commit(self.mail.begin(EVE, origin=replace(MX, trusted=True)))
        self.assertEqual(len(self.sent()), 1)

    def test_success_is_told(self) -> None:
        """
        NOTIFY=SUCCESS of a delivery here (RFC 3461 4.1).
        """
        transaction = self.submitted()
        recipient = Recipient(
            Address.parse(CAROL), notify=frozenset({"SUCCESS"})
        )
        now(transaction.add_recipient(recipient))
        self.commit(transaction)
        self.mail.clock.advance(61)

        self.assertEqual(len(self.mail.inbox(self.carol)), 1)
        [told] = self.mail.inbox(self.bob)
        self.assertIn(b"Action: delivered", told)

    def test_expanded_is_told(self) -> None:
        """
        Of an alias for several the success is told once, and no delivery to
        those for whom it stands (RFC 3461 5.2.7.3 c).
        """
        self.directory.add_alias(
            "staff@hamburger.edu", self.carol, elsewhere=(Address.parse(EVE),)
        )
        for notify in ({"SUCCESS"}, {"FAILURE"}, {"NEVER"}):
            transaction = self.submitted()
            recipient = Recipient(
                Address("staff", "hamburger.edu"), notify=frozenset(notify)
            )
            now(transaction.add_recipient(recipient))
            self.commit(transaction)
            self.mail.clock.advance(61)
            self.assertEqual(len(self.mail.inbox(self.bob)), 1)

        self.assertEqual(len(self.mail.inbox(self.carol)), 3)
        self.assertEqual([to for to, _ in self.sent()], [EVE] * 3)
        [told] = self.mail.inbox(self.bob)
        self.assertIn(b"Action: expanded", told)
        self.assertIn(b"Final-Recipient: rfc822; staff@hamburger.edu", told)
        self.assertNotIn(EVE.encode(), told)

    def test_held(self) -> None:
        """
        FUTURERELEASE holds mail for accounts here too (RFC 4865).
        """
        transaction = now(
            self.mail.reception.begin(
                SUBMISSION,
                Sender(Address.parse(BOB), hold_until=NOON + 3600),
                bobs,
            )
        )
        now(transaction.add_recipient(Recipient(Address.parse(CAROL))))
        self.commit(transaction)

        self.assertEqual(self.mail.inbox(self.carol), [])
        self.mail.clock.advance(3601)
        self.assertEqual(len(self.mail.inbox(self.carol)), 1)

    # --- Forwarding -----------------------------------------------------------

    def forward(self) -> None:
        """
        sales@ is eve@crepes.fr.
        """
        self.directory.add_alias(
            "sales@hamburger.edu", elsewhere=(Address.parse(EVE),)
        )

    def test_forwarded(self) -> None:
        """
        An alias to elsewhere: the reverse-path is ours, and a bounce to it
        finds its way back.
        """
        self.forward()
        self.commit(
            self.mail.begin("sales@hamburger.edu", reverse_path="joe@pommes.be")
        )

        [outgoing] = self.mail.elsewhere.tried
        path = outgoing.sender.reverse_path
        assert path is not None
        self.assertEqual(path.domain, "hamburger.edu")
        self.assertTrue(path.local_part.startswith("SRS0="))
        [(address, octets)] = self.sent()
        self.assertEqual(address, EVE)
        self.assertIn(b"Delivered-To: sales@hamburger.edu\r\n", octets)

        bounce = self.mail.begin(str(path), reverse_path=None)
        self.commit(bounce, b"Subject: failed\r\n\r\nsorry\r\n")
        self.assertEqual(self.sent()[-1][0], "joe@pommes.be")
        with self.assertRaises(NoSuchRecipient):
            self.mail.begin(str(path), reverse_path="evil@crepes.fr")

    def test_failed_forward(self) -> None:
        """
        Its sender is told in the address that he used; the one behind it is
        nobody's business.
        """
        self.forward()
        self.mail.elsewhere.says[EVE] = FAILED
        self.commit(
            self.mail.begin("sales@hamburger.edu", reverse_path="joe@pommes.be")
        )
        self.mail.clock.advance(61)

        address, told = self.sent()[-1]
        self.assertEqual(address, "joe@pommes.be")
        self.assertIn(b"sales@hamburger.edu", told)
        self.assertNotIn(b"eve@crepes.fr", told.partition(b"Subject: x")[0])

    def test_our_own_sender_is_not_rewritten(self) -> None:
        """
        SPF holds for our domains anyway.
        """
        self.forward()
        self.commit(self.submitted("sales@hamburger.edu"))

        [outgoing] = self.mail.elsewhere.tried
        self.assertEqual(str(outgoing.sender.reverse_path), BOB)

    def test_circle(self) -> None:
        """
        What comes back to the alias that it left from is cut.
        """
        self.forward()
        self.commit(
            self.mail.begin("sales@hamburger.edu", reverse_path="joe@pommes.be")
        )
        [(_, octets)] = self.sent()
        again = self.mail.begin(
            "sales@hamburger.edu", reverse_path="joe@pommes.be"
        )
        write(again, octets)
        with self.assertRaises(MailLoop):
            now(again.commit())

    def test_list(self) -> None:
        """
        An alias with an account and an outside address: both get it once.
        """
        self.directory.add_alias(
            "all@hamburger.edu", self.bob, elsewhere=(Address.parse(EVE),)
        )
        self.commit(
            self.mail.begin(
                "all@hamburger.edu", BOB, reverse_path="joe@pommes.be"
            )
        )
        self.assertEqual(len(self.mail.inbox(self.bob)), 1)
        self.assertEqual([to for to, _ in self.sent()], [EVE])

    def test_report_that_came_back(self) -> None:
        """
        The path of a report of ours is nobody's: a bounce to it is noted,
        and is taken from nobody else.
        """
        path = self.mail.returns.path("id", Address.parse(EVE))
        self.commit(self.mail.begin(str(path), BOB, reverse_path=None))

        self.assertEqual(self.mail.returned, [path])
        self.assertEqual(len(self.mail.inbox(self.bob)), 1)
        with self.assertRaises(NoSuchRecipient):
            self.mail.begin(str(path))

    def test_program_with_a_wrong_address(self) -> None:
        """
        A program on this machine has no reply for each recipient: those who
        are there get the message, and its sender hears of the others.
        """
        local = replace(MX, listener="local", trusted=True, peer="")
        self.commit(
            self.mail.begin(
                CAROL,
                "nobody@hamburger.edu",
                reverse_path=BOB,
                origin=local,
            )
        )
        self.mail.clock.advance(61)

        self.assertEqual(len(self.mail.inbox(self.carol)), 1)
        [told] = self.mail.inbox(self.bob)
        self.assertIn(b"Final-Recipient: rfc822; nobody@hamburger.edu", told)
        self.assertNotIn(b"carol@hamburger.edu", told)

    def test_program_without_a_from(self) -> None:
        """
        What a program hands in without a From gets its reverse-path.
        """
        local = replace(MX, listener="local", trusted=True, peer="")
        self.commit(
            self.mail.begin(CAROL, reverse_path=BOB, origin=local),
            b"Subject: x\r\n\r\nhello\r\n",
        )
        self.assertIn(
            b"From: bob@hamburger.edu\r\n", self.mail.inbox(self.carol)[0]
        )

    def test_two_kinds_of_success(self) -> None:
        """
        What was delivered and what was passed on is told apart.
        """
        transaction = self.submitted()
        for address in (CAROL, EVE):
            recipient = Recipient(
                Address.parse(address), notify=frozenset({"SUCCESS"})
            )
            now(transaction.add_recipient(recipient))
        self.commit(transaction)
        self.mail.clock.advance(61)

        first, second = sorted(
            told.partition(b"Action: ")[2][:9]
            for told in self.mail.inbox(self.bob)
        )
        self.assertEqual((first, second), (b"delivered", b"relayed\r\n"))

    def test_traced_by_the_alias(self) -> None:
        """
        A forwarded message is found by the address that its sender used,
        while it waits and when it is gone.
        """
        self.forward()
        self.mail.elsewhere.says[EVE] = DEFERRED
        self.commit(
            self.mail.begin("sales@hamburger.edu", reverse_path="joe@pommes.be")
        )
        operator = self.mail.queue.operator
        for _ in range(2):
            [found] = now(operator.trace("Sales@hamburger.edu"))
            self.mail.elsewhere.says.clear()
            self.mail.clock.advance(3600)
        self.assertIsNotNone(found.ended)

    def test_no_room(self) -> None:
        """
        Nothing is kept when the disk is nearly full.
        """
        self.mail.free = 10
        self.mail.clock.advance(2)
        with self.assertRaises(StoreFull):
            self.submitted(EVE)
