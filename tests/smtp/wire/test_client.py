"""
Tests for ``mailsuite.smtp.wire.client``.
"""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.smtp.wire.capabilities import Capabilities
from mailsuite.smtp.wire.client import (
    PATIENCE,
    Asked,
    ClientTransaction,
    Step,
    Wanted,
    mail,
    rcpt,
)
from mailsuite.smtp.wire.failures import (
    BadPath,
    BadReply,
    NotOffered,
    ShuttingDown,
    TooLarge,
)
from mailsuite.smtp.wire.peerreplies import PeerReply

_ALICE = Address("alice", "crepes.fr")
_BOB = Recipient(Address("bob", "hamburger.edu"))
_CAROL = Recipient(Address("carol", "hamburger.edu"))

_PIPELINING = Capabilities(extended=True, pipelining=True)
_CHUNKING = Capabilities(extended=True, pipelining=True, chunking=True)
_ALL = Capabilities(
    extended=True,
    eight_bit=True,
    smtputf8=True,
    dsn=True,
    requiretls=True,
    size=0,
)


def wanted(*recipients: Recipient, sender: Sender | None = None) -> Wanted:
    """
    A message of 10 octets.
    """
    return Wanted(sender or Sender(_ALICE), recipients, 10, False, False)


def reply(code: int) -> PeerReply:
    """
    One without a text.
    """
    return PeerReply(code, f"{code // 100}.0.0", ("",))


def begun(
    *recipients: Recipient,
    capabilities: Capabilities = _PIPELINING,
    lmtp: bool = False,
) -> ClientTransaction:
    """
    A transaction whose opening was said.
    """
    transaction = ClientTransaction(
        wanted(*recipients), capabilities, lmtp=lmtp
    )
    transaction.opening(reset=False, behind_another=False)
    return transaction


