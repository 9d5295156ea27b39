"""
The kinds of steps that the store makes for its clients.
"""

from __future__ import annotations

from dataclasses import replace

from mailsuite.mail.flags import FlagMode
from mailsuite.mail.uids import UIDSet
from tests.crash.replaying import Path, adding, new_message, removing
from tests.crash.running import Box, Message, Running, View, record


async def _deliver(running: Running, before: View, accounts: int) -> View:
    content = await running.content(new_message("new"))
    numbers = range(1, accounts + 1)
    results = await running.store.deliver(
        content, [record(running.root, x) for x in numbers]
    )
    for error in results:
        if error is not None:
            raise error
    after = before
    for number in numbers:
        after = adding(after, (number, "INBOX"), Message(new_message("new")))
    return after


DELIVERY = Path("delivery", lambda r, before: _deliver(r, before, 1))
DELIVERY_TO_FIVE = Path(
    "delivery to five", lambda r, before: _deliver(r, before, 5), accounts=5
)

FIRST_DELIVERY = Path(
    "first delivery", lambda r, before: _deliver(r, before, 1), fresh=True
)


async def _append(running: Running, before: View) -> View:
    """
    With a new keyword among the flags, and a date.
    """
    account = await running.account(1)
    mailbox = await account.mailbox("INBOX")
    flags = ("\\Flagged", "$New")
    appended = await mailbox.append(
        await running.content(new_message("new")), flags, 1e9
    )
    message = Message(new_message("new"), frozenset(flags), appended.uids[0])
    mailbox.release()
    account.release()
    return adding(before, (1, "INBOX"), message)


APPEND = Path("append", _append)


async def _store(running: Running, before: View) -> View:
    """
    With a keyword that is new.
    """
    account = await running.account(1)
    mailbox = await account.mailbox("INBOX")
    flags = ("\\Seen", "$New")
    stored = await mailbox.store(UIDSet.of([1, 2, 3]), FlagMode.REPLACE, flags)
    mailbox.release()
    account.release()
    box = before[1, "INBOX"]
    messages = tuple(replace(x, flags=frozenset(flags)) for x in box.messages)
    return before | {
        (1, "INBOX"): replace(box, messages=messages, modseq=stored.modseq)
    }


FLAGS = Path("flags", _store)


async def _flag_deleted(running: Running) -> None:
    account = await running.account(1)
    mailbox = await account.mailbox("INBOX")
    await mailbox.store(UIDSet.of([1, 3]), FlagMode.ADD, ("\\Deleted",))
    mailbox.release()
    account.release()


async def _expunge(running: Running, before: View) -> View:
    account = await running.account(1)
    mailbox = await account.mailbox("INBOX")
    gone = await mailbox.expunge()
    modseq = mailbox.highestmodseq
    mailbox.release()
    account.release()
    return removing(before, (1, "INBOX"), gone, modseq)


EXPUNGE = Path("expunge", _expunge, _flag_deleted)


async def _copy(running: Running, before: View) -> View:
    account = await running.account(1)
    mailbox = await account.mailbox("INBOX")
    copied = await mailbox.copy(UIDSet.of([1, 2, 3]), "Archive")
    mailbox.release()
    account.release()
    after = before
    for message, uid in zip(
        before[1, "INBOX"].messages, copied.destination, strict=True
    ):
        after = adding(after, (1, "Archive"), replace(message, uid=uid))
    return after


COPY = Path("copy", _copy, together=True)


async def _move(running: Running, before: View) -> View:
    account = await running.account(1)
    mailbox = await account.mailbox("INBOX")
    moved = await mailbox.move(UIDSet.of([1, 2]), "Archive")
    modseq = mailbox.highestmodseq
    mailbox.release()
    account.release()
    after = removing(before, (1, "INBOX"), UIDSet.of(moved.source), modseq)
    for message, uid in zip(
        before[1, "INBOX"].messages[:2], moved.destination, strict=True
    ):
        after = adding(after, (1, "Archive"), replace(message, uid=uid))
    return after


MOVE = Path("move", _move)


async def _make_deeper(running: Running) -> None:
    account = await running.account(1)
    await account.create("Archive/Old")
    mailbox = await account.mailbox("Archive/Old")
    await mailbox.append(await running.content(new_message("five")))
    mailbox.release()
    account.release()


async def _rename(running: Running, before: View) -> View:
    account = await running.account(1)
    await account.rename("Archive", "Store")
    account.release()
    names = {
        (1, "Archive"): (1, "Store"),
        (1, "Archive/Old"): (1, "Store/Old"),
    }
    return {names.get(place, place): box for place, box in before.items()}


RENAME = Path("rename", _rename, _make_deeper, together=True)


async def _rename_inbox(running: Running, before: View) -> View:
    account = await running.account(1)
    await account.rename("INBOX", "Old")
    mailbox = await account.mailbox("Old")
    uids = list(mailbox.messages.uids)
    there = Box(mailbox.mailbox_id, mailbox.uidvalidity, 0)
    mailbox.release()
    inbox = await account.mailbox("INBOX")
    modseq = inbox.highestmodseq
    inbox.release()
    account.release()
    after = before | {(1, "Old"): there}
    for message, uid in zip(before[1, "INBOX"].messages, uids, strict=True):
        after = adding(after, (1, "Old"), replace(message, uid=uid))
    return removing(after, (1, "INBOX"), UIDSet.of([1, 2, 3]), modseq)


RENAME_INBOX = Path("rename of INBOX", _rename_inbox)


async def _create(running: Running, before: View) -> View:
    account = await running.account(1)
    mailbox_id = await account.create("Lists/Python")
    account.release()
    return before | {(1, "Lists/Python"): Box(mailbox_id, 0, 0)}


CREATE = Path("create", _create)


async def _delete(running: Running, before: View) -> View:
    account = await running.account(1)
    await account.delete("Archive")
    account.release()
    return {
        place: box for place, box in before.items() if place != (1, "Archive")
    }


DELETE = Path("delete", _delete, _make_deeper, together=True)


async def _maildrop(running: Running, before: View) -> View:
    """
    As POP3's QUIT does it.
    """
    account = await running.account(1)
    maildrop = await account.maildrop()
    gone = await maildrop.delete(UIDSet.of([2, 3]))
    maildrop.release()
    mailbox = await account.mailbox("INBOX")
    modseq = mailbox.highestmodseq
    mailbox.release()
    account.release()
    return removing(before, (1, "INBOX"), gone, modseq)


MAILDROP = Path("maildrop", _maildrop)


async def _deliver_unseen(running: Running) -> None:
    content = await running.content(new_message("new"))
    await running.store.deliver(content, [record(running.root, 1)])


async def _select(running: Running, before: View) -> View:
    r"""
    A read-write SELECT takes \Recent, and moves the files to ``cur``.
    """
    account = await running.account(1)
    mailbox = await account.mailbox("INBOX")
    mailbox.claim_recent()
    mailbox.release()
    again = await account.mailbox("INBOX")
    again.release()
    account.release()
    return before


SELECT = Path("select", _select, _deliver_unseen)
