r"""
Tests for ``mailsuite.imap.commands.fetch``: what dialogues do not show.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import StoreFull, StoreUnavailable
from mailsuite.imap.bodies import BrokenOff
from mailsuite.mail.flags import DELETED, FlagMode
from mailsuite.mail.uids import UIDSet
from tests.support.imap_server import IMAPServer, now
from tests.support.memory_content import MemoryContent


class FetchTests(SynchronousTestCase):
    """
    FETCH under strain.
    """

    def setUp(self) -> None:
        self.server = IMAPServer(append_limit=1 << 24)
        self.box = self.server.account.found("INBOX")

    def test_a_client_that_does_not_read(self) -> None:
        """
        A client that asks for a thousand bodies and reads none costs little:
        what is not taken is not made.
        """
        for _ in range(1000):
            self.server.append(b"Subject: x\r\n\r\n" + b"y" * 10_000)
        client = self.server.logged_in("INBOX")
        client.received()
        client.protocol.pauseProducing()

        client.send(b"a FETCH 1:* (BODY.PEEK[])\r\n")
        self.server.clock.pump([0.01] * 100)

        self.assertLess(len(client.transport.value()), 300_000)
        octets = b""
        for _ in range(500):
            octets += client.received()
            client.protocol.resumeProducing()
            client.protocol.pauseProducing()
            self.server.clock.advance(0.01)
        self.assertEqual(octets.count(b" FETCH (BODY[] {10014}\r\n"), 1000)
        self.assertTrue(octets.endswith(b"a OK FETCH completed\r\n"))

    def test_others_get_their_turn(self) -> None:
        """
        A long answer leaves the reactor every ten milliseconds.
        """
        for _ in range(5000):
            self.server.append()
        client = self.server.logged_in("INBOX")
        client.received()
        tick = self.server.clock.seconds

        def seconds() -> float:
            self.server.clock.rightNow += 0.006
            return tick()

        self.server.clock.seconds = seconds
        client.send(b"a FETCH 1:* (FLAGS)\r\n")

        self.assertNotIn(b"a OK", client.received())
        for _ in range(20):
            self.server.clock.advance(0)
        self.assertTrue(client.received().endswith(b"a OK FETCH completed\r\n"))

    def test_large_body_comes_in_pieces(self) -> None:
        """
        A large message is read as the client takes it.
        """
        content = b"Subject: x\r\n\r\n" + b"0123456789abcdef" * 100_000
        self.server.append(content)
        client = self.server.logged_in("INBOX")
        client.received()
        client.protocol.pauseProducing()

        client.send(b"a FETCH 1 (BODY.PEEK[])\r\n")
        self.assertLess(len(client.transport.value()), 200_000)
        octets = b""
        for _ in range(100):
            octets += client.received()
            client.protocol.resumeProducing()
            client.protocol.pauseProducing()

        self.assertIn(b"{%d}\r\n%b)\r\n" % (len(content), content), octets)

    def test_large_part_is_decoded_in_pieces(self) -> None:
        """
        BINARY of a large part is decoded twice rather than kept.
        """
        line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\r\n"
        self.server.append(
            b"Content-Type: application/octet-stream\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD\r\n" * 50_000
        )
        self.server.append(b"Content-Transfer-Encoding: base64\r\n\r\n" + line)
        client = self.server.logged_in("INBOX")

        large = client.ask(b"FETCH 1 (BINARY.PEEK[1] BINARY.SIZE[1])")
        cut = client.ask(b"FETCH 1 (BINARY.PEEK[1]<149998.70000>)")
        small = client.ask(b"FETCH 2 (BINARY.PEEK[1]<20.100>)")

        self.assertIn(b"BINARY[1] {150000}\r\n" + b"ABC" * 50_000, large)
        self.assertIn(b"BINARY.SIZE[1] 150000)", large)
        self.assertIn(b"BINARY[1]<149998> {2}\r\nBC)", cut)
        self.assertIn(b"BINARY[1]<20> {6}\r\nUVWXYZ)", small)

    def test_decoding_gives_others_their_turn(self) -> None:
        """
        A large part is not decoded in one go.
        """
        self.server.append(
            b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD\r\n" * 50_000
        )
        client = self.server.logged_in("INBOX")
        client.received()
        clock = self.server.clock
        real = clock.seconds

        def seconds() -> float:
            clock.rightNow += 0.006
            return real()

        clock.seconds = seconds
        client.send(b"a FETCH 1 (BINARY.SIZE[1])\r\n")

        self.assertNotIn(b"a OK", client.received())
        for _ in range(20):
            clock.advance(0)
        self.assertIn(b"BINARY.SIZE[1] 150000)", client.received())

    def test_binary_with_nul(self) -> None:
        """
        Octets with a NUL among them go as literal8; BODY has none.
        """
        self.server.append(b"Subject: x\r\n\r\na\0b\r\n")
        client = self.server.logged_in("INBOX")

        self.assertIn(
            b"BINARY[1] ~{5}\r\na\0b\r\n)",
            client.ask(b"FETCH 1 (BINARY.PEEK[1])"),
        )
        self.assertIn(
            b"BODY[1] {5}\r\na\x80b\r\n)",
            client.ask(b"FETCH 1 (BODY.PEEK[1])"),
        )

    def test_seen_on_a_full_disk(self) -> None:
        r"""
        That \Seen cannot be set keeps nobody from reading.
        """

        async def full(*args: object) -> None:
            raise StoreFull

        self.server.append()
        self.box.store = full
        client = self.server.logged_in("INBOX")

        answer = client.ask(b"FETCH 1 (BODY[TEXT])")

        self.assertIn(b"BODY[TEXT] {6}\r\nbody\r\n)", answer)
        self.assertIn(b"t OK", answer)

    def test_seen_in_a_mailbox_that_is_examined(self) -> None:
        r"""
        EXAMINE sets no flag.
        """
        self.server.append()
        client = self.server.logged_in()
        client.ask(b"EXAMINE INBOX")

        client.ask(b"FETCH 1 (RFC822)")

        self.assertEqual(self.box.messages.flags.tolist(), [0])

    def test_seen_is_told_with_flags_that_are_asked_for(self) -> None:
        r"""
        FLAGS among the items shows \Seen already, once.
        """
        self.server.append()
        client = self.server.logged_in("INBOX")

        answer = client.ask(b"FETCH 1 (FLAGS BODY[TEXT])")

        self.assertEqual(answer.count(b"FLAGS"), 1)
        self.assertIn(b"FLAGS (\\Seen \\Recent)", answer)

    def test_seen_is_told_with_its_modseq(self) -> None:
        r"""
        With CONDSTORE a modseq goes with each change of flags.
        """
        self.server.append()
        client = self.server.logged_in()
        client.ask(b"SELECT INBOX (CONDSTORE)")

        answer = client.ask(b"FETCH 1 (BODY[TEXT])")

        modseq = self.box.messages.modseqs[0]
        self.assertIn(
            b"* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent) MODSEQ (%d))" % modseq,
            answer,
        )

    def test_seen_of_a_header_field(self) -> None:
        r"""
        BODY[HEADER.FIELDS ...] without PEEK sets \Seen as well.
        """
        self.server.append()
        client = self.server.logged_in("INBOX")

        answer = client.ask(b"FETCH 1 BODY[HEADER.FIELDS (Subject)]")

        self.assertIn(b"FLAGS (\\Seen \\Recent))\r\n", answer)

    def expunge_during(self, method: str, uid: int) -> None:
        """
        Let another session expunge a message while the mailbox is asked.
        """
        real = getattr(self.box, method)

        async def wrapped(*args: object) -> object:
            setattr(self.box, method, real)
            await self.box.store(UIDSet.of([uid]), FlagMode.ADD, (DELETED,))
            await self.box.expunge(UIDSet.of([uid]))
            return await real(*args)

        setattr(self.box, method, wrapped)

    def test_expunge_between_the_rows(self) -> None:
        """
        A message that goes while FETCH waits is left out, told by NO, and
        expunged at the next chance; the others keep their numbers.
        """
        for _ in range(3):
            self.server.append()
        client = self.server.logged_in("INBOX")
        self.expunge_during("renderings", 2)

        answer = client.ask(b"FETCH 1:3 (UID ENVELOPE)")

        self.assertIn(b"* 1 FETCH (UID 1 ", answer)
        self.assertNotIn(b"* 2 FETCH", answer)
        self.assertIn(b"* 3 FETCH (UID 3 ", answer)
        self.assertNotIn(b"EXPUNGE\r\n", answer)
        self.assertIn(b"t NO [EXPUNGEISSUED]", answer)
        self.assertIn(b"* 2 EXPUNGE\r\n", client.ask(b"NOOP"))

    def test_expunge_before_a_body_is_read(self) -> None:
        """
        So with a message that is gone when it is opened; by UID it is no error.
        """
        for _ in range(3):
            self.server.append()
        client = self.server.logged_in("INBOX")
        self.expunge_during("open", 2)

        answer = client.ask(b"UID FETCH 1:3 (BODY.PEEK[TEXT])")

        self.assertIn(b"* 3 FETCH (UID 3 BODY[TEXT] {6}\r\nbody\r\n)", answer)
        self.assertIn(
            b"* 2 EXPUNGE\r\nt OK", answer.replace(b"* 2 RECENT\r\n", b"")
        )

    def test_disk_fails_at_open(self) -> None:
        """
        A message that cannot be opened ends the command with NO.
        """

        async def broken(uid: int) -> None:
            raise StoreUnavailable

        self.server.append()
        client = self.server.logged_in("INBOX")
        self.box.open = broken

        self.assertIn(
            b"t NO [UNAVAILABLE]", client.ask(b"FETCH 1 (BODY.PEEK[])")
        )

    def test_one_message_cannot_be_opened(self) -> None:
        """
        The others are told, also where one header field needs the message;
        then the command ends with NO.
        """
        real = self.box.open

        async def broken(uid: int) -> MemoryContent:
            if uid == 2:
                raise StoreUnavailable
            return await real(uid)

        for _ in range(3):
            self.server.append(b"X-Odd: here\r\n\r\n")
        client = self.server.logged_in("INBOX")
        self.box.open = broken

        for items in (b"BODY.PEEK[]", b"BODY.PEEK[HEADER.FIELDS (X-Odd)]"):
            answer = client.ask(b"UID FETCH 1:* (%b)" % items)

            self.assertEqual(answer.count(b" FETCH ("), 2)
            self.assertIn(b"* 3 FETCH (", answer)
            self.assertIn(b"t NO [UNAVAILABLE]", answer)

    def test_disk_fails_within_a_literal(self) -> None:
        """
        Once octets are announced, nothing but the end can be said.
        """

        class Failing(MemoryContent):
            async def read(self, offset: int, length: int) -> bytes:
                if offset:
                    raise StoreUnavailable
                return await super().read(offset, length)

        async def failing(uid: int) -> Failing:
            return Failing(b"x" * 200_000)

        self.server.append()
        client = self.server.logged_in("INBOX")
        self.box.open = failing

        answer = client.ask(b"FETCH 1 (BODY.PEEK[])")

        self.assertIn(b"BODY[] {200000}\r\n", answer)
        self.assertNotIn(b"t NO", answer)
        self.assertTrue(client.closed())
        self.assertEqual(len(self.flushLoggedErrors(BrokenOff)), 1)

    def test_file_is_shorter_than_announced(self) -> None:
        """
        A file that somebody cut breaks the connection, not the protocol.
        """

        class Cut(MemoryContent):
            async def read(self, offset: int, length: int) -> bytes:
                return (await super().read(offset, length))[: 100_000 - offset]

        async def cut(uid: int) -> Cut:
            return Cut(b"x" * 200_000)

        self.server.append()
        client = self.server.logged_in("INBOX")
        self.box.open = cut

        client.ask(b"FETCH 1 (BODY.PEEK[])")

        self.assertTrue(client.closed())
        self.assertEqual(len(self.flushLoggedErrors(BrokenOff)), 1)

    def test_contents_are_closed_when_the_client_goes(self) -> None:
        """
        A client that disconnects in the middle leaves no content open.
        """
        opened: list[MemoryContent] = []
        real = self.box.open

        async def noted(uid: int) -> MemoryContent:
            opened.append(await real(uid))
            return opened[-1]

        for _ in range(100):
            self.server.append(b"Subject: x\r\n\r\n" + b"y" * 20_000)
        client = self.server.logged_in("INBOX")
        self.box.open = noted
        client.protocol.pauseProducing()
        client.send(b"a FETCH 1:* (BODY.PEEK[])\r\n")

        client.disconnect()

        self.assertTrue(opened)
        self.assertLess(len(opened), 100)
        self.assertEqual([c for c in opened if not c.closed], [])
        self.assertEqual(self.server.held(), [])

    def test_contents_are_closed_when_opening_is_cancelled(self) -> None:
        """
        Also those that were open while another still was not.
        """
        opened: list[MemoryContent] = []
        real = self.box.open

        async def noted(uid: int) -> MemoryContent:
            if uid == 2:
                await Deferred()
            opened.append(await real(uid))
            return opened[-1]

        for _ in range(3):
            self.server.append()
        client = self.server.logged_in("INBOX")
        self.box.open = noted
        client.send(b"a FETCH 1:* (BODY.PEEK[])\r\n")

        client.disconnect()

        self.assertEqual(len(opened), 2)
        self.assertEqual([c for c in opened if not c.closed], [])

    def test_changed_since_leaves_the_others_out(self) -> None:
        """
        CHANGEDSINCE tells what is above the modseq, with its modseq.
        """
        for _ in range(3):
            self.server.append()
        since = self.box.highestmodseq
        now(self.box.store(UIDSet.of([2]), FlagMode.ADD, (DELETED,)))
        client = self.server.logged_in("INBOX")

        answer = client.ask(
            b"UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE %d)" % since
        )

        self.assertEqual(answer.count(b" FETCH ("), 1)
        self.assertIn(
            b"* 2 FETCH (MODSEQ (%d) UID 2 FLAGS (\\Deleted"
            % self.box.highestmodseq,
            answer,
        )

    def test_recent_in_the_middle(self) -> None:
        r"""
        \Recent is shown for the messages that are, whatever lies around them.
        """
        self.server.append()
        self.box.claim_recent()
        self.server.append()
        client = self.server.logged_in("INBOX")

        answer = client.ask(b"FETCH 1:* (FLAGS)")

        self.assertIn(b"* 1 FETCH (FLAGS ())", answer)
        self.assertIn(b"* 2 FETCH (FLAGS (\\Recent))", answer)

    def test_header_fields_that_are_not_kept(self) -> None:
        """
        A header field that no index holds is read from the message.
        """
        self.server.append(b"X-Odd: here\r\nSubject: x\r\n\r\n")
        client = self.server.logged_in("INBOX")

        answer = client.ask(b"FETCH 1 BODY.PEEK[HEADER.FIELDS (X-odd)]")

        self.assertIn(
            b"BODY[HEADER.FIELDS (X-odd)] {15}\r\nX-Odd: here\r\n\r\n)", answer
        )

    def test_percent_signs_in_a_label(self) -> None:
        """
        The name of a field may be anything.
        """
        self.server.append()
        client = self.server.logged_in("INBOX")

        answer = client.ask(b'FETCH 1 BODY.PEEK[HEADER.FIELDS ("%d" Subject)]')

        self.assertIn(
            b'* 1 FETCH (BODY[HEADER.FIELDS ("%d" Subject)] {14}', answer
        )
