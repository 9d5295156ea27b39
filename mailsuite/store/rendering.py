"""
What renderers made of messages: kept in the index, made when they are missing.

Implementation notes

- Rendering is work for a processor, not for a disk: it is made outside the
  lane, some hundreds of messages at a time, and then kept by a step of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailsuite.disk import Disk
from mailsuite.interfaces import IRenderer
from mailsuite.mail.uids import UIDSet
from mailsuite.store import reading
from mailsuite.store.content import mapped
from mailsuite.store.mailboxfolder import MailboxFolder

if TYPE_CHECKING:
    from mailsuite.store.account import Account
    from mailsuite.store.mailbox import Mailbox

#: For how many messages at the end of a mailbox this is done in quiet moments.
LATEST = 200

#: More ranges of UIDs than this are read as one.
_FEW = 32


class Renderings:
    """
    The renderings of one open mailbox.
    """

    __slots__ = ("_account", "_mailbox")

    def __init__(self, mailbox: Mailbox, account: Account) -> None:
        self._mailbox = mailbox
        self._account = account

    async def get(self, name: str, uids: Sequence[int]) -> list[bytes | None]:
        """
        What the renderer of that name made of each message.
        """
        if not uids:
            return []
        renderer = self._account.renderers[name]
        wanted = UIDSet.of(uids)
        if len(wanted.ranges) > _FEW:
            wanted = UIDSet(((wanted.ranges[0][0], wanted.ranges[-1][1]),))
        found = await self._mailbox.run(
            lambda folder: _kept(folder, renderer, wanted)
        )
        messages = self._mailbox.messages
        missing = [
            uid
            for uid in uids
            if uid not in found and messages.place(uid) is not None
        ]
        if missing:
            found.update(await self._make(renderer, missing))
        return [found.get(uid) for uid in uids]

    async def _make(
        self, renderer: IRenderer, uids: Sequence[int]
    ) -> dict[int, bytes]:
        disk = self._account.disk
        paths = await self._mailbox.file_paths(UIDSet.of(uids))
        made, moved = await self._account.pool.run(
            lambda: _rendered(renderer, paths, disk)
        )
        for uid in moved:
            made.update(await self._make_moved(renderer, uid))
        self._mailbox.run_behind(lambda folder: _keep(folder, renderer, made))
        return made

    async def _make_moved(
        self, renderer: IRenderer, uid: int
    ) -> dict[int, bytes]:
        """
        The rendering of a message whose file was renamed meanwhile.
        """
        disk = self._account.disk
        paths = await self._mailbox.file_paths(UIDSet.of([uid]), check=True)
        made, _ = await self._account.pool.run(
            lambda: _rendered(renderer, paths, disk)
        )
        return made


def keep_up(folder: MailboxFolder) -> None:
    """
    Make what is missing for the messages that came last; in a quiet moment.
    """
    account, mailbox = folder.account, folder.row.mailbox
    tools = account.tools
    first = folder.row.uidnext - LATEST
    for renderer in tools.renderers.values():
        kind = account.index.renderings.kind(renderer.name, renderer.version)
        uids = account.index.renderings.missing(mailbox, kind, first)
        if not uids:
            continue
        paths = reading.paths(folder, UIDSet.of(uids), check=False)
        made, _ = _rendered(renderer, paths, tools.disk)
        _keep(folder, renderer, made)


def _kept(
    folder: MailboxFolder, renderer: IRenderer, wanted: UIDSet
) -> dict[int, bytes]:
    index = folder.account.index
    kind = index.renderings.kind(renderer.name, renderer.version)
    found: dict[int, bytes] = {}
    for first, last in wanted.ranges:
        found.update(
            index.renderings.between(folder.row.mailbox, kind, first, last)
        )
    return found


def _keep(
    folder: MailboxFolder, renderer: IRenderer, made: dict[int, bytes]
) -> None:
    index = folder.account.index
    kind = index.renderings.kind(renderer.name, renderer.version)
    with index.transaction():
        index.renderings.add(folder.row.mailbox, kind, made.items())


def _rendered(
    renderer: IRenderer, paths: dict[int, str], disk: Disk
) -> tuple[dict[int, bytes], list[int]]:
    """
    Renderings, and the messages that are not where they were.
    """
    made: dict[int, bytes] = {}
    moved: list[int] = []
    for uid, path in paths.items():
        try:
            content = mapped(path, disk)
        except FileNotFoundError:
            moved.append(uid)
        except OSError:
            # It is served as an empty message; the look has warned of it.
            made[uid] = renderer.render(b"", 0)
        else:
            made[uid] = renderer.render(content, len(content))
    return made, moved