class TransactionTests(SynchronousTestCase):
    """
    Tests for ``ClientTransaction``.
    """

    def codes(self, transaction: ClientTransaction) -> list[int]:
        """
        The codes that decided.
        """
        return [found.code for found in transaction.replies]

    def take(self, transaction: ClientTransaction, *codes: int) -> bytes | Step:
        """
        Take replies with these codes.

        :return: what came of the last.
        """
        step: bytes | Step = Step.READ
        for code in codes:
            step = transaction.take(reply(code))
        return step

    def test_in_one(self) -> None:
        """
        With PIPELINING all is said at once, RSET in front where it is due.
        """
        transaction = ClientTransaction(
            wanted(_BOB, _CAROL), _PIPELINING, lmtp=False
        )

        self.assertEqual(
            transaction.opening(reset=True, behind_another=False),
            b"RSET\r\nMAIL FROM:<alice@crepes.fr>\r\n"
            b"RCPT TO:<bob@hamburger.edu>\r\n"
            b"RCPT TO:<carol@hamburger.edu>\r\nDATA\r\n",
        )
        self.assertEqual(
            self.take(transaction, 250, 250, 251, 550, 354), Step.CONTENT
        )
        transaction.content_sent()
        self.assertEqual(self.take(transaction, 250), Step.DONE)
        self.assertEqual(self.codes(transaction), [250, 550])
        self.assertFalse(transaction.leaves_open)

    def test_step_by_step(self) -> None:
        """
        Without it each command waits for the answer to the one before.
        """
        transaction = ClientTransaction(
            wanted(_BOB, _CAROL), Capabilities(), lmtp=False
        )

        said = [transaction.opening(reset=True, behind_another=False)]
        for code in (250, 250, 450, 250):
            step = self.take(transaction, code)
            assert isinstance(step, bytes)
            said.append(step)
        self.assertEqual(
            said,
            [
                b"RSET\r\n",
                b"MAIL FROM:<alice@crepes.fr>\r\n",
                b"RCPT TO:<bob@hamburger.edu>\r\n",
                b"RCPT TO:<carol@hamburger.edu>\r\n",
                b"DATA\r\n",
            ],
        )
        self.assertEqual(self.take(transaction, 354), Step.CONTENT)
        transaction.content_sent()
        self.assertEqual(self.take(transaction, 554), Step.DONE)
        self.assertEqual(self.codes(transaction), [450, 554])

    def test_step_by_step_for_nobody(self) -> None:
        """
        Where nobody is taken, DATA is not said, and RSET is due.
        """
        transaction = begun(_BOB, capabilities=Capabilities())

        self.assertEqual(self.take(transaction, 250, 550), Step.DONE)
        self.assertEqual(self.codes(transaction), [550])
        self.assertTrue(transaction.leaves_open)

    def test_354_for_nobody(self) -> None:
        """
        354 though no recipient was taken: the end alone, whose answer says
        nothing.
        """
        transaction = begun(_BOB)

        self.assertEqual(self.take(transaction, 250, 550, 354), b".\r\n")
        self.assertEqual(self.take(transaction, 250), Step.DONE)
        self.assertEqual(self.codes(transaction), [550])
        self.assertFalse(transaction.leaves_open)

    def test_mail_refused(self) -> None:
        """
        MAIL's refusal is everybody's, whatever is said to the rest.
        """
        transaction = begun(_BOB, _CAROL)

        self.assertEqual(self.take(transaction, 451, 503, 503, 503), Step.DONE)
        self.assertEqual(self.codes(transaction), [451, 451])
        self.assertFalse(transaction.leaves_open)

    def test_mail_refused_and_data_taken(self) -> None:
        """
        Even DATA that is taken after that.
        """
        transaction = begun(_BOB)

        self.assertEqual(self.take(transaction, 550, 250, 354), b".\r\n")
        self.assertEqual(self.take(transaction, 250), Step.DONE)
        self.assertEqual(self.codes(transaction), [550])

    def test_data_refused(self) -> None:
        """
        DATA's refusal is that of all who were taken.
        """
        transaction = begun(_BOB, _CAROL)

        self.assertEqual(self.take(transaction, 250, 250, 550, 451), Step.DONE)
        self.assertEqual(self.codes(transaction), [451, 550])
        self.assertTrue(transaction.leaves_open)

    def test_lmtp(self) -> None:
        """
        LMTP answers for each recipient that was taken.
        """
        transaction = begun(
            _BOB, _CAROL, _BOB, capabilities=_CHUNKING, lmtp=True
        )

        self.assertEqual(
            self.take(transaction, 250, 250, 550, 250, 354), Step.CONTENT
        )
        transaction.content_sent()
        self.assertEqual(self.take(transaction, 250), Step.READ)
        self.assertEqual(self.take(transaction, 452), Step.DONE)
        self.assertEqual(self.codes(transaction), [250, 550, 452])

    def test_lmtp_for_nobody(self) -> None:
        """
        In LMTP nothing would answer an end for nobody.
        """
        transaction = begun(_BOB, lmtp=True)
        self.take(transaction, 250, 550)

        self.assertRaises(BadReply, self.take, transaction, 354)

    def test_chunks(self) -> None:
        """
        Chunks are answered one by one; the last decides.
        """
        transaction = begun(_BOB, capabilities=_CHUNKING)
        self.assertEqual(self.take(transaction, 250, 250), Step.CONTENT)

        self.assertEqual(transaction.chunk(6, last=False), b"BDAT 6\r\n")
        self.assertFalse(transaction.end_sent)
        self.assertEqual(self.take(transaction, 250), Step.CONTENT)
        self.assertEqual(transaction.chunk(4, last=True), b"BDAT 4 LAST\r\n")
        self.assertTrue(transaction.end_sent)
        self.assertEqual(self.take(transaction, 250), Step.DONE)
        self.assertEqual(self.codes(transaction), [250])

    def test_chunk_refused(self) -> None:
        """
        A refused chunk decides; those behind it say nothing.
        """
        transaction = begun(_BOB, capabilities=_CHUNKING)
        self.take(transaction, 250, 250)
        transaction.chunk(5, last=False)
        transaction.chunk(5, last=True)

        self.assertEqual(self.take(transaction, 452), Step.READ)
        self.assertTrue(transaction.failed)
        self.assertEqual(self.take(transaction, 503), Step.DONE)
        self.assertEqual(self.codes(transaction), [452])
        self.assertTrue(transaction.leaves_open)

    def test_whole_in_one_chunk_for_nobody(self) -> None:
        """
        The answer to a whole message for nobody says nothing.
        """
        transaction = begun(_BOB, capabilities=_CHUNKING)
        transaction.chunk(10, last=True)

        self.assertEqual(self.take(transaction, 250, 550, 503), Step.DONE)
        self.assertEqual(self.codes(transaction), [550])

    def test_shutting_down(self) -> None:
        """
        421 ends it at whatever place.
        """
        for before in ([], [250], [250, 250], [250, 250, 354]):
            transaction = begun(_BOB)
            if self.take(transaction, *before) is Step.CONTENT:
                transaction.content_sent()
            self.assertRaises(ShuttingDown, self.take, transaction, 421)

    def test_neither_yes_nor_no(self) -> None:
        """
        3yz has no place but after DATA.
        """
        for before in ([], [250], [250, 250, 354]):
            transaction = begun(_BOB)
            if self.take(transaction, *before) is Step.CONTENT:
                transaction.content_sent()
            self.assertRaises(BadReply, self.take, transaction, 334)

    def test_data_taken_at_once(self) -> None:
        """
        2yz to DATA makes no sense.
        """
        transaction = begun(_BOB)
        self.take(transaction, 250, 250)

        self.assertRaises(BadReply, self.take, transaction, 250)

    def test_out_of_step(self) -> None:
        """
        503 to a MAIL right behind another message is not that MAIL's fault.
        """
        transaction = ClientTransaction(wanted(_BOB), _PIPELINING, lmtp=False)
        transaction.opening(reset=False, behind_another=True)

        self.assertRaises(BadReply, self.take, transaction, 503)

    def test_patience(self) -> None:
        """
        Each answer has its time (RFC 5321 4.5.3.2).
        """
        transaction = begun(_BOB)
        seconds = []
        for code in (250, 250, 354):
            assert transaction.asked is not None
            seconds.append(PATIENCE[transaction.asked])
            self.take(transaction, code)
        transaction.content_sent()
        self.assertEqual(transaction.asked, Asked.END)

        self.assertEqual([*seconds, PATIENCE[Asked.END]], [300, 300, 120, 600])

    @given(
        st.lists(st.sampled_from([220, 250, 354, 450, 550, 503]), max_size=12)
    )
    def test_any_replies(self, codes: list[int]) -> None:
        """
        Whatever comes, each recipient has one answer in the end.
        """
        for capabilities in (_PIPELINING, _CHUNKING, Capabilities()):
            transaction = begun(_BOB, _CAROL, capabilities=capabilities)
            for code in codes:
                try:
                    step = transaction.take(reply(code))
                except BadReply:
                    break
                if step is Step.CONTENT:
                    if transaction.chunking:
                        transaction.chunk(10, last=True)
                    else:
                        transaction.content_sent()
                if step is Step.DONE:
                    self.assertEqual(len(transaction.replies), 2)
                    self.assertEqual(transaction.unanswered, 0)
                    break


