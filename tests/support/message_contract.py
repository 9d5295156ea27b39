"""
Messages come, have flags, go, and are copied: the contract's first part.
"""

from __future__ import annotations

from mailsuite.errors import (
    TooManyKeywords,
)
from mailsuite.mail.changes import (
    Added,
    FlagsChanged,
)
from mailsuite.mail.flags import (
    ANSWERED,
    DELETED,
    FLAGGED,
    MOST_KEYWORDS,
    SEEN,
    FlagMode,
)
from mailsuite.mail.uids import UIDSet
from tests.support.contract_base import CONTENT, ContractBase, Listener


class MessageContract(ContractBase):
    """
    Messages of a mailbox.
    """

    # --- Messages come --------------------------------------------------------

    async def test_append_adds_a_message(self) -> None:
        """
        An appended message has the next UID, its size, flags and date.
        """
        inbox = await self.opened(await self.account())
        expected = inbox.uidnext

        uid = await self.append(inbox, CONTENT, [SEEN, "$Work"], 837596665)

        messages = inbox.messages
        self.assertEqual(uid, expected)
        self.assertEqual(inbox.uidnext, uid + 1)
        self.assertEqual(messages.uids.tolist(), [uid])
        self.assertEqual(messages.sizes.tolist(), [len(CONTENT)])
        self.assertEqual(messages.dates.tolist(), [837596665])
        self.assertEqual(self.names_of(inbox, uid), {SEEN, "$Work"})

    async def test_content_is_kept_as_it_came(self) -> None:
        """
        What was appended is read back octet for octet, in slices.
        """
        inbox = await self.opened(await self.account())
        uid = await self.append(inbox)

        content = await inbox.open(uid)
        self.addCleanup(content.close)

        self.assertEqual(content.size, len(CONTENT))
        self.assertEqual(await content.read(0, 1 << 16), CONTENT)
        self.assertEqual(await content.read(6, 3), CONTENT[6:9])
        self.assertEqual(await content.read(len(CONTENT), 10), b"")

    async def test_append_is_told_before_it_returns(self) -> None:
        """
        A listener knows of a message when ``append`` returns; its modseq is
        above that at which it began to listen.
        """
        inbox = await self.opened(await self.account())
        listener = Listener()
        since = inbox.listen(listener)

        uid = await self.append(inbox)

        (change,) = listener.changes
        assert isinstance(change, Added)
        self.assertEqual(change.uids, UIDSet.of([uid]))
        self.assertGreater(change.modseq, since)
        self.assertEqual(inbox.highestmodseq, change.modseq)
        self.assertEqual(inbox.messages.modseqs.tolist(), [change.modseq])
        inbox.unlisten(listener)

    async def test_append_with_a_new_keyword(self) -> None:
        """
        A listener is told that the mailbox has a keyword more.
        """
        inbox = await self.opened(await self.account())
        listener = Listener()
        inbox.listen(listener)

        await self.append(inbox, flags=["$new"])

        self.assertIsInstance(listener.changes[0], Added)
        self.assertTrue(
            any(
                isinstance(change, FlagsChanged) and change.keywords
                for change in listener.changes
            )
        )
        inbox.unlisten(listener)

    async def test_unlisten_ends_the_news(self) -> None:
        """
        Who does not listen any more is told nothing.
        """
        inbox = await self.opened(await self.account())
        listener = Listener()
        inbox.listen(listener)
        inbox.unlisten(listener)

        await self.append(inbox)

        self.assertEqual(listener.changes, [])

    async def test_content_may_be_used_again(self) -> None:
        """
        One content can be appended to two mailboxes.
        """
        account = await self.account()
        inbox = await self.opened(account)
        sent = await self.opened(account, "Sent")
        incoming = await self.incoming(CONTENT)

        await inbox.append(incoming)
        await sent.append(incoming)
        incoming.discard()

        self.assertEqual(len(inbox.messages), 1)
        self.assertEqual(len(sent.messages), 1)

    async def test_delivery_reaches_every_account(self) -> None:
        """
        A delivery is in the INBOX of each account.
        """
        account = await self.account()
        other = self.record(2)
        incoming = await self.incoming(CONTENT)

        results = await self.mailboxes.deliver(
            incoming, [self.record(1), other]
        )
        incoming.discard()

        self.assertEqual(results, (None, None))
        self.assertEqual(len((await self.opened(account)).messages), 1)
        second = await self.mailboxes.account(other)
        self.addCleanup(second.release)
        self.assertEqual((await second.status("INBOX")).messages, 1)

    async def test_recent_is_claimed_once(self) -> None:
        r"""
        A message is \Recent for the first that claims it.
        """
        inbox = await self.opened(await self.account())
        uid = await self.append(inbox)

        self.assertEqual(inbox.claim_recent(), UIDSet.of([uid]))
        self.assertEqual(inbox.claim_recent(), UIDSet())

    # --- Flags ----------------------------------------------------------------

    async def test_store_adds_removes_and_replaces(self) -> None:
        """
        The three modes do what they are called.
        """
        inbox = await self.opened(await self.account())
        uid = await self.append(inbox, flags=[SEEN])
        uids = UIDSet.of([uid])

        await inbox.store(uids, FlagMode.ADD, [FLAGGED, "$a"])
        self.assertEqual(self.names_of(inbox, uid), {SEEN, FLAGGED, "$a"})
        await inbox.store(uids, FlagMode.REMOVE, [SEEN, "$unheard"])
        self.assertEqual(self.names_of(inbox, uid), {FLAGGED, "$a"})
        await inbox.store(uids, FlagMode.REPLACE, [ANSWERED])
        self.assertEqual(self.names_of(inbox, uid), {ANSWERED})

    async def test_store_tells_what_changed(self) -> None:
        """
        Only messages whose flags are other than before are told; a keyword
        that is new is told so.
        """
        inbox = await self.opened(await self.account())
        first = await self.append(inbox)
        second = await self.append(inbox, flags=["$a"])
        listener = Listener()
        inbox.listen(listener)

        stored = await inbox.store(
            UIDSet.of([first, second]), FlagMode.ADD, ["$A"]
        )
        await inbox.store(UIDSet.of([first]), FlagMode.ADD, ["$b"])

        self.assertEqual(stored.changed, UIDSet.of([first]))
        known, fresh = listener.changes
        assert isinstance(known, FlagsChanged)
        assert isinstance(fresh, FlagsChanged)
        self.assertEqual(known.uids, UIDSet.of([first]))
        self.assertEqual(known.modseq, stored.modseq)
        self.assertFalse(known.keywords)
        self.assertTrue(fresh.keywords)
        self.assertGreater(fresh.modseq, known.modseq)
        inbox.unlisten(listener)

    async def test_store_without_effect_changes_nothing(self) -> None:
        """
        Flags that are as asked for already take no modseq.
        """
        inbox = await self.opened(await self.account())
        uid = await self.append(inbox, flags=[SEEN])
        before = inbox.highestmodseq

        stored = await inbox.store(UIDSet.of([uid]), FlagMode.ADD, [SEEN])

        self.assertEqual(stored.changed, UIDSet())
        self.assertEqual(inbox.highestmodseq, before)
        self.assertEqual(stored.modseq, before)

    async def test_conditional_store_leaves_changed_messages(self) -> None:
        """
        A message that was changed after ``unchanged_since`` is refused, the
        others are stored (RFC 7162 3.1.3).
        """
        inbox = await self.opened(await self.account())
        first = await self.append(inbox)
        second = await self.append(inbox)
        since = inbox.highestmodseq
        await inbox.store(UIDSet.of([second]), FlagMode.ADD, [FLAGGED])

        stored = await inbox.store(
            UIDSet.of([first, second]), FlagMode.ADD, [SEEN], since
        )

        self.assertEqual(stored.changed, UIDSet.of([first]))
        self.assertEqual(stored.refused, UIDSet.of([second]))
        self.assertEqual(self.names_of(inbox, second), {FLAGGED})

    async def test_store_names_what_is_gone(self) -> None:
        """
        A message that was expunged is said to be gone.
        """
        inbox = await self.opened(await self.account())
        uid = await self.append(inbox, flags=[DELETED])
        await inbox.expunge()

        stored = await inbox.store(UIDSet.of([uid]), FlagMode.ADD, [SEEN])

        self.assertEqual(stored.gone, UIDSet.of([uid]))
        self.assertEqual(stored.changed, UIDSet())

    async def test_one_keyword_too_many(self) -> None:
        """
        A mailbox takes 26 keywords, and says so of the next.
        """
        inbox = await self.opened(await self.account())
        uid = await self.append(inbox)
        names = [f"$k{number}" for number in range(MOST_KEYWORDS)]
        await inbox.store(UIDSet.of([uid]), FlagMode.ADD, names)
        self.assertFalse(inbox.takes_keywords)

        with self.assertRaises(TooManyKeywords):
            await inbox.store(UIDSet.of([uid]), FlagMode.ADD, ["$more", SEEN])

        self.assertEqual(self.names_of(inbox, uid), set(names))
