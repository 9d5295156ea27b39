"""
What every implementation of ``IMailboxService`` has to do: tests to be mixed
into a ``TestCase`` of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from zope.interface.verify import verifyObject

from mailsuite.errors import (
    InvalidMailboxName,
    MailboxExists,
    MailboxNotRemovable,
    MaildropInUse,
    NoSuchMailbox,
    NoSuchMessage,
    OverQuota,
    TooManyKeywords,
    UnknownSpecialUse,
)
from mailsuite.imap import renderers
from mailsuite.interfaces import (
    AccountRecord,
    IAccount,
    IContent,
    IIncoming,
    IMailbox,
    IMailboxService,
    IMaildrop,
)
from mailsuite.mail import query
from mailsuite.mail.changes import (
    Added,
    Change,
    Expunged,
    FlagsChanged,
    MailboxDeleted,
    MailboxRenamed,
)
from mailsuite.mail.flags import (
    ANSWERED,
    DELETED,
    FLAGGED,
    MOST_KEYWORDS,
    SEEN,
    FlagMode,
)
from mailsuite.mail.uids import UID, ModSeq, UIDSet

CONTENT = (
    b"From: bob@example.org\r\n"
    b"Subject: =?utf-8?q?caf=C3=A9?=\r\n"
    b"Date: Wed, 17 Jul 1996 23:30:00 -0700\r\n"
    b"\r\n"
    b"Do you like ketchup?\r\n"
)


class Listener:
    """
    Notes what it is told.
    """

    def __init__(self) -> None:
        self.changes: list[Change] = []

    def changed(self, change: Change) -> None:
        """
        Something is committed.
        """
        self.changes.append(change)


class MailboxContract:
    """
    The contract.  A subclass makes the service and says what a record is.
    """

    async def service(self) -> IMailboxService:
        """
        A service without accounts, with the renderers of IMAP.
        """
        raise NotImplementedError

    def record(
        self,
        number: int = 1,
        octets_limit: int | None = None,
        messages_limit: int | None = None,
    ) -> AccountRecord:
        """
        An account's record.
        """
        raise NotImplementedError

    async def account(
        self,
        octets_limit: int | None = None,
        messages_limit: int | None = None,
    ) -> IAccount:
        """
        An account that is new.
        """
        self.mailboxes = await self.service()
        account = await self.mailboxes.account(
            self.record(1, octets_limit, messages_limit)
        )
        self.addCleanup(account.release)
        return account

    async def opened(self, account: IAccount, name: str = "INBOX") -> IMailbox:
        """
        A mailbox that is released at the end.
        """
        mailbox = await account.mailbox(name)
        self.addCleanup(mailbox.release)
        return mailbox

    async def append(
        self,
        mailbox: IMailbox,
        content: bytes = CONTENT,
        flags: Iterable[str] = (),
        internal_date: float | None = None,
    ) -> UID:
        """
        One message more.
        """
        incoming = await self.incoming(content)
        appended = await mailbox.append(incoming, flags, internal_date)
        incoming.discard()
        return appended.uids[0]

    async def incoming(self, content: bytes) -> IIncoming:
        """
        Content that has come in.
        """
        incoming = await self.mailboxes.incoming(len(content))
        waiting = incoming.write(content)
        if waiting is not None:
            await waiting
        return incoming

    def names_of(self, mailbox: IMailbox, uid: int) -> set[str]:
        """
        The flags of a message.
        """
        messages = mailbox.messages
        place = messages.place(uid)
        assert place is not None
        return set(mailbox.flag_names.names(messages.flags[place]))

    # --- Shapes ---------------------------------------------------------------

    async def test_provides_the_interfaces(self) -> None:
        """
        All objects provide what they say.
        """
        account = await self.account()
        inbox = await self.opened(account)
        uid = await self.append(inbox)
        incoming = await self.incoming(b"x")
        content = await inbox.open(uid)

        verifyObject(IMailboxService, self.mailboxes)
        verifyObject(IAccount, account)
        verifyObject(IMailbox, inbox)
        verifyObject(IIncoming, incoming)
        verifyObject(IContent, content)
        incoming.discard()
        content.close()

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

    # --- Asking ---------------------------------------------------------------

    async def test_renderings(self) -> None:
        """
        A rendering is what its renderer makes of the message.
        """
        inbox = await self.opened(await self.account())
        uid = await self.append(inbox)
        made = {
            one.name: one.render(CONTENT, len(CONTENT))
            for one in renderers.renderers()
        }

        for name, expected in made.items():
            self.assertEqual(await inbox.renderings(name, [uid]), [expected])

    async def search(self, inbox: IMailbox, key: query.Key) -> set[int]:
        """
        The UIDs that match.
        """
        return set(await inbox.search(key))

    async def test_search_in_arrays(self) -> None:
        """
        Keys about flags, sizes, UIDs and modseqs.
        """
        inbox = await self.opened(await self.account())
        first = await self.append(inbox, CONTENT, [SEEN])
        second = await self.append(inbox, CONTENT + b"more\r\n", ["$a"])
        last = inbox.highestmodseq

        for key, expected in (
            (query.Everything(), {first, second}),
            (query.HasFlag(SEEN), {first}),
            (query.Not(query.HasFlag(SEEN)), {second}),
            (query.HasFlag("$A"), {second}),
            (query.HasFlag("$none"), set()),
            (query.Larger(len(CONTENT)), {second}),
            (query.Smaller(len(CONTENT) + 1), {first}),
            (query.InSet(UIDSet.of([second, 999])), {second}),
            (query.ChangedSince(last), {second}),
            (
                query.Or((query.HasFlag(SEEN), query.HasFlag("$a"))),
                {first, second},
            ),
            (query.And((query.HasFlag(SEEN), query.HasFlag("$a"))), set()),
        ):
            self.assertEqual(await self.search(inbox, key), expected, key)

    async def test_search_in_content(self) -> None:
        """
        Keys about the header and the body, with case and accents folded.
        """
        inbox = await self.opened(await self.account())
        uid = await self.append(inbox)

        for key, found in (
            (query.HeaderContains("subject", "CAFE"), True),
            (query.HeaderContains("Subject", "tea"), False),
            (query.HeaderContains("Date", ""), True),
            (query.HeaderContains("X-None", ""), False),
            (query.BodyContains("KETCHUP"), True),
            (query.BodyContains("bob@"), False),
            (query.TextContains("bob@example"), True),
            (query.TextContains("ketchup?"), True),
        ):
            expected = {uid} if found else set()
            self.assertEqual(await self.search(inbox, key), expected, key)

    async def test_search_by_date(self) -> None:
        """
        The internal date is a day in UTC; the sent date is the one that the
        header writes, without its zone (RFC 9051 6.4.4).
        """
        inbox = await self.opened(await self.account())
        uid = await self.append(inbox, internal_date=837596665)
        sent, internal = query.DateOf.SENT, query.DateOf.INTERNAL

        for key, found in (
            (query.On(internal, date(1996, 7, 17)), True),
            (query.Before(internal, date(1996, 7, 17)), False),
            (query.Since(internal, date(1996, 7, 17)), True),
            (query.On(sent, date(1996, 7, 17)), True),
            (query.Since(sent, date(1996, 7, 18)), False),
            (query.Before(sent, date(1996, 7, 18)), True),
        ):
            expected = {uid} if found else set()
            self.assertEqual(await self.search(inbox, key), expected, key)

    async def test_changes_since(self) -> None:
        """
        What happened after a modseq: other flags, and expunges.
        """
        inbox = await self.opened(await self.account())
        first = await self.append(inbox)
        second = await self.append(inbox)
        await self.append(inbox)
        since = inbox.highestmodseq
        await inbox.store(UIDSet.of([first]), FlagMode.ADD, [SEEN])
        await inbox.store(UIDSet.of([second]), FlagMode.ADD, [DELETED])
        await inbox.expunge()

        changes = await inbox.changes_since(ModSeq(since))

        self.assertEqual(changes.changed, UIDSet.of([first]))
        self.assertEqual(changes.vanished, UIDSet.of([second]))
        self.assertTrue(changes.complete)

    async def test_status_counts(self) -> None:
        """
        A mailbox in numbers.
        """
        account = await self.account()
        inbox = await self.opened(account)
        await self.append(inbox, flags=[SEEN])
        await self.append(inbox, flags=[DELETED])

        status = await account.status("INBOX")

        self.assertEqual(status.messages, 2)
        self.assertEqual(status.unseen, 1)
        self.assertEqual(status.deleted, 1)
        self.assertEqual(status.recent, 2)
        self.assertEqual(status.size, 2 * len(CONTENT))
        self.assertEqual(status.deleted_size, len(CONTENT))
        self.assertEqual(status.uidnext, inbox.uidnext)
        self.assertEqual(status.uidvalidity, inbox.uidvalidity)
        self.assertEqual(status.highestmodseq, inbox.highestmodseq)
        self.assertEqual(status.mailbox_id, inbox.mailbox_id)

    async def test_an_empty_mailbox_has_a_modseq(self) -> None:
        """
        HIGHESTMODSEQ is never 0 (RFC 7162 3.1.2.1).
        """
        inbox = await self.opened(await self.account())

        self.assertGreater(inbox.highestmodseq, 0)

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
