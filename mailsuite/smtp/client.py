"""
Messages sent over one connection.

Implementation notes

- Two messages may be under way at once: while the first waits for the answer to
  its DATA, the second lies ready, and its MAIL, RCPTs and DATA go out in the
  write of the first's content and end (RFC 2920 3.1).  That is done only where
  the server offers PIPELINING and has taken a message on this connection.
- What is under way goes on inside ``_go_on``, reply by reply, without anything
  that waits: that, a thousand times a second, is what sending costs.  Only
  large content has a coroutine, which reads the replies meanwhile.
- When a message ends, whoever sent it is told before the replies to the next
  are looked at: the one after may then travel with the next one's content.
- A message is taken when the server said so.  Whatever happens to the
  connection afterwards, in QUIT too, changes nothing.
- A connection that may be out of step is not used again.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

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
from mailsuite.smtp.wire.failures import (
    BadReply,
    Lost,
    SendingFailed,
    ShuttingDown,
)
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

    __slots__ = (
        "begun",
        "content",
        "ended",
        "ready",
        "streaming",
        "transaction",
    )

    def __init__(
        self, transaction: ClientTransaction, content: bytes | IContent
    ) -> None:
        self.transaction = transaction
        self.content = content
        #: Its commands can be printed.
        self.ready = False
        #: They have been sent.
        self.begun = False
        #: Large content is on its way.
        self.streaming: Deferred[None] | None = None
        #: Fires with the reply that decided for each recipient.
        self.ended: Deferred[tuple[PeerReply, ...]] = Deferred()


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
        self._going_on = False
        self._shutting_down: ShuttingDown | None = None
        connection.told = self._go_on

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
            turn.ready = True
            self._go_on()
            return await turn.ended
        except BaseException as error:
            if turn in self._turns:
                self._give_up(turn, error)
                self._go_on()
            raise

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

    # --- Reply by reply -------------------------------------------------------

    def _go_on(self) -> None:
        """
        Do all that can be done before the next octets come.
        """
        # What is told here leads here again; the loop goes on with it.
        if self._going_on:
            return
        self._going_on = True
        try:
            while self._turns and self._step(self._turns[0]):
                pass
        finally:
            self._going_on = False
        first = self._turns[0] if self._turns else None
        if first is None or first.streaming is not None:
            return
        if first.begun and (asked := first.transaction.asked) is not None:
            self._connection.expect_within(PATIENCE[asked])

    def _step(self, turn: _Turn) -> bool:
        """
        One reply, or a beginning.

        :return: False if that has to wait.
        """
        if turn.streaming is not None or not turn.ready:
            return False
        try:
            if self._shutting_down is not None:
                raise self._shutting_down
            if not turn.begun:
                self._connection.write(
                    self._opening(turn, behind_another=False)
                )
                return True
            if turn.transaction.end_sent and len(self._turns) > 1:
                octets = self._next_opening()
                if octets:
                    self._connection.write(octets)
            asked = turn.transaction.asked
            assert asked is not None
            reply = self._connection.reply_now(
                asked.value, after_data=turn.transaction.end_sent
            )
            if reply is None:
                return False
            self._do(turn, turn.transaction.take(reply))
        except SendingFailed as error:
            self._give_up(turn, error)
            turn.ended.errback(error)
        return True

    def _do(self, turn: _Turn, step: bytes | Step) -> None:
        if step is Step.DONE:
            self._finish(turn)
        elif step is Step.CONTENT:
            content = turn.content
            if is_small(content):
                self._send_small(turn.transaction, content)
            else:
                streaming = Deferred.fromCoroutine(self._stream(turn))
                turn.streaming = streaming
                streaming.addCallbacks(
                    self._streamed,
                    self._not_streamed,
                    callbackArgs=(turn,),
                    errbackArgs=(turn,),
                )
        elif isinstance(step, bytes):
            self._connection.write(step)

    def _finish(self, turn: _Turn) -> None:
        replies = turn.transaction.replies
        self._turns.popleft()
        next_begun = bool(self._turns) and self._turns[0].begun
        self._reset_due = turn.transaction.leaves_open and not next_begun
        if any(reply.taken for reply in replies):
            self.taken += 1
        turn.ended.callback(replies)

    def _give_up(self, turn: _Turn, error: BaseException) -> None:
        if isinstance(error, ShuttingDown):
            self._shutting_down = error
        self._turns.remove(turn)
        if turn.begun:
            self.abort()
        if turn.streaming is not None:
            turn.streaming.cancel()

    # --- What is said ---------------------------------------------------------

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

    async def _stream(self, turn: _Turn) -> None:
        stream = ContentStream(self._connection, turn.transaction, turn.content)
        if not await stream.send(self._next_opening):
            # It was refused in the middle: nobody knows what is read how.
            self.abort()

    def _streamed(self, _: None, turn: _Turn) -> None:
        turn.streaming = None
        if turn.transaction.asked is None:
            self._finish(turn)
        self._go_on()

    def _not_streamed(self, failure: Failure, turn: _Turn) -> None:
        turn.streaming = None
        if turn in self._turns:
            assert failure.value is not None
            self._give_up(turn, failure.value)
            turn.ended.errback(failure)
            self._go_on()

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
