"""
What a mailbox can be asked: the contract's third part.
"""

from __future__ import annotations

from datetime import date

from mailsuite.imap import renderers
from mailsuite.interfaces import (
    IMailbox,
)
from mailsuite.mail import query
from mailsuite.mail.flags import (
    DELETED,
    SEEN,
    FlagMode,
)
from mailsuite.mail.uids import ModSeq, UIDSet
from tests.support.contract_base import CONTENT, ContractBase


class AskingContract(ContractBase):
    """
    Renderings, searches, changes, numbers.
    """

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
