"""
Messages go, and are copied and moved: the contract's second part.
"""

from __future__ import annotations

from mailsuite.errors import (
    NoSuchMailbox,
    NoSuchMessage,
)
from mailsuite.imap import renderers
from mailsuite.mail.changes import (
    Added,
    Expunged,
)
from mailsuite.mail.flags import (
    DELETED,
    SEEN,
)
from mailsuite.mail.uids import UIDSet
from tests.support.contract_base import CONTENT, ContractBase, Listener


class MovingContract(ContractBase):
    """
    Messages that leave a mailbox or come to another.
    """

    # --- Messages go ----------------------------------------------------------

    async def test_expunge_removes_the_deleted(self) -> None:
        r"""
        Messages with \Deleted go, others stay; a listener is told.
        """
        inbox = await self.opened(await self.account())
        first = await self.append(inbox, flags=[DELETED])
        second = await self.append(inbox)
        listener = Listener()
        inbox.listen(listener)

        gone = await inbox.expunge()

        self.assertEqual(gone, UIDSet.of([first]))
        self.assertEqual(inbox.messages.uids.tolist(), [second])
        (change,) = listener.changes
        assert isinstance(change, Expunged)
        self.assertEqual(change.uids, gone)
        self.assertEqual(inbox.highestmodseq, change.modseq)
        inbox.unlisten(listener)

    async def test_expunge_of_some(self) -> None:
        r"""
        Of the messages with \Deleted, those named alone go.
        """
        inbox = await self.opened(await self.account())
        first = await self.append(inbox, flags=[DELETED])
        second = await self.append(inbox, flags=[DELETED])
        third = await self.append(inbox)

        gone = await inbox.expunge(UIDSet.of([second, third]))

        self.assertEqual(gone, UIDSet.of([second]))
        self.assertEqual(inbox.messages.uids.tolist(), [first, third])

    async def test_expunge_makes_a_new_object(self) -> None:
        """
        Who counts in the old arrays can go on doing so.
        """
        inbox = await self.opened(await self.account())
        first = await self.append(inbox, flags=[DELETED])
        second = await self.append(inbox)
        old = inbox.messages

        await inbox.expunge()

        self.assertIsNot(inbox.messages, old)
        self.assertEqual(old.uids.tolist(), [first, second])

    async def test_expunged_messages_cannot_be_read(self) -> None:
        """
        A message that is gone cannot be opened and has no rendering.
        """
        inbox = await self.opened(await self.account())
        uid = await self.append(inbox, flags=[DELETED])
        await inbox.expunge()

        with self.assertRaises(NoSuchMessage):
            await inbox.open(uid)
        self.assertEqual(
            await inbox.renderings(renderers.ENVELOPE, [uid]), [None]
        )

    async def test_uids_are_never_given_twice(self) -> None:
        """
        After the last message is expunged the next one has a higher UID.
        """
        inbox = await self.opened(await self.account())
        first = await self.append(inbox, flags=[DELETED])
        await inbox.expunge()

        self.assertGreater(await self.append(inbox), first)

    # --- Between mailboxes ----------------------------------------------------

    async def test_copy_keeps_flags_and_date(self) -> None:
        """
        The copy has the flags, keywords and internal date of the message.
        """
        account = await self.account()
        inbox = await self.opened(account)
        trash = await self.opened(account, "Trash")
        uid = await self.append(inbox, CONTENT, [SEEN, "$a"], 837596665)

        copied = await inbox.copy(UIDSet.of([uid]), "Trash")

        self.assertEqual(copied.uidvalidity, trash.uidvalidity)
        self.assertEqual(copied.source, (uid,))
        self.assertEqual(copied.destination, tuple(trash.messages.uids))
        self.assertEqual(
            self.names_of(trash, copied.destination[0]), {SEEN, "$a"}
        )
        self.assertEqual(trash.messages.dates.tolist(), [837596665])
        self.assertEqual(inbox.messages.uids.tolist(), [uid])

    async def test_copy_to_nowhere(self) -> None:
        """
        Without the destination nothing is copied.
        """
        inbox = await self.opened(await self.account())
        uid = await self.append(inbox)

        with self.assertRaises(NoSuchMailbox):
            await inbox.copy(UIDSet.of([uid]), "Nowhere")

    async def test_move_leaves_the_mailbox(self) -> None:
        """
        A moved message is in the destination alone; both mailboxes tell.
        """
        account = await self.account()
        inbox = await self.opened(account)
        trash = await self.opened(account, "Trash")
        uid = await self.append(inbox)
        here, there = Listener(), Listener()
        inbox.listen(here)
        trash.listen(there)

        moved = await inbox.move(UIDSet.of([uid]), "Trash")

        self.assertEqual(moved.source, (uid,))
        self.assertEqual(len(inbox.messages), 0)
        self.assertEqual(trash.messages.uids.tolist(), list(moved.destination))
        self.assertEqual([type(change) for change in here.changes], [Expunged])
        self.assertEqual([type(change) for change in there.changes], [Added])
        inbox.unlisten(here)
        trash.unlisten(there)
