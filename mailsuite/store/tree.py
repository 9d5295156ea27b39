"""
Steps on an account's tree of mailboxes: list, make, remove, rename, subscribe.

Implementation notes

- A mailbox is a folder of the tree's root; a level above it that has no folder
  is listed as one that cannot be selected.
- A mailbox that is deleted is first renamed to a name that is no mailbox's, and
  then taken apart; what a crash left of that is taken apart at the next
  opening.
- Folders are durable before a message is put into them.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from mailsuite.disk import Disk, File
from mailsuite.errors import (
    InvalidMailboxName,
    MailboxExists,
    MailboxNotRemovable,
    NoSuchMailbox,
    StoreFull,
    UnknownSpecialUse,
)
from mailsuite.mail.mailboxes import (
    INBOX,
    SEPARATOR,
    SPECIAL_USES,
    MailboxEntry,
)
from mailsuite.mail.uids import UIDSet
from mailsuite.store import copying, subscriptions, uidlist
from mailsuite.store.deltas import Deleted, Renamed
from mailsuite.store.flagging import EVERY_UID
from mailsuite.store.intent import RenameIntent
from mailsuite.store.mailboxfolder import new_mailbox_id
from mailsuite.store.maildir import (
    CUR,
    MARK,
    NEW,
    TMP,
    folder_of,
    mailbox_of,
    new_folder_of,
)
from mailsuite.store.scan import look
from mailsuite.store.subscriptions import Subscriptions
from mailsuite.store.uidlist import UIDList
from mailsuite.store.uidvalidity import next_uidvalidity

if TYPE_CHECKING:
    from mailsuite.store.accountfolder import AccountFolder

#: The mailboxes that a new account has, with their special uses.
USUAL = {
    "Drafts": "\\Drafts",
    "Sent": "\\Sent",
    "Junk": "\\Junk",
    "Trash": "\\Trash",
    "Archive": "\\Archive",
}

#: What the folders of deleted mailboxes are called until they are gone.
_REMOVED = "..removed-"


def prepare(account: AccountFolder) -> None:
    """
    Make the tree with its usual mailboxes, if there is none.

    In a tree that comes from elsewhere the mailboxes with the usual names have
    the usual uses.
    """
    root = account.maildir
    if os.path.isdir(f"{root}/{CUR}"):
        _complete(account.disk, root)
        if not account.settings.exist:
            _adopt_uses(account)
        return
    account.disk.make_folders(root)
    account.changing()
    _make_usual(account)
    # INBOX last: what has it is complete.
    _make_folder(account.disk, root)


def _make_usual(account: AccountFolder) -> None:
    """
    Make the usual mailboxes, with one sync for all.
    """
    disk, root = account.disk, account.maildir
    now = account.tools.now()
    last = next_uidvalidity(disk, root, now, int(now) + len(USUAL))
    uses: dict[str, str] = {}
    files: list[File] = []
    made: list[str] = []
    for place, (name, use) in enumerate(USUAL.items()):
        path = f"{root}/{folder_of(name)}"
        _make_empty(disk, path)
        made.append(path)
        with suppress(FileExistsError):
            file = disk.create_named(f"{path}/{uidlist.NAME}")
            files.append(file)
            mailbox_id = new_mailbox_id()
            file.write(UIDList(last - place, 1, mailbox_id, []).printed())
            uses[mailbox_id] = use
    try:
        disk.sync(files=files, folders=[*made, root])
    finally:
        for file in files:
            file.close()
    account.settings.set_special_uses(uses)
    _write_subscriptions(account, Subscriptions(tuple(USUAL)))


def _adopt_uses(account: AccountFolder) -> None:
    """
    Dovecot's special uses stand in its configuration; here go those that most
    installations have.
    """
    found = folders(account)
    account.settings.set_special_uses(
        {
            account.mailbox(found[name]).row.guid: use
            for name, use in USUAL.items()
            if name in found
        }
    )


def _make_folder(disk: Disk, path: str) -> None:
    """
    Make a mailbox's folder; durable on return.  What is there stays.
    """
    _make_empty(disk, path)
    disk.sync(folders=[path, os.path.dirname(path)])


def _make_empty(disk: Disk, path: str) -> None:
    for folder in (path, f"{path}/{TMP}", f"{path}/{NEW}", f"{path}/{CUR}"):
        with suppress(FileExistsError):
            disk.make_folder(folder)
    if os.path.basename(path).startswith("."):
        with suppress(FileExistsError):
            disk.create_named(f"{path}/{MARK}").close()


def _complete(disk: Disk, path: str) -> None:
    """
    Make what is missing of a folder that has a ``cur``.
    """
    if not all(os.path.isdir(f"{path}/{name}") for name in (NEW, TMP)):
        _make_folder(disk, path)


def folders(account: AccountFolder) -> dict[str, str]:
    """
    The mailboxes that can be selected: their folders by their names.
    """
    found: dict[str, str] = {}
    with os.scandir(account.maildir) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                continue
            name = mailbox_of(entry.name)
            if name is not None and os.path.isdir(f"{entry.path}/{CUR}"):
                found[name] = entry.name
    found[INBOX] = ""
    return found


def entries(account: AccountFolder) -> tuple[MailboxEntry, ...]:
    """
    All names; see ``IAccount.entries``.
    """
    selectable = folders(account)
    subscribed = set(_subscriptions(account).names)
    levels = {
        SEPARATOR.join(name.split(SEPARATOR)[:depth])
        for name in selectable
        for depth in range(1, name.count(SEPARATOR) + 1)
    }
    uses = account.settings.special_uses
    result = []
    for name in selectable.keys() | levels | subscribed:
        use = None
        if uses and name in selectable:
            # On a full disk the index may not be able to learn of a mailbox.
            with suppress(StoreFull):
                use = uses.get(account.mailbox(selectable[name]).row.guid)
        result.append(
            MailboxEntry(
                name,
                exists=name in selectable or name in levels,
                selectable=name in selectable,
                subscribed=name in subscribed,
                special_use=use,
            )
        )
    return tuple(sorted(result, key=_order))


def _order(entry: MailboxEntry) -> tuple[bool, list[str]]:
    return entry.name != INBOX, entry.name.split(SEPARATOR)


def create(account: AccountFolder, name: str, special_use: str | None) -> str:
    """
    Make a mailbox; see ``IAccount.create``.
    """
    if special_use is not None and special_use not in SPECIAL_USES:
        raise UnknownSpecialUse
    folder = _folder(name)
    path = os.path.join(account.maildir, folder)
    if not folder or os.path.isdir(f"{path}/{CUR}"):
        raise MailboxExists
    account.changing()
    _make_folder(account.disk, path)
    mailbox_id = account.mailbox(folder).row.guid
    if special_use is not None:
        account.settings.set_special_uses({mailbox_id: special_use})
    return mailbox_id


def _folder(name: str) -> str:
    """
    The folder for a mailbox of that name, of which there may be none yet.

    :raises InvalidMailboxName: also for a first level that reads as INBOX.
    """
    first = name.split(SEPARATOR)[0]
    if first.upper() == INBOX and first != INBOX:
        raise InvalidMailboxName
    return new_folder_of(name)


def delete(account: AccountFolder, name: str) -> None:
    """
    Remove a mailbox; see ``IAccount.delete``.
    """
    if name == INBOX:
        raise MailboxNotRemovable
    folder = folder_of(name)
    if folder not in folders(account).values():
        if any(x.startswith(name + SEPARATOR) for x in folders(account)):
            raise MailboxNotRemovable
        raise NoSuchMailbox
    mailbox = account.mailbox(folder)
    row = mailbox.row
    account.changing()
    disk, root = account.disk, account.maildir
    removed = f"{root}/{_REMOVED}{row.guid}"
    disk.rename(mailbox.path, removed)
    disk.sync(folders=[root])
    del account.mailboxes[folder]
    modseq = account.next_modseq()
    account.commit_done(lambda: account.index.forget_mailbox(row.mailbox))
    account.use.forget()
    account.settings.forget(row.guid)
    account.tell(Deleted(row.guid, modseq))
    _take_apart(disk, removed)


def clear_removed(account: AccountFolder) -> None:
    """
    Take apart what is left of deleted mailboxes.
    """
    root = account.maildir
    if os.path.isdir(root):
        for name in os.listdir(root):
            if name.startswith(_REMOVED):
                _take_apart(account.disk, f"{root}/{name}")


def _take_apart(disk: Disk, path: str) -> None:
    """
    Remove a folder with all in it; it does not come back.
    """
    for folder, inner, files in os.walk(path, topdown=False):
        for name in files:
            disk.unlink(os.path.join(folder, name))
        for name in inner:
            inside = os.path.join(folder, name)
            if os.path.islink(inside):
                disk.unlink(inside)
            else:
                disk.remove_folder(inside)
    disk.remove_folder(path)
    disk.sync(folders=[os.path.dirname(path)])


def rename(account: AccountFolder, old: str, new: str) -> None:
    """
    Rename a mailbox with all below it; see ``IAccount.rename``.
    """
    if old == INBOX:
        _rename_inbox(account, new)
        return
    selectable = folders(account)
    below = [
        name
        for name in selectable
        if name == old or name.startswith(old + SEPARATOR)
    ]
    if not below:
        raise NoSuchMailbox
    if new.startswith(old + SEPARATOR):
        raise InvalidMailboxName
    renames = {name: new + name[len(old) :] for name in sorted(below)}
    if new in (INBOX, old):
        raise MailboxExists
    for name in renames.values():
        # Also a folder that is no mailbox is in the way.
        if os.path.lexists(os.path.join(account.maildir, _folder(name))):
            raise MailboxExists
    pairs = [
        (selectable[before], folder_of(after))
        for before, after in renames.items()
    ]
    for before, _ in pairs:
        account.mailbox(before)
    account.changing()
    account.intents.declare(RenameIntent(pairs))
    make_renames(account, pairs)
    account.intents.fulfilled()
    _commit_renames(account, renames)


def make_renames(account: AccountFolder, pairs: list[tuple[str, str]]) -> None:
    """
    Rename folders, as far as they are not yet; durable on return.
    """
    disk, root = account.disk, account.maildir
    for before, after in pairs:
        if os.path.isdir(f"{root}/{before}") and not os.path.exists(
            f"{root}/{after}"
        ):
            disk.rename(f"{root}/{before}", f"{root}/{after}")
    disk.sync(folders=[root])


def _commit_renames(account: AccountFolder, renames: dict[str, str]) -> None:
    modseq = account.next_modseq()
    moved = []
    for before, after in renames.items():
        mailbox = account.mailboxes.pop(folder_of(before))
        mailbox.row.folder = folder_of(after)
        mailbox.row.highestmodseq = modseq
        mailbox.moved()
        account.mailboxes[mailbox.row.folder] = mailbox
        moved.append(mailbox)

    def write() -> None:
        for mailbox in moved:
            mailbox.save()

    account.commit_done(write)
    for mailbox, name in zip(moved, renames.values(), strict=True):
        account.tell(Renamed(mailbox.row.guid, modseq, name))


def _rename_inbox(account: AccountFolder, new: str) -> None:
    # RFC 9051 6.3.6
    create(account, new, None)
    inbox = account.mailbox("")
    everything = UIDSet.of(row[0] for row in inbox.rows_of(EVERY_UID.ranges))
    copying.move(inbox, everything, folder_of(new))


def subscribe(account: AccountFolder, name: str) -> None:
    """
    Put a name on the list.
    """
    folder_of(name)
    _write_subscriptions(account, _subscriptions(account).adding(name))


def unsubscribe(account: AccountFolder, name: str) -> None:
    """
    Take a name off the list.
    """
    _write_subscriptions(account, _subscriptions(account).without(name))


def _subscriptions(account: AccountFolder) -> Subscriptions:
    try:
        with open(f"{account.maildir}/{subscriptions.NAME}", "rb") as file:
            return Subscriptions.parse(file.read())
    except FileNotFoundError:
        return Subscriptions()


def _write_subscriptions(account: AccountFolder, names: Subscriptions) -> None:
    account.disk.replace(
        f"{account.maildir}/{subscriptions.NAME}", names.printed()
    )


def use(account: AccountFolder) -> tuple[int, int]:
    """
    Octets and messages that the account has, in all its mailboxes.
    """
    for folder in folders(account).values():
        look(account.mailbox(folder))
    return account.use.known
