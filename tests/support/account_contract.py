"""
Mailboxes, quotas and maildrops of an account: the contract's fourth part.
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from mailsuite.errors import (
    InvalidMailboxName,
    MailboxExists,
    MailboxNotRemovable,
    MaildropInUse,
    NoSuchMailbox,
    OverQuota,
    UnknownSpecialUse,
)
from mailsuite.interfaces import (
    IAccount,
    IMaildrop,
)
from mailsuite.mail.changes import (
    MailboxDeleted,
    MailboxRenamed,
)
from mailsuite.mail.flags import (
    SEEN,
)
from mailsuite.mail.uids import UIDSet
from tests.support.contract_base import CONTENT, ContractBase, Listener


class AccountContract(ContractBase):
    """
    An account's mailboxes.
    """

    # --- Mailboxes ------------------------------------------------------------

    async def names(self, account: IAccount) -> list[str]:
        """
        The names of those that exist.
        """
        return [e.name for e in await account.entries() if e.exists]

    async def test_a_new_account_has_its_usual_mailboxes(self) -> None:
        """
        INBOX, and five with their special uses, subscribed.
        """
        account = await self.account()

        found = await account.entries()

        self.assertEqual(
            {entry.name: entry.special_use for entry in found},
            {
                "INBOX": None,
                "Archive": "\\Archive",
                "Drafts": "\\Drafts",
                "Junk": "\\Junk",
                "Sent": "\\Sent",
                "Trash": "\\Trash",
            },
        )
        self.assertEqual(found[0].name, "INBOX")
        self.assertTrue(all(e.selectable for e in found))
        self.assertTrue(all(e.subscribed for e in found if e.special_use))

    async def test_create_makes_the_levels_above(self) -> None:
        """
        Levels above a new mailbox are there and cannot be selected.
        """
        account = await self.account()

        await account.create("a/b")

        entries = {entry.name: entry for entry in await account.entries()}
        self.assertTrue(entries["a/b"].selectable)
        self.assertFalse(entries["a"].selectable)
        self.assertTrue(entries["a"].exists)
        with self.assertRaises(NoSuchMailbox):
            await account.mailbox("a")

    async def test_create_twice(self) -> None:
        """
        What is there cannot be made; a mere level can.
        """
        account = await self.account()
        await account.create("a/b")

        await account.create("a")

        for name in ("a", "a/b", "INBOX"):
            with self.assertRaises(MailboxExists):
                await account.create(name)

    async def test_create_with_a_special_use(self) -> None:
        """
        The special use is kept; an unknown one is refused.
        """
        account = await self.account()

        await account.create("Spam", "\\Junk")
        with self.assertRaises(UnknownSpecialUse):
            await account.create("Odd", "\\Odd")

        entries = {entry.name: entry for entry in await account.entries()}
        self.assertEqual(entries["Spam"].special_use, "\\Junk")
        self.assertNotIn("Odd", entries)

    async def test_impossible_names(self) -> None:
        """
        An empty level, a dot and a control character cannot be stored.
        """
        account = await self.account()

        for name in ("a//b", "/a", "a.b", "a\x01b"):
            with self.assertRaises(InvalidMailboxName):
                await account.create(name)

    async def test_delete_removes_a_mailbox(self) -> None:
        """
        It is gone, its listeners are told, and the next of its name has
        another UIDVALIDITY and id.
        """
        account = await self.account()
        await account.create("a")
        old = await self.opened(account, "a")
        await self.append(old)
        listener = Listener()
        old.listen(listener)

        await account.delete("a")

        self.assertNotIn("a", await self.names(account))
        self.assertIsInstance(listener.changes[-1], MailboxDeleted)
        old.unlisten(listener)
        await account.create("a")
        new = await self.opened(account, "a")
        self.assertEqual(len(new.messages), 0)
        self.assertNotEqual(new.uidvalidity, old.uidvalidity)
        self.assertNotEqual(new.mailbox_id, old.mailbox_id)

    async def test_delete_leaves_children(self) -> None:
        """
        A mailbox with children stays as a level, which cannot be deleted.
        """
        account = await self.account()
        await account.create("a")
        await account.create("a/b")

        await account.delete("a")

        entries = {entry.name: entry for entry in await account.entries()}
        self.assertFalse(entries["a"].selectable)
        with self.assertRaises(MailboxNotRemovable):
            await account.delete("a")

    async def test_delete_refuses(self) -> None:
        """
        INBOX stays; what is not there cannot go.
        """
        account = await self.account()

        with self.assertRaises(MailboxNotRemovable):
            await account.delete("INBOX")
        with self.assertRaises(NoSuchMailbox):
            await account.delete("Nowhere")

    async def test_rename_takes_the_children_along(self) -> None:
        """
        All below has the new name; messages, ids and UIDs stay.
        """
        account = await self.account()
        await account.create("a")
        await account.create("a/b")
        mailbox = await self.opened(account, "a/b")
        uid = await self.append(mailbox)
        listener = Listener()
        mailbox.listen(listener)

        await account.rename("a", "c/d")

        names = await self.names(account)
        self.assertIn("c/d/b", names)
        self.assertNotIn("a/b", names)
        self.assertEqual(mailbox.name, "c/d/b")
        self.assertEqual(mailbox.messages.uids.tolist(), [uid])
        self.assertEqual(
            [c.name for c in listener.changes if isinstance(c, MailboxRenamed)],
            ["c/d/b"],
        )
        mailbox.unlisten(listener)

    async def test_rename_refuses(self) -> None:
        """
        The old name must be there, the new one not, and possible.
        """
        account = await self.account()

        with self.assertRaises(NoSuchMailbox):
            await account.rename("Nowhere", "b")
        with self.assertRaises(MailboxExists):
            await account.rename("Sent", "Trash")
        with self.assertRaises(InvalidMailboxName):
            await account.rename("Sent", "a.b")

    async def test_rename_of_inbox_moves_its_messages(self) -> None:
        """
        INBOX stays, empty; its children stay (RFC 9051 6.3.6).
        """
        account = await self.account()
        await account.create("INBOX/child")
        inbox = await self.opened(account)
        await self.append(inbox, flags=[SEEN])

        await account.rename("INBOX", "Old")

        self.assertEqual(len(inbox.messages), 0)
        self.assertIn("INBOX/child", await self.names(account))
        old = await self.opened(account, "Old")
        self.assertEqual(len(old.messages), 1)
        self.assertEqual(self.names_of(old, old.messages.uids[0]), {SEEN})

    async def test_subscriptions_stand_alone(self) -> None:
        """
        A name can be subscribed to without a mailbox, and survives it.
        """
        account = await self.account()
        await account.subscribe("Gone")
        await account.unsubscribe("Trash")

        entries = {entry.name: entry for entry in await account.entries()}

        self.assertTrue(entries["Gone"].subscribed)
        self.assertFalse(entries["Gone"].exists)
        self.assertFalse(entries["Trash"].subscribed)

    async def test_one_object_a_mailbox(self) -> None:
        """
        Everybody who opens a mailbox gets the same object.
        """
        account = await self.account()

        self.assertIs(await self.opened(account), await self.opened(account))

    # --- Quota ----------------------------------------------------------------

    async def test_quota_counts(self) -> None:
        """
        Octets and messages of all mailboxes, and the limits.
        """
        account = await self.account(octets_limit=10_000, messages_limit=5)
        await self.append(await self.opened(account))
        await self.append(await self.opened(account, "Sent"))

        quota = await account.quota()

        self.assertEqual(quota.octets, 2 * len(CONTENT))
        self.assertEqual(quota.messages, 2)
        self.assertEqual(quota.octets_limit, 10_000)
        self.assertEqual(quota.messages_limit, 5)

    async def test_over_quota(self) -> None:
        """
        What does not fit is refused whole, by APPEND, COPY and delivery; a
        move within the account fits always.
        """
        account = await self.account(messages_limit=1)
        inbox = await self.opened(account)
        uid = await self.append(inbox)

        with self.assertRaises(OverQuota):
            await self.append(inbox)
        with self.assertRaises(OverQuota):
            await inbox.copy(UIDSet.of([uid]), "Trash")
        incoming = await self.incoming(CONTENT)
        (result,) = await self.mailboxes.deliver(
            incoming, [self.record(1, None, 1)]
        )
        incoming.discard()
        self.assertIsInstance(result, OverQuota)
        self.assertEqual(len(inbox.messages), 1)
        await inbox.move(UIDSet.of([uid]), "Trash")

    # --- POP3's view ----------------------------------------------------------

    async def test_maildrop_is_frozen_and_held_alone(self) -> None:
        """
        A maildrop shows INBOX as at the login, to one session at a time.
        """
        account = await self.account()
        inbox = await self.opened(account)
        uid = await self.append(inbox)

        maildrop = await account.maildrop()
        verifyObject(IMaildrop, maildrop)
        await self.append(inbox)
        self.assertEqual([e.uid for e in maildrop.entries], [uid])
        self.assertEqual([e.size for e in maildrop.entries], [len(CONTENT)])

        taken = await maildrop.delete(UIDSet.of([uid]))
        maildrop.release()
        self.assertEqual(taken, UIDSet.of([uid]))
        self.assertNotIn(uid, inbox.messages.uids)

    async def test_maildrop_in_use(self) -> None:
        """
        While one session has it another is refused, and not afterwards.
        """
        account = await self.account()
        first = await account.maildrop()

        with self.assertRaises(MaildropInUse):
            await account.maildrop()

        first.release()
        (await account.maildrop()).release()
