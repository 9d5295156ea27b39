"""
What renderers made of messages: kept in the index, made when they are missing.

Implementation notes

- Rendering is work for a processor, not for a disk: it is made outside the
  lane, some hundreds of messages at a time, and then kept by a step of it.
- A message whose file cannot be read is served as an empty one; that is not
  kept, since it may be readable again.
- Those asked for last are held in memory, so that a client that reads a list
  anew, or a second one, costs no reading of the index.
- A message that lacks one of them gets all: reading and parsing it is most of
  the work, and the others are asked for soon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from mmap import mmap
from typing import TYPE_CHECKING

from mailsuite.disk import Disk
from mailsuite.errors import StoreFull
from mailsuite.interfaces import IRenderer
from mailsuite.mail.mailboxes import Messages
from mailsuite.mail.uids import UIDSet
from mailsuite.store import reading
from mailsuite.store.content import mapped
from mailsuite.store.mailboxfolder import MailboxFolder

if TYPE_CHECKING:
    from mailsuite.store.account import Account
    from mailsuite.store.mailbox import Mailbox

#: Octets by the renderer's name and the message's UID.
Made = dict[str, dict[int, bytes]]

_epochs = count(1)

#: For how many messages at the end of a mailbox this is done in quiet moments.
LATEST = 200

#: More ranges of UIDs than this are read as one.
_FEW = 32


@dataclass(frozen=True, slots=True)
class _Rendered:
    """
    What came of rendering some messages.

    :param moved: those that are not where they were.
    :param unreadable: those whose file cannot be read; the look has warned of
        it.
    """

    made: Made
    moved: list[int]
    unreadable: list[int]


class Renderings:
    """
    The renderings of one open mailbox.
    """

    __slots__ = ("_account", "_epoch", "_mailbox", "_seen", "_uidvalidity")

    def __init__(self, mailbox: Mailbox, account: Account) -> None:
        self._mailbox = mailbox
        self._account = account
        self._seen: Messages | None = None
        self._uidvalidity = 0
        self._epoch = 0

    async def get(self, name: str, uids: Sequence[int]) -> list[bytes | None]:
        """
        What the renderer of that name made of each message.
        """
        if not uids:
            return []
        recent, key = self._account.recent_renderings, self._key(name)
        renderings = list(map(recent.of(key).get, uids))
        if None not in renderings:
            return renderings
        renderer = self._account.renderers[name]
        wanted = UIDSet.of(uids)
        if len(wanted.ranges) > _FEW:
            wanted = UIDSet(((wanted.ranges[0][0], wanted.ranges[-1][1]),))
        found = await self._mailbox.run(
            lambda folder: _kept(folder, renderer, wanted)
        )
        renderings = list(map(found.get, uids))
        if None not in renderings:
            recent.add(key, {uid: found[uid] for uid in uids})
            return renderings
        messages = self._mailbox.messages
        missing = [
            uid
            for uid in uids
            if uid not in found and messages.place(uid) is not None
        ]
        if missing:
            rendered = await self._make(missing)
            found.update(rendered.made[name])
            if rendered.unreadable:
                empty = renderer.render(b"", 0)
                found.update(dict.fromkeys(rendered.unreadable, empty))
        return list(map(found.get, uids))

    def _key(self, name: str) -> tuple[int, str]:
        """
        What renderings of this moment are held under: an expunge, or another
        UIDVALIDITY, comes with another object of messages.
        """
        mailbox = self._mailbox
        if (
            mailbox.messages is not self._seen
            or mailbox.uidvalidity != self._uidvalidity
        ):
            self._seen = mailbox.messages
            self._uidvalidity = mailbox.uidvalidity
            self._epoch = next(_epochs)
        return self._epoch, name

    async def _make(self, uids: Sequence[int]) -> _Rendered:
        paths = await self._mailbox.file_paths(UIDSet.of(uids))
        rendered = await self._render(paths)
        if rendered.moved:
            # Their files were renamed meanwhile.
            moved = UIDSet.of(rendered.moved)
            paths = await self._mailbox.file_paths(moved, check=True)
            late = await self._render(paths)
            for name, octets in late.made.items():
                rendered.made[name].update(octets)
            rendered.unreadable.extend(late.unreadable)
        self._mailbox.run_behind(lambda folder: _keep(folder, rendered.made))
        return rendered

    async def _render(self, paths: dict[int, str]) -> _Rendered:
        renderers, disk = self._account.renderers, self._account.disk
        return await self._account.pool.run(
            lambda: _rendered(renderers, paths, disk)
        )


def keep_up(folder: MailboxFolder) -> None:
    """
    Make what is missing for the messages that came last; in a quiet moment.
    """
    account, mailbox = folder.account, folder.row.mailbox
    tools = account.tools
    first = folder.row.uidnext - LATEST
    missing: set[int] = set()
    for renderer in tools.renderers.values():
        kind = account.index.renderings.kind(renderer.name, renderer.version)
        missing.update(account.index.renderings.missing(mailbox, kind, first))
    if missing:
        paths = reading.paths(folder, UIDSet.of(missing), check=False)
        _keep(folder, _rendered(tools.renderers, paths, tools.disk).made)


def _kept(
    folder: MailboxFolder, renderer: IRenderer, wanted: UIDSet
) -> dict[int, bytes]:
    index = folder.account.index
    found: dict[int, bytes] = {}
    try:
        kind = index.renderings.kind(renderer.name, renderer.version)
    except StoreFull:
        # A renderer that the index does not know: all are made.
        return found
    for first, last in wanted.ranges:
        found.update(
            index.renderings.between(folder.row.mailbox, kind, first, last)
        )
    return found


def _keep(folder: MailboxFolder, made: Made) -> None:
    index, renderers = folder.account.index, folder.account.tools.renderers
    kinds = {
        name: index.renderings.kind(name, renderers[name].version)
        for name in made
    }
    with index.transaction():
        for name, octets in made.items():
            index.renderings.add(
                folder.row.mailbox, kinds[name], octets.items()
            )


def _rendered(
    renderers: dict[str, IRenderer], paths: dict[int, str], disk: Disk
) -> _Rendered:
    """
    The renderings of the messages whose files can be read.
    """
    found = _Rendered({name: {} for name in renderers}, [], [])
    for uid, path in paths.items():
        content: bytes | mmap
        try:
            content = mapped(path, disk)
        except FileNotFoundError:
            found.moved.append(uid)
            continue
        except OSError:
            found.unreadable.append(uid)
            continue
        for name, renderer in renderers.items():
            found.made[name][uid] = renderer.render(content, len(content))
    return found
