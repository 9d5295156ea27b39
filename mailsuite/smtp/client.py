"""
Messages sent over one connection.

Implementation notes

- Two messages may be under way at once: while the first waits for the answer to
  its DATA, the second lies ready, and its MAIL, RCPTs and DATA go out in the
  write of the first's content and end (RFC 2920 3.1).  That is done only where
  the server offers PIPELINING and has taken a message on this connection.
- A message is taken when the server said so.  Whatever happens to the
  connection afterwards, in QUIT too, changes nothing.
- A connection that may be out of step is not used again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from twisted.internet.defer import Deferred

from mailsuite.interfaces import IContent
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.smtp.clientconnection import ClientConnection
from mailsuite.smtp.clientcontent import ContentStream, is_small, small
from mailsuite.smtp.clienttls import Negotiated
from mailsuite.smtp.opening import Opened
from mailsuite.smtp.place import Place
from mailsuite.smtp.wire.capabilities import Capabilities
from mailsuite.smtp.wire.client import (
    PATIENCE,
    ClientTransaction,
    Step,
    Wanted,
)
from mailsuite.smtp.wire.failures import BadReply, Lost, ShuttingDown
from mailsuite.smtp.wire.peerreplies import PeerReply
from mailsuite.smtp.wire.stuffing import DotStuffer

_QUIT_SECONDS = 10
_CLOSE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """
    What is sent to some recipients, all of one transaction.

    :param content: not closed by who sends it.
    :param eight_bit: it needs 8BITMIME.
    :param smtputf8: it needs SMTPUTF8; else all addresses are ASCII.
    """

    sender: Sender
    recipients: tuple[Recipient, ...]
    content: bytes | IContent
    eight_bit: bool = False
    smtputf8: bool = False


class _Turn:
    """
    A message under way, or next.
    """

    __slots__ = ("begun", "came", "content", "ready", "transaction")

    def __init__(
        self, transaction: ClientTransaction, content: bytes | IContent
    ) -> None:
        self.transaction = transaction
        self.content = content
        #: Its commands can be printed.
        self.ready = False
        #: They have been sent.
        self.begun = False
        self.came: Deferred[None] | None = None


class SMTPClient:
    """
    A connection to a server that is ready for messages.
    """

    def __init__(
        self,
        connection: ClientConnection,
        place: Place,
        opened: Opened,
        *,
        lmtp: bool,
    ) -> None:
        self.place = place
        self.capabilities: Capabilities = opened.capabilities
        self.tls: Negotiated | None = opened.tls
        #: Messages that the server took over this connection.
        self.taken = 0
        self._connection = connection
        self._lmtp = lmtp
        self._turns: deque[_Turn] = deque()
        self._begun = 0
        self._reset_due = False
        self._broken = False
        self._shutting_down: ShuttingDown | None = None

    @property
    def usable(self) -> bool:
        """
        Whether another message may be sent, now or when those under way are.
        """
        most = self.capabilities.messages_most
        if self._broken or (most is not None and self._begun >= most):
            return False
        # Nothing is asked: what the server says is that it goes.
        unasked = not self._turns and self._connection.has_reply
        return self._connection.open and not unasked

    @property
    def ready(self) -> bool:
        """
        Whether ``send`` may be called at this moment.
        """
        if not self.usable:
            return False
        return not self._turns or (len(self._turns) == 1 and self._proven)

    @property
    def past_end(self) -> bool:
        """
        Whether the message under way has been sent whole, and the server may
        have taken it.
        """
        return bool(self._turns) and self._turns[0].transaction.end_sent

    @property
    def _proven(self) -> bool:
        return self.capabilities.pipelining and self.taken > 0

    async def send(self, message: ClientMessage) -> tuple[PeerReply, ...]:
        """
        One message; only when ``ready``.

        Cancelled once it has begun, it leaves no connection behind.

        :return: for each recipient the reply that decided.
        :raises NotSendable: not over this connection, or not at all; the
            server was not asked.
        :raises SendingFailed: the connection is of no use any more.
        """
        content = message.content
        size = len(content) if isinstance(content, bytes) else content.size
        wanted = Wanted(
            message.sender,
            message.recipients,
            size,
            message.eight_bit,
            message.smtputf8,
        )
        turn = _Turn(
            ClientTransaction(wanted, self.capabilities, lmtp=self._lmtp),
            content,
        )
        self._begun += 1
        self._turns.append(turn)
        try:
            turn.content = await small(content)
            self._lies_ready(turn)
            if self._turns[0] is not turn:
                turn.came = Deferred()
                await turn.came
            return await self._transact(turn)
        except BaseException as error:
            self._gave_up(turn, error)
            raise
        finally:
            self._turns.remove(turn)
            if self._turns and self._turns[0].came is not None:
                came, self._turns[0].came = self._turns[0].came, None
                came.callback(None)

    async def quit(self) -> None:
        """
        Say goodbye; the connection is gone on return, whatever happens.
        """
        if self.usable and not self._turns:
            self._broken = True
            self._connection.write(b"QUIT\r\n")
            try:
                await self._connection.reply(_QUIT_SECONDS, "QUIT")
            except (Lost, BadReply):
                self.abort()
        self._broken = True
        await self._connection.close(_CLOSE_SECONDS)

    def abort(self) -> None:
        """
        End the connection at once.
        """
        self._broken = True
        self._connection.abort()

    def _gave_up(self, turn: _Turn, error: BaseException) -> None:
        if isinstance(error, ShuttingDown):
            self._shutting_down = error
        if turn.begun:
            self.abort()

    def _lies_ready(self, turn: _Turn) -> None:
        """
        Its content is here, or is to be read as it goes.
        """
        turn.ready = True
        first = self._turns[0]
        may_follow = self._proven and first.transaction.end_sent
        if first is not turn and may_follow:
            self._connection.write(self._opening(turn, behind_another=True))

    def _opening(self, turn: _Turn, *, behind_another: bool) -> bytes:
        transaction = turn.transaction
        turn.begun = True
        # After a refused BDAT it takes RSET to go on (RFC 3030 2); whether the
        # one before is refused is not known yet.
        reset = self._reset_due or (behind_another and transaction.chunking)
        self._reset_due = False
        octets = transaction.opening(reset=reset, behind_another=behind_another)
        content = turn.content
        if transaction.chunking and self._proven and is_small(content):
            octets += transaction.chunk(len(content), last=True) + content
        return octets

    def _next_opening(self) -> bytes:
        """
        What the next message begins with, if it may be said already.
        """
        if len(self._turns) < 2 or not self._proven:
            return b""
        turn = self._turns[1]
        if not turn.ready or turn.begun:
            return b""
        return self._opening(turn, behind_another=True)

    async def _transact(self, turn: _Turn) -> tuple[PeerReply, ...]:
        if self._shutting_down is not None:
            raise self._shutting_down
        transaction = turn.transaction
        if not turn.begun:
            self._connection.write(self._opening(turn, behind_another=False))
        step: bytes | Step = Step.READ
        while step is not Step.DONE:
            if isinstance(step, bytes):
                self._connection.write(step)
            elif step is Step.CONTENT:
                await self._send_content(turn)
                if transaction.asked is None:
                    break
            step = transaction.take(await self._reply(transaction))
        replies = transaction.replies
        next_begun = len(self._turns) > 1 and self._turns[1].begun
        self._reset_due = transaction.leaves_open and not next_begun
        if any(reply.taken for reply in replies):
            self.taken += 1
        return replies

    async def _reply(self, transaction: ClientTransaction) -> PeerReply:
        asked = transaction.asked
        assert asked is not None
        return await self._connection.reply(
            PATIENCE[asked], asked.value, after_data=transaction.end_sent
        )

    async def _send_content(self, turn: _Turn) -> None:
        content = turn.content
        if is_small(content):
            self._send_small(turn.transaction, content)
            return
        stream = ContentStream(self._connection, turn.transaction, content)
        if not await stream.send(self._next_opening):
            # It was refused in the middle: nobody knows what is read how.
            self.abort()

    def _send_small(
        self, transaction: ClientTransaction, content: bytes
    ) -> None:
        """
        Content, end, and what comes next, in one write.
        """
        if transaction.chunking:
            octets = transaction.chunk(len(content), last=True) + content
        else:
            stuffer = DotStuffer()
            octets = stuffer.feed(content) + stuffer.end()
            transaction.content_sent()
        self._connection.write(octets + self._next_opening())
