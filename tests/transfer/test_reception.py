"""
Tests for ``mailsuite.transfer.reception``: who may send what to whom.
"""

from __future__ import annotations

from twisted.internet.testing import EventLoggingObserver
from twisted.logger import formatEvent, globalLogPublisher
from zope.interface.verify import verifyObject

from mailsuite.errors import (
    MailError,
    MailLoop,
    MessageTooLarge,
    NoSuchRecipient,
    OverQuota,
    RelayDenied,
    SenderRefused,
    StoreBusy,
    StoreFull,
    TooManyRecipients,
)
from mailsuite.interfaces import IReception, ITransaction
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.transfer.reception import Limits
from tests.support.receptions import (
    BOB,
    CAROL,
    KETCHUP,
    ReceptionTestCase,
    bobs,
)
from tests.support.transferring import (
    MX,
    now,
    write,
)


class RecipientTests(ReceptionTestCase):
    """
    Who is accepted as a recipient.
    """

    def refused(
        self, recipient: Address, error: type[MailError], *, login: bool
    ) -> None:
        """
        See that a recipient is refused.
        """
        transaction = self.mail.begin(
            reverse_path=None, owns=bobs if login else None
        )
        with self.assertRaises(error):
            now(transaction.add_recipient(Recipient(recipient)))

    def test_interfaces(self) -> None:
        """
        Reception and transaction are what they promise to be.
        """
        verifyObject(IReception, self.mail.reception)
        verifyObject(ITransaction, self.mail.begin())

    def test_unknown_user(self) -> None:
        """
        Nobody is there: refused at once, so that no bounce is needed.
        """
        self.refused(
            Address("eve", "hamburger.edu"), NoSuchRecipient, login=False
        )

    def test_no_relaying_whatever_it_looks_like(self) -> None:
        """
        Without a login only our own addresses are taken.
        """
        for address in (
            Address("eve", "crepes.fr"),
            Address("eve", "[192.0.2.7]"),
            Address("eve", "[127.0.0.1]"),
            Address("eve", "[ipv6:::1]"),
            Address("bob@hamburger.edu", "crepes.fr"),
            Address("hamburger.edu!bob", "crepes.fr"),
        ):
            self.refused(address, RelayDenied, login=False)

    def test_a_local_part_is_no_route(self) -> None:
        """
        What looks like a route in a local part of ours is a name like others.
        """
        for local_part in ("eve%crepes.fr", "crepes.fr!eve", "eve@crepes.fr"):
            self.refused(
                Address(local_part, "hamburger.edu"),
                NoSuchRecipient,
                login=False,
            )

    def test_bare_postmaster(self) -> None:
        """
        RFC 5321 4.5.1: postmaster needs no domain.
        """
        self.mail.directory.add_alias("postmaster@hamburger.edu", self.bob)
        transaction = self.mail.begin()

        now(transaction.add_recipient(Recipient(Address("PostMaster", ""))))
        write(transaction, KETCHUP)
        now(transaction.commit())

        self.assertEqual(len(self.mail.inbox(self.bob)), 1)

    def test_others_need_a_domain(self) -> None:
        """
        A bare local part is nobody's.
        """
        self.refused(Address("bob", ""), NoSuchRecipient, login=False)

    def test_full_account(self) -> None:
        """
        A message of a declared size that cannot fit is refused at RCPT.
        """
        dave = self.mail.directory.add_account(
            "dave@hamburger.edu", octets_limit=1000
        )
        path = Address("alice", "crepes.fr")
        recipient = Recipient(Address.parse(dave.address))
        fitting, large = (
            now(self.mail.reception.begin(MX, Sender(path, size=n), None))
            for n in (1000, 1001)
        )

        now(fitting.add_recipient(recipient))
        with self.assertRaises(OverQuota):
            now(large.add_recipient(recipient))

    def test_too_many_messages(self) -> None:
        """
        An account with all the messages it may have is refused at RCPT.
        """
        dave = self.mail.directory.add_account(
            "dave@hamburger.edu", messages_limit=1
        )
        transaction = self.mail.begin(dave.address)
        write(transaction, KETCHUP)
        now(transaction.commit())

        with self.assertRaises(OverQuota):
            self.mail.begin(dave.address)

    def test_alias_with_one_full_account(self) -> None:
        """
        An alias is accepted as long as one of its accounts has room.
        """
        full = self.mail.directory.add_account(
            "dave@hamburger.edu", messages_limit=0
        )
        self.mail.directory.add_alias("sales@hamburger.edu", full, self.bob)
        transaction = self.mail.begin("sales@hamburger.edu")
        write(transaction, KETCHUP)

        self.assertEqual(now(transaction.commit()), (None,))
        self.assertEqual(len(self.mail.inbox(self.bob)), 1)
        self.assertEqual(self.mail.queueing.count(), 1)


