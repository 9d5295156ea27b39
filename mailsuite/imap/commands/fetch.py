r"""
FETCH and UID FETCH (RFC 9051 6.4.5, RFC 3501 6.4.5, RFC 7162 3.1.4).

Implementation notes

- Messages are taken in batches, in the client's numbering, which cannot change
  while the command lasts.  Each piece is made when the client has taken the
  last.
- Items that come from arrays and renderings are columns (``columns``); what
  needs the message itself (``bodies``) stands behind them in its row.
- \Seen is set batch by batch, so that a client that goes away has not seen what
  it was not sent.
"""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from mailsuite.errors import MailError, NoSuchMessage
from mailsuite.imap import renderers
from mailsuite.imap.answers import Pieces
from mailsuite.imap.bodies import (
    SMALL_OCTETS,
    ContentItem,
    OpenMessage,
    is_whole,
    open_message,
    without_nul,
)
from mailsuite.imap.columns import (
    Batch,
    ColumnItem,
    Columns,
    Filled,
    KeptFields,
)
from mailsuite.imap.commands.enable import aware_of_modseqs
from mailsuite.imap.pacing import Pace
from mailsuite.imap.selected import Selected
from mailsuite.imap.session import Session
from mailsuite.imap.wire.commands import Fetch
from mailsuite.imap.wire.fetchitems import (
    BinarySection,
    BodySection,
    MessageItem,
)
from mailsuite.mail.flags import SEEN, SEEN_BIT, FlagMode
from mailsuite.mail.uids import UIDSet

_PIECE_OCTETS = 65536

_ROW, _END = b"* %d FETCH (", b")\r\n"

#: Messages of one batch: if all is in arrays, if renderings are asked for, and
#: if messages are opened.
_ARRAYS, _RENDERINGS, _CONTENTS = 1000, 500, 32

#: Octets of small messages that are read at the same time.
_TOGETHER_OCTETS = 4 * SMALL_OCTETS


@dataclass(frozen=True, slots=True)
class _Plan:
    """
    How the rows of one FETCH are made.

    :param contents: items that need the message itself.
    :param shows_flags: FLAGS is among the items.
    """

    columns: Columns
    contents: tuple[ContentItem, ...]
    sets_seen: bool
    shows_flags: bool
    by_uid: bool


async def fetch(session: Session, command: Fetch) -> Pieces:
    """
    Tell of messages what the client asks for.
    """
    selected = session.own_mailbox()
    uids = selected.view.resolve(command.numbers, command.by_uid)
    first = b""
    if MessageItem.MODSEQ in command.items or command.changed_since is not None:
        first = aware_of_modseqs(session)
    if command.changed_since is not None:
        uids = _changed_since(selected, uids, command.changed_since)
    rows = _Rows(session, selected, _plan(session, selected, command))
    return Pieces(rows.pieces(first, uids), b"FETCH completed")


def _changed_since(selected: Selected, uids: UIDSet, modseq: int) -> UIDSet:
    messages = selected.mailbox.messages
    return UIDSet.of(
        messages.uids[place]
        for place in messages.within(uids)
        if messages.modseqs[place] > modseq
    )


def _plan(session: Session, selected: Selected, command: Fetch) -> _Plan:
    columns: list[ColumnItem] = []
    contents: list[ContentItem] = []
    for item in command.items:
        if isinstance(item, MessageItem):
            columns.append(item)
        elif isinstance(item, BodySection) and (kept := KeptFields.of(item)):
            columns.append(kept)
        else:
            contents.append(item)
    return _Plan(
        Columns(selected, columns, recent=not session.rev2),
        tuple(contents),
        not selected.read_only
        and any(
            isinstance(item, BodySection | BinarySection) and item.sets_seen
            for item in command.items
        ),
        MessageItem.FLAGS in command.items,
        command.by_uid,
    )


def _batches(selected: Selected, wanted: UIDSet, size: int) -> Iterator[Batch]:
    """
    The messages in the client's numbering, some at a time.
    """
    view = selected.view
    seqs: list[int] = []
    uids = array("I")
    for first, last in view.seqs(wanted).ranges:
        while first <= last:
            end = min(last, first + size - len(seqs) - 1)
            seqs.extend(range(first, end + 1))
            uids.extend(view.between(first, end))
            first = end + 1
            if len(seqs) == size:
                yield Batch(seqs, uids)
                seqs, uids = [], array("I")
    if seqs:
        yield Batch(seqs, uids)


