"""
What is done in an account's folder after a step that was not finished.

Implementation notes

- Called with the lane held and the index open, before any mailbox is looked
  at; every mailbox is compared whole afterwards.
- All of it may be done twice.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from mailsuite.store import uidlist
from mailsuite.store.intent import CopyIntent, MoveIntent, RenameIntent
from mailsuite.store.maildir import CUR, NEW
from mailsuite.store.tree import clear_removed, make_renames

if TYPE_CHECKING:
    from mailsuite.store.accountfolder import AccountFolder


def recover(account: AccountFolder) -> None:
    """
    Finish or undo what was begun.
    """
    intent = account.intents.pending()
    match intent:
        case None:
            pass
        case "unreadable":
            account.log.warn(
                "The record of an unfinished step of {account} is unreadable",
                account=account.record.address,
            )
        case CopyIntent():
            _undo_copy(account, intent)
        case MoveIntent():
            _finish_move(account, intent)
        case RenameIntent():
            _finish_rename(account, intent)
    if intent is not None:
        account.intents.fulfilled_for_good()
    clear_removed(account)


def _path(account: AccountFolder, folder: str) -> str:
    return os.path.join(account.maildir, folder) if folder else account.maildir


def _undo_copy(account: AccountFolder, intent: CopyIntent) -> None:
    path = _path(account, intent.destination)
    if not os.path.isdir(f"{path}/{CUR}"):
        return
    listed = _listed(path)
    if all(base in listed for base in intent.bases):
        return
    files = _files(path)
    for base in intent.bases:
        if base in files:
            account.disk.unlink(files[base])
    account.disk.sync(folders=[f"{path}/{CUR}", f"{path}/{NEW}"])


def _listed(path: str) -> set[str]:
    try:
        with open(f"{path}/{uidlist.NAME}", "rb") as file:
            uids = uidlist.parse(file.read()).uids
    except FileNotFoundError:
        return set()
    return {line.base for line in uids.lines} if uids is not None else set()


def _files(path: str) -> dict[str, str]:
    """
    The messages' files, by their base names.
    """
    return {
        name.partition(":")[0]: f"{path}/{place}/{name}"
        for place in (NEW, CUR)
        for name in os.listdir(f"{path}/{place}")
    }


def _finish_move(account: AccountFolder, intent: MoveIntent) -> None:
    source = _path(account, intent.source)
    destination = _path(account, intent.destination)
    if not all(os.path.isdir(f"{x}/{CUR}") for x in (source, destination)):
        return
    here, there = _files(source), _files(destination)
    disk = account.disk
    for old, new, name in intent.moves:
        if old in here and new not in there:
            disk.hard_link(here[old], f"{destination}/{CUR}/{name}")
    disk.sync(folders=[f"{destination}/{CUR}"])
    for old, _, _ in intent.moves:
        if old in here:
            with suppress(FileNotFoundError):
                disk.unlink(here[old])
    disk.sync(folders=[f"{source}/{CUR}", f"{source}/{NEW}"])


def _finish_rename(account: AccountFolder, intent: RenameIntent) -> None:
    make_renames(account, intent.renames)
    with account.commit():
        for before, after in intent.renames:
            mailbox = account.mailboxes.pop(before, None)
            if mailbox is not None:
                mailbox.row.folder = after
                mailbox.moved()
                mailbox.save()
                account.mailboxes[after] = mailbox
