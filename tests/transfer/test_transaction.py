"""
Tests for ``mailsuite.transfer.reception``: what becomes of the content.
"""

from __future__ import annotations

from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher

from mailsuite.errors import (
    MailLoop,
    MalformedMessage,
    MessageTooLarge,
)
from mailsuite.transfer.reception import Limits
from tests.support.receptions import (
    BOB,
    CAROL,
    KETCHUP,
    ReceptionTestCase,
)
from tests.support.transferring import (
    now,
    write,
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

    def test_too_large_is_logged_once(self) -> None:
        """
        A client that goes away after it has sent too much is in the log too.
        """
        log = EventLoggingObserver()
        globalLogPublisher.addObserver(log)
        self.addCleanup(globalLogPublisher.removeObserver, log)
        transaction = self.mail.begin(BOB)
        with self.assertRaises(MessageTooLarge):
            write(transaction, b"x" * 101)
        transaction.abort()

        [event] = log
        self.assertEqual(event["queue_id"], transaction.queue_id)


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

        [incoming] = self.mail.store.incomings
        self.assertTrue(incoming.octets.endswith(KETCHUP))
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
