"""
Tests for ``mailsuite.transfer.reception``.
"""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from mailsuite.errors import (
    MailError,
    MailLoop,
    MalformedMessage,
    MessageTooLarge,
    NoSuchRecipient,
    NotTransferable,
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
from tests.support.transferring import (
    LMTP,
    MX,
    SUBMISSION,
    Transferring,
    now,
    write,
)

BOB = "bob@hamburger.edu"
CAROL = "carol@hamburger.edu"
KETCHUP = b"Do you like ketchup?\r\nHow about pickles?\r\n"


def bobs(address: Address) -> bool:
    """
    What Bob's login owns.
    """
    return str(address) == BOB


class ReceptionTestCase(SynchronousTestCase):
    """
    Has a reception for hamburger.edu.
    """

    limits = Limits()

    def setUp(self) -> None:
        self.mail = Transferring(self.mktemp(), limits=self.limits).start()
        self.bob = self.mail.directory.add_account(BOB)
        self.carol = self.mail.directory.add_account(CAROL)

    def received(self, octets: bytes, **begin: object) -> bytes:
        """
        What Bob gets when ``octets`` come for him alone.
        """
        transaction = self.mail.begin(BOB, **begin)
        write(transaction, octets)
        self.assertEqual(now(transaction.commit()), (None,))
        return self.mail.inbox(self.bob)[-1]


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

    def test_elsewhere_with_a_login(self) -> None:
        """
        A login hears clearly that mail for elsewhere is not sent.
        """
        self.refused(Address("eve", "crepes.fr"), NotTransferable, login=True)

    def test_alias_to_elsewhere(self) -> None:
        """
        An alias that would have to be forwarded is not accepted.
        """
        self.mail.directory.add_alias(
            "sales@hamburger.edu",
            self.bob,
            elsewhere=(Address("eve", "crepes.fr"),),
        )
        self.refused(
            Address("sales", "hamburger.edu"), NotTransferable, login=False
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
        self.assertEqual(len(self.mail.queue), 1)


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


class ContentTests(ReceptionTestCase):
    """
    What becomes of the content.
    """

    def test_content_without_a_header_section(self) -> None:
        """
        The course's message keeps its body: an empty line ends our fields.
        """
        section, body = self.received(KETCHUP).split(b"\r\n\r\n", 1)

        self.assertEqual(body, KETCHUP)
        self.assertTrue(
            section.startswith(b"Return-Path: <alice@crepes.fr>\r\nReceived: ")
        )

    def test_continuation_line_at_the_beginning(self) -> None:
        """
        A first line that begins with a space does not join our fields.
        """
        octets = self.received(b" X: y\r\n")

        self.assertTrue(octets.endswith(b"\r\n\r\n X: y\r\n"))

    def test_empty_content(self) -> None:
        """
        No content at all is a message with our fields and no body.
        """
        octets = self.received(b"")

        self.assertEqual(octets.count(b"\r\n\r\n"), 1)
        self.assertTrue(octets.endswith(b"\r\n\r\n"))

    def test_body_alone(self) -> None:
        """
        Content that begins with the empty line needs no other.
        """
        octets = self.received(b"\r\nHello\r\n")

        self.assertEqual(octets.count(b"\r\n\r\n"), 1)

    def test_header_section_is_kept(self) -> None:
        """
        A header section stays letter for letter, below our fields.
        """
        section = b"SUBJECT :  x\r\n\ty\r\nX-Nul: \x00\xff\r\n"
        octets = self.received(section + b"\r\nbody\r\n")

        self.assertTrue(
            octets.endswith(b" +0000\r\n" + section + b"\r\nbody\r\n")
        )

    def test_other_return_paths_go(self) -> None:
        """
        RFC 5321 4.4: there is one Return-Path, ours.
        """
        octets = self.received(
            b"Return-Path: <eve@x>\r\n folded\r\nSubject: x\r\n"
            b"return-path : <eve@y>\r\n\r\nReturn-Path: body\r\n"
        )

        self.assertEqual(octets.lower().count(b"return-path"), 2)
        self.assertNotIn(b"eve", octets)
        self.assertNotIn(b"folded", octets)

    def test_only_a_return_path(self) -> None:
        """
        A header section of nothing but a Return-Path leaves its empty line.
        """
        octets = self.received(b"Return-Path: <eve@x>\r\n\r\nbody\r\n")

        self.assertEqual(octets.split(b"\r\n\r\n", 1)[1], b"body\r\n")

    def test_for_clause(self) -> None:
        """
        A single recipient is named in Received; several are not.
        """
        alone = self.received(KETCHUP)
        transaction = self.mail.begin(BOB, CAROL)
        write(transaction, KETCHUP)
        now(transaction.commit())

        self.assertIn(b"\tfor <bob@hamburger.edu>;", alone)
        self.assertNotIn(b"\tfor ", self.mail.inbox(self.carol)[0])

    def test_queue_id_is_in_received(self) -> None:
        """
        The log's name for the message is in its Received field.
        """
        transaction = self.mail.begin(BOB)
        now(transaction.commit())

        self.assertIn(
            f"\tid {transaction.queue_id}\r\n".encode(),
            self.mail.inbox(self.bob)[0],
        )

    def test_ids_differ(self) -> None:
        """
        No two messages have one id.
        """
        ids = {self.mail.begin(BOB).queue_id for _ in range(5000)}

        self.assertEqual(len(ids), 5000)

    def test_mail_loop(self) -> None:
        """
        A message that has passed more hosts than allowed is refused.
        """
        hop = b"Received: from a by b; x\r\n"
        self.received(hop * 100 + b"\r\n")

        transaction = self.mail.begin(BOB)
        write(transaction, hop * 101 + b"\r\n")
        with self.assertRaises(MailLoop):
            now(transaction.commit())

        self.assertEqual(len(self.mail.inbox(self.bob)), 1)

    def test_header_section_too_large(self) -> None:
        """
        A header section is held whole, so it has a limit.
        """
        transaction = self.mail.begin(BOB)
        write(transaction, b"X: " + b"y" * 600_000 + b"\r\n\r\n")

        with self.assertRaises(MalformedMessage):
            now(transaction.commit())

    def test_one_copy_for_each_account(self) -> None:
        """
        An account that is reached in several ways gets one copy.
        """
        self.mail.directory.add_alias("all@hamburger.edu", self.bob, self.carol)
        transaction = self.mail.begin(BOB, "all@hamburger.edu", BOB)
        write(transaction, KETCHUP)

        self.assertEqual(now(transaction.commit()), (None,) * 3)
        self.assertEqual(len(self.mail.inbox(self.bob)), 1)
        self.assertEqual(len(self.mail.inbox(self.carol)), 1)

    def test_abort(self) -> None:
        """
        An aborted transaction leaves nothing, and may be aborted twice.
        """
        transaction = self.mail.begin(BOB)
        write(transaction, KETCHUP)
        transaction.abort()
        transaction.abort()

        self.assertEqual(self.mail.inbox(self.bob), [])
        self.assertEqual(self.mail.reception.budget.free, Limits().memory)


class SmallLimitTests(ReceptionTestCase):
    """
    Content over the limit.
    """

    limits = Limits(size=100)

    def test_limit_is_the_contents(self) -> None:
        """
        Our own fields do not count.
        """
        self.received(b"x" * 98 + b"\r\n")

    def test_too_large(self) -> None:
        """
        It is told when it happens and at the end; nothing is kept.
        """
        transaction = self.mail.begin(BOB)
        write(transaction, b"x" * 100)
        with self.assertRaises(MessageTooLarge):
            write(transaction, b"y")
        write(transaction, b"z")

        with self.assertRaises(MessageTooLarge):
            now(transaction.commit())
        self.assertEqual(self.mail.inbox(self.bob), [])


class NoMemoryTests(ReceptionTestCase):
    """
    Content when no memory may be used for it.
    """

    limits = Limits(memory=0)

    def test_every_piece_goes_to_the_store(self) -> None:
        """
        Where the pieces are cut makes no difference to what is kept.
        """
        octets = b"Subject: x\r\nReturn-Path: <x>\r\n\r\nbody\r\n\r\nmore\r\n"
        for size in (1, 3, 7, 100):
            transaction = self.mail.begin(BOB)
            for at in range(0, len(octets), size):
                write(transaction, octets[at : at + size])
            now(transaction.commit())

        kept = self.mail.inbox(self.bob)
        self.assertEqual(len(kept), 4)
        for octets in kept:
            self.assertTrue(
                octets.endswith(
                    b" +0000\r\nSubject: x\r\n\r\nbody\r\n\r\nmore\r\n"
                )
            )

    def test_no_field_at_all(self) -> None:
        """
        Content without header fields is not held back for long.
        """
        transaction = self.mail.begin(BOB)
        for octet in KETCHUP:
            write(transaction, bytes([octet]))

        self.assertEqual(len(self.mail.store.incomings), 1)
        now(transaction.commit())
        self.assertTrue(
            self.mail.inbox(self.bob)[0].endswith(b"\r\n\r\n" + KETCHUP)
        )

    def test_endless_header_section(self) -> None:
        """
        A header section that does not end is held up to its limit only.
        """
        transaction = self.mail.begin(BOB)
        for _ in range(100):
            write(transaction, b"X: " + b"y" * 9995 + b"\r\n")

        self.assertEqual(self.mail.store.incomings, [])
        with self.assertRaises(MalformedMessage):
            now(transaction.commit())

    def test_abort_discards(self) -> None:
        """
        What is in the store's hands is discarded.
        """
        transaction = self.mail.begin(BOB)
        write(transaction, KETCHUP)
        transaction.abort()

        self.assertTrue(self.mail.store.incomings[0].discarded)


class LargeContentTests(ReceptionTestCase):
    """
    Content of more than a MiB.
    """

    def test_goes_to_the_store_as_it_comes(self) -> None:
        """
        Little of a large message is held in memory.
        """
        octets = b"Subject: x\r\n\r\n" + b"y" * 78 * 50_000 + b"\r\n"
        transaction = self.mail.begin(BOB)
        least = Limits().memory
        for at in range(0, len(octets), 65536):
            write(transaction, octets[at : at + 65536])
            least = min(least, self.mail.reception.budget.free)
        now(transaction.commit())

        self.assertGreaterEqual(least, Limits().memory - 1024 * 1024)
        self.assertEqual(self.mail.reception.budget.free, Limits().memory)
        self.assertTrue(self.mail.inbox(self.bob)[0].endswith(octets))


class SubmissionTests(ReceptionTestCase):
    """
    What a login submits.
    """

    def submitted(self, octets: bytes) -> bytes:
        """
        What Bob gets of what he sends himself.
        """
        return self.received(
            octets, reverse_path=BOB, origin=SUBMISSION, owns=bobs
        )

    def refused(self, octets: bytes) -> None:
        """
        See that content is refused for its author.
        """
        with self.assertRaises(SenderRefused):
            self.submitted(octets)
        self.assertEqual(self.mail.inbox(self.bob), [])

    def test_date_and_message_id_are_added(self) -> None:
        """
        RFC 6409 8.2 and 8.3: what is missing is added, above the rest.
        """
        octets = self.submitted(b"From: bob@hamburger.edu\r\n\r\nHi\r\n")

        self.assertIn(
            b"\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\nMessage-ID: <",
            octets,
        )
        self.assertIn(b"@hamburger.edu>\r\nFrom: bob@hamburger.edu\r\n", octets)

    def test_present_fields_stay(self) -> None:
        """
        What the client wrote is not written again.
        """
        octets = self.submitted(
            b"date: yesterday\r\nMESSAGE-ID: <x@y>\r\n"
            b"From: Bob <bob@hamburger.edu>\r\n\r\n"
        )

        self.assertEqual(octets.lower().count(b"\r\ndate:"), 1)
        self.assertEqual(octets.lower().count(b"\r\nmessage-id:"), 1)

    def test_nothing_is_added_elsewhere(self) -> None:
        """
        What comes from other hosts gets trace fields alone.
        """
        octets = self.received(b"Subject: x\r\n\r\n")

        self.assertNotIn(b"\r\nDate:", octets)
        self.assertNotIn(b"\r\nMessage-ID:", octets)

    def test_bcc_is_removed(self) -> None:
        """
        No recipient reads of the hidden ones.
        """
        octets = self.submitted(
            b"From: bob@hamburger.edu\r\nBcc: eve@hamburger.edu,\r\n"
            b"  mallory@hamburger.edu\r\nSubject: x\r\n\r\n"
        )

        self.assertNotIn(b"eve", octets)
        self.assertNotIn(b"mallory", octets)
        self.assertIn(b"\r\nSubject: x\r\n\r\n", octets)

    def test_from_of_somebody_else(self) -> None:
        """
        Nobody writes in another's name.
        """
        self.refused(b"From: Bob <carol@hamburger.edu>\r\n\r\n")

    def test_from_with_a_second_author(self) -> None:
        """
        Each author must be the login's own.
        """
        self.refused(b"From: bob@hamburger.edu, carol@hamburger.edu\r\n\r\n")

    def test_second_from(self) -> None:
        """
        Each From field counts, however it is written.
        """
        self.refused(
            b"From: bob@hamburger.edu\r\nfrom :\r\n carol@hamburger.edu\r\n\r\n"
        )

    def test_from_behind_a_line_that_is_no_field(self) -> None:
        """
        A broken line does not hide the field behind it.
        """
        self.refused(
            b"Subject: x\r\nno field\r\nFrom: carol@hamburger.edu\r\n\r\n"
        )

    def test_from_without_an_address(self) -> None:
        """
        A From that cannot be checked is not accepted.
        """
        self.refused(b"From: nobody:;\r\n\r\n")

    def test_message_without_a_header_section(self) -> None:
        """
        The course's message may be submitted; it gets a header section.
        """
        octets = self.submitted(KETCHUP)

        section, body = octets.split(b"\r\n\r\n", 1)
        self.assertEqual(body, KETCHUP)
        self.assertIn(b"\r\nDate: ", section)


class PartialDeliveryTests(ReceptionTestCase):
    """
    Some accounts take their copy and others do not.
    """

    def deliver(
        self,
        *,
        bob: MailError | None,
        carol: MailError | None,
        listener: str = "mx",
    ) -> tuple[MailError | None, ...]:
        """
        Deliver to both, each of whom may have a mood.
        """
        for record, mood in ((self.bob, bob), (self.carol, carol)):
            if mood is not None:
                self.mail.store.moods[record.number] = mood
        transaction = self.mail.begin(
            BOB, CAROL, origin=replace(MX, listener=listener)
        )
        write(transaction, KETCHUP)
        return now(transaction.commit())

    def test_one_kept_one_not_now(self) -> None:
        """
        The rest goes into the queue, and success is told.
        """
        results = self.deliver(bob=None, carol=StoreBusy())

        self.assertEqual(results, (None, None))
        self.assertEqual(len(self.mail.queue), 1)

    def test_one_kept_one_never(self) -> None:
        """
        A permanent error beside a kept copy must not lose the message.
        """
        results = self.deliver(bob=OverQuota(), carol=None)

        self.assertEqual(results, (None, None))
        self.assertEqual(len(self.mail.queue), 1)

    def test_none_kept(self) -> None:
        """
        When nothing was kept the client keeps the message.
        """
        with self.assertRaises(StoreBusy):
            self.deliver(bob=OverQuota(), carol=StoreBusy())

        self.assertEqual(len(self.mail.queue), 0)

    def test_none_kept_for_good(self) -> None:
        """
        When all errors are permanent, so is the answer.
        """
        with self.assertRaises(OverQuota):
            self.deliver(bob=OverQuota(), carol=OverQuota())

    def test_lmtp_tells_each(self) -> None:
        """
        RFC 2033 4.2: each recipient has his own answer, and none is queued.
        """
        busy = StoreBusy()
        results = self.deliver(bob=None, carol=busy, listener=LMTP.listener)

        self.assertEqual(results, (None, busy))
        self.assertEqual(len(self.mail.queue), 0)

    def test_lmtp_alias(self) -> None:
        """
        An alias of which one account has its copy is not left to the client.
        """
        self.mail.directory.add_alias("all@hamburger.edu", self.bob, self.carol)
        self.mail.store.moods[self.carol.number] = StoreBusy()
        transaction = self.mail.begin("all@hamburger.edu", origin=LMTP)
        write(transaction, KETCHUP)

        self.assertEqual(now(transaction.commit()), (None,))
        self.assertEqual(len(self.mail.queue), 1)