class CommandTests(SynchronousTestCase):
    """
    Tests for ``mail`` and ``rcpt``.
    """

    def test_all_parameters(self) -> None:
        """
        What the server knows is said.
        """
        sender = Sender(
            _ALICE, returned="HDRS", envelope_id="a+b", requiretls=True
        )
        message = Wanted(sender, (), 10, True, True)

        self.assertEqual(
            mail(message, _ALL),
            b"MAIL FROM:<alice@crepes.fr> SIZE=10 BODY=8BITMIME SMTPUTF8"
            b" REQUIRETLS RET=HDRS ENVID=a+2Bb\r\n",
        )

    def test_no_parameters(self) -> None:
        """
        What it does not know is not.
        """
        sender = Sender(None, returned="HDRS", envelope_id="a")

        self.assertEqual(
            mail(wanted(sender=sender), Capabilities()), b"MAIL FROM:<>\r\n"
        )

    def test_recipient(self) -> None:
        """
        NOTIFY and ORCPT go to a server that knows DSN.
        """
        recipient = Recipient(
            Address("a b", "hamburger.edu"),
            notify=frozenset({"SUCCESS", "FAILURE"}),
            original=("rfc822", "bob+x@hamburger.edu"),
        )

        self.assertEqual(
            rcpt(recipient, _ALL, smtputf8=False),
            b'RCPT TO:<"a b"@hamburger.edu> NOTIFY=FAILURE,SUCCESS'
            b" ORCPT=rfc822;bob+2Bx@hamburger.edu\r\n",
        )
        self.assertEqual(
            rcpt(recipient, _PIPELINING, smtputf8=False),
            b'RCPT TO:<"a b"@hamburger.edu>\r\n',
        )

    def test_beyond_ascii(self) -> None:
        """
        Addresses beyond ASCII go out as UTF-8, or not at all.
        """
        recipient = Recipient(Address("jürgen", "hamburger.edu"))

        self.assertEqual(
            rcpt(recipient, _ALL, smtputf8=True),
            "RCPT TO:<jürgen@hamburger.edu>\r\n".encode(),
        )
        self.assertRaises(BadPath, rcpt, recipient, _ALL, smtputf8=False)

    def test_no_second_command(self) -> None:
        """
        No address ends its command.
        """
        for local_part in ("a\r\nDATA", "a\udcff"):
            recipient = Recipient(Address(local_part, "hamburger.edu"))
            self.assertRaises(BadPath, rcpt, recipient, _ALL, smtputf8=True)

    def test_not_offered(self) -> None:
        """
        What is needed and not there is said by name.
        """
        plain = wanted()
        for message, extension in (
            (dataclasses.replace(plain, eight_bit=True), "8BITMIME"),
            (dataclasses.replace(plain, smtputf8=True), "SMTPUTF8"),
            (wanted(sender=Sender(None, requiretls=True)), "REQUIRETLS"),
            # For 8-bit content something can be done, for this not.
            (
                dataclasses.replace(plain, eight_bit=True, smtputf8=True),
                "SMTPUTF8",
            ),
        ):
            failed = self.assertRaises(NotOffered, mail, message, _PIPELINING)
            self.assertEqual(failed.extension, extension)

    def test_too_large(self) -> None:
        """
        A size over the server's is not tried.
        """
        small = Capabilities(size=9)

        failed = self.assertRaises(TooLarge, mail, wanted(), small)
        self.assertEqual(failed.limit, 9)
        self.assertIn(b"SIZE=10", mail(wanted(), Capabilities(size=10)))