class FewRecipientsTests(ReceptionTestCase):
    """
    The limit of recipients.
    """

    limits = Limits(recipients=1)

    def test_limit_of_recipients(self) -> None:
        """
        One too many is refused for this transaction only.
        """
        transaction = self.mail.begin(BOB)

        with self.assertRaises(TooManyRecipients) as caught:
            now(transaction.add_recipient(Recipient(Address.parse(CAROL))))

        self.assertTrue(caught.exception.temporary)


class BeginTests(ReceptionTestCase):
    """
    Who may begin a transaction.
    """

    def test_reverse_path_belongs_to_the_login(self) -> None:
        """
        Nobody submits under another's reverse-path.
        """
        with self.assertRaises(SenderRefused):
            self.mail.begin(reverse_path=CAROL, owns=bobs)

    def test_null_reverse_path_may_be_submitted(self) -> None:
        """
        The null path is everybody's.
        """
        self.mail.begin(reverse_path=None, owns=bobs)

    def test_declared_size(self) -> None:
        """
        A message that says it is too large is not begun.
        """
        sender = Sender(None, size=self.limits.size + 1)
        with self.assertRaises(MessageTooLarge):
            now(self.mail.reception.begin(MX, sender, None))

    def test_disk_nearly_full(self) -> None:
        """
        Nothing is begun while the disk has no room, and it is once it has.
        """
        self.mail.free = 10
        with self.assertRaises(StoreFull):
            self.mail.begin()

        self.mail.free = 10**9
        self.mail.clock.advance(2)
        self.mail.begin()

    def test_expand(self) -> None:
        """
        EXPN's question is the directory's.
        """
        self.mail.directory.add_alias("all@hamburger.edu", self.bob, self.carol)

        self.assertEqual(
            now(self.mail.reception.expand(Address("all", "hamburger.edu"))),
            (BOB, CAROL),
        )


class LogTests(ReceptionTestCase):
    """
    What the operator reads.
    """

    def setUp(self) -> None:
        super().setUp()
        self.log = EventLoggingObserver()
        globalLogPublisher.addObserver(self.log)
        self.addCleanup(globalLogPublisher.removeObserver, self.log)

    def lines(self) -> list[str]:
        """
        What was logged, as it is printed.
        """
        return [
            formatEvent(event)
            for event in self.log
            if event["log_namespace"].startswith("mailsuite")
        ]

    def test_delivered(self) -> None:
        """
        A delivered message is one line.
        """
        transaction = self.mail.begin(BOB, CAROL)
        write(transaction, KETCHUP)
        now(transaction.commit())

        [line] = self.lines()
        self.assertRegex(
            line,
            f"Delivered {transaction.queue_id} from <alice@crepes.fr> to"
            f" {BOB}, {CAROL}: [0-9]+ octets by ESMTP from 192.0.2.7",
        )

    def test_refused(self) -> None:
        """
        A refused message is one line too, with the reason.
        """
        transaction = self.mail.begin(BOB, reverse_path=None)
        write(transaction, b"Received: x\r\n" * 101)
        with self.assertRaises(MailLoop):
            now(transaction.commit())

        self.assertEqual(
            self.lines(),
            [f"Refused {transaction.queue_id} from <>: {MailLoop.public}"],
        )

    def test_partly_delivered(self) -> None:
        """
        Who has the message, who has not and why, and where the rest is.
        """
        self.mail.store.moods[self.carol.number] = StoreBusy()
        transaction = self.mail.begin(BOB, CAROL)
        write(transaction, KETCHUP)
        now(transaction.commit())

        self.assertEqual(
            [
                line.partition(f" {transaction.queue_id} ")[0]
                for line in self.lines()
            ],
            ["Delivered", "Not delivered", "Queued"],
        )