class _Rows:
    """
    Makes the rows of one FETCH.
    """

    def __init__(
        self, session: Session, selected: Selected, plan: _Plan
    ) -> None:
        self._session = session
        self._selected = selected
        self._plan = plan
        self._needs_outline = not all(map(is_whole, plan.contents))
        self._pace = Pace(session.service.clock)
        self._failure: MailError | None = None

    async def pieces(self, first: bytes, uids: UIDSet) -> AsyncIterator[bytes]:
        """
        The rows as they go out.

        :param first: what comes before them.
        :raises NoSuchMessage: a message named by number is gone (RFC 2180
            4.1.2); raised behind all others' rows.
        :raises MailError: a message cannot be read; likewise.
        """
        if first:
            yield first
        for batch in _batches(self._selected, uids, self._batch_size()):
            seen = UIDSet()
            if self._plan.sets_seen:
                seen = await self._set_seen(batch)
            filled = await self._plan.columns.fill(batch)
            if len(filled.uids) < len(batch.uids):
                self._miss()
            if self._plan.contents:
                async for piece in self._with_contents(filled, seen):
                    yield piece
                    await self._pace.breathe()
                continue
            for piece in _in_pieces(self._rows(filled, seen)):
                yield piece
                await self._pace.breathe()
        failure = self._plan.columns.failure or self._failure
        if failure is not None:
            raise failure

    def _miss(self) -> None:
        """
        A message is gone, which matters only if it was named by number.
        """
        if not self._plan.by_uid:
            self._failure = NoSuchMessage()

    def _batch_size(self) -> int:
        if self._plan.contents:
            return _CONTENTS
        return _RENDERINGS if self._plan.columns.waits else _ARRAYS

    async def _set_seen(self, batch: Batch) -> UIDSet:
        r"""
        Set \Seen where it is not.

        :return: the messages whose row has to tell so.
        """
        mailbox = self._selected.mailbox
        messages = mailbox.messages
        unseen = UIDSet.of(
            messages.uids[place]
            for place in messages.within(UIDSet.of(batch.uids))
            if not messages.flags[place] & SEEN_BIT
        )
        if not unseen:
            return unseen
        try:
            stored = await mailbox.store(unseen, FlagMode.ADD, (SEEN,))
        except MailError:
            # A full disk keeps nobody from reading.
            return UIDSet()
        if self._session.condstore:
            # Their modseq has to be told too: they are told as news.
            return UIDSet()
        self._selected.view.silence(stored.changed, stored.modseq)
        return UIDSet() if self._plan.shows_flags else stored.changed

    def _rows(self, filled: Filled, seen: UIDSet) -> list[bytes]:
        """
        The rows of a batch that needs no message.
        """
        template = _ROW + self._plan.columns.template
        columns = filled.columns
        if not seen:
            template += _END
        else:
            template += b"%b"
            columns = [*columns, self._ends(filled.uids, seen)]
        return list(map(template.__mod__, zip(*columns, strict=True)))

    def _ends(self, uids: Sequence[int], seen: UIDSet) -> Sequence[bytes]:
        """
        What stands at the end of each row: flags that the command changed.
        """
        if not seen:
            return [_END] * len(uids)
        messages, selected = self._selected.mailbox.messages, self._selected
        ends: list[bytes] = []
        for uid in uids:
            place = messages.place(uid) if uid in seen else None
            if place is None:
                ends.append(_END)
                continue
            flags = selected.flags_of(
                messages.flags[place], uid, rev2=self._session.rev2
            )
            ends.append(b" FLAGS %b%b" % (flags, _END))
        return ends

    async def _with_contents(
        self, filled: Filled, seen: UIDSet
    ) -> AsyncIterator[bytes]:
        """
        The rows of a batch whose messages are opened.
        """
        outlines: Sequence[bytes | None] = [None] * len(filled.uids)
        if self._needs_outline:
            outlines = await self._selected.mailbox.renderings(
                renderers.OUTLINE, filled.uids
            )
        template = _ROW + self._plan.columns.template
        if not template.endswith(b"("):
            template += b" "
        heads = map(template.__mod__, zip(*filled.columns, strict=True))
        ends = self._ends(filled.uids, seen)
        rows = list(zip(filled.uids, outlines, heads, ends, strict=True))
        waiting: list[bytes] = []
        size = 0
        for together in self._together(rows):
            opened = await self._opened(together)
            try:
                for message, (_, _, head, tail) in zip(
                    opened, together, strict=True
                ):
                    if message is None:
                        continue
                    async for piece in self._row(message, head, tail):
                        waiting.append(piece)
                        size += len(piece)
                        if size >= _PIECE_OCTETS:
                            yield b"".join(waiting)
                            waiting, size = [], 0
            finally:
                _close(opened)
        if waiting:
            yield b"".join(waiting)

    async def _row(
        self, message: OpenMessage, head: bytes, tail: bytes
    ) -> AsyncIterator[bytes]:
        try:
            row = await message.row(
                without_nul(head), self._plan.contents, tail
            )
        except MailError as failure:
            self._failure = failure
            return
        async for piece in message.pieces(row):
            yield piece

    def _together(self, rows: Sequence[_Row]) -> Iterator[list[_Row]]:
        """
        The rows in groups whose messages are read at the same time.
        """
        messages = self._selected.mailbox.messages
        group: list[_Row] = []
        octets = 0
        for row in rows:
            place = messages.place(row[0])
            size = SMALL_OCTETS if place is None else messages.sizes[place]
            if group and octets + size > _TOGETHER_OCTETS:
                yield group
                group, octets = [], 0
            group.append(row)
            octets += size
        if group:
            yield group

    async def _opened(self, rows: Sequence[_Row]) -> list[OpenMessage | None]:
        """
        The messages, opened at the same time; None for one that is gone or
        cannot be read.
        """
        mailbox = self._selected.mailbox
        # Any: Twisted's annotation has None for each result.
        results: Any = await DeferredList(
            [
                Deferred.fromCoroutine(
                    open_message(mailbox, uid, kept, self._pace)
                )
                for uid, kept, _, _ in rows
            ],
            consumeErrors=True,
        )
        opened = [found if ok else None for ok, found in results]
        for ok, found in results:
            if ok:
                continue
            failure: Failure = found
            if failure.check(NoSuchMessage):
                self._miss()
                continue
            if isinstance(failure.value, MailError):
                # One bad file keeps nobody from the others.
                self._failure = failure.value
                continue
            _close(opened)
            failure.raiseException()
        return opened


_Row = tuple[int, bytes | None, bytes, bytes]


def _close(opened: Sequence[OpenMessage | None]) -> None:
    for message in opened:
        if message is not None:
            message.close()


def _in_pieces(rows: Sequence[bytes]) -> Iterator[bytes]:
    """
    Rows joined to pieces of about the size that is written at once.
    """
    octets = sum(map(len, rows))
    each = max(1, len(rows) * _PIECE_OCTETS // max(octets, 1))
    for start in range(0, len(rows), each):
        yield without_nul(b"".join(rows[start : start + each]))
