"""
What an SMTP or LMTP server decides, event by event.

Implementation notes

- Each command's method returns its replies; only ``answer`` makes octets of
  them.  A 221 or 421 ends the connection.
- A BDAT is answered when its octets are in, whatever the answer is: a refused
  chunk is swallowed to its last octet.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from mailsuite import conversation as shell
from mailsuite.errors import MailError, MessageTooLarge, TooManyRecipients
from mailsuite.interfaces import ILogin, IReception
from mailsuite.mail.envelope import Sender
from mailsuite.smtp import greeting
from mailsuite.smtp.authentication import NOT_OFFERED, Authentication
from mailsuite.smtp.conduct import Conduct
from mailsuite.smtp.listener import Listener, Purpose
from mailsuite.smtp.localpeer import local_user
from mailsuite.smtp.offers import Offers, offers
from mailsuite.smtp.order import Stage, out_of_order
from mailsuite.smtp.origins import Origins
from mailsuite.smtp.parameters import recipient_of, sender_of
from mailsuite.smtp.refusals import refusal
from mailsuite.smtp.transaction import MailTransaction, outcome, sender_ok
from mailsuite.smtp.verification import expanded, verified
from mailsuite.smtp.wire import commands
from mailsuite.smtp.wire.connection import (
    Content,
    Response,
    ResponseTooLong,
    SMTPConnection,
)
from mailsuite.smtp.wire.replies import Reply

#: What a method answers; several replies are LMTP's, or end with a farewell.
Replies = Reply | tuple[Reply, ...] | shell.StartTLS | None

_OK = Reply(250, "2.0.0", "OK")
_RESET = Reply(250, "2.0.0", "Reset")
_GO_AHEAD = Reply(354, None, 'Enter mail, end with "." on a line by itself')
_READY = Reply(220, "2.0.0", "Ready to start TLS")
_INJECTED = Reply(554, "5.5.1", "Nothing may follow STARTTLS in clear")
_TLS_ALREADY = Reply(503, "5.5.1", "TLS is active already")
_AUTH_NEEDS_EHLO = Reply(503, "5.5.1", "Say EHLO first")
_LOGIN_FIRST = Reply(530, "5.7.0", "Authentication required")
_TLS_FIRST = Reply(530, "5.7.0", "TLS and authentication required")
_PARAMETERS_NEED_EHLO = Reply(555, "5.5.4", "Parameters need EHLO")


class SMTPSession:
    """
    One connection's state (``ISession``).
    """

    _log = Logger()

    def __init__(
        self,
        conversation: shell.Conversation,
        wire: SMTPConnection,
        listener: Listener,
        *,
        reception: IReception,
        login: ILogin,
        clock: IReactorTime,
    ) -> None:
        self._conversation = conversation
        self._wire = wire
        self._listener = listener
        self._reception = reception
        self._clock = clock
        self._authentication = Authentication(conversation, listener, login)
        self._conduct = Conduct(listener.limits, reception.size_limit)
        self._peer = conversation.peer().address or local_user(
            conversation.transport
        )
        self._stage = Stage.CONNECTED
        self._helo = ""
        self._extended = False
        self._origins = Origins(conversation, listener)
        self._offers = self._offered()
        self._transaction: MailTransaction | None = None
        self._chunk: commands.Bdat | None = None
        self._chunk_refusal: Reply | None = None

    # --- ISession -------------------------------------------------------------

    @property
    def idle_seconds(self) -> float:
        """
        How long the client may be silent.
        """
        return self._listener.limits.silence_seconds

    def greet(self) -> bytes:
        """
        The greeting.
        """
        return greeting.banner(self._listener).octets(enhanced=False)

    async def answer(self, event: object) -> shell.Answer:
        """
        Carry out one event of the wire.
        """
        kind = type(event)
        replies: Replies = out_of_order(kind, self._stage)
        if replies is None or kind is commands.Bdat:
            replies = await _METHODS[kind](self, event)
        if isinstance(replies, Reply):
            enough = self._conduct.answered(kind, replies)
            if enough is None:
                return self._octets(replies)
            replies = (replies, self._last(*enough))
        if isinstance(replies, tuple):
            octets = b"".join(
                [reply.octets(enhanced=self._extended) for reply in replies]
            )
            return shell.Close(octets) if replies[-1].is_last else octets
        return replies

    def secured(self) -> None:
        """
        RFC 3207 4.2: what was learnt in clear is forgotten.
        """
        self._reset()
        self._authentication.logout()
        self._stage = Stage.CONNECTED
        self._helo = ""
        self._extended = False
        self._origins.clear()

    def timed_out(self) -> bytes:
        """
        Last words to a silent client.
        """
        return self._farewell("4.4.2", "Timeout, closing connection")

    def stopping(self) -> bytes:
        """
        Last words when we stop (RFC 5321 3.8).
        """
        return self._farewell(
            "4.3.2", "Service not available, closing transmission channel"
        )

    def broken(self) -> bytes:
        """
        Last words after a bug.
        """
        return self._farewell("4.3.0", "Internal error, closing connection")

    def lost(self) -> None:
        """
        The connection is gone.
        """
        self._reset()
        self._authentication.logout()

    def _octets(self, reply: Reply) -> shell.Answer:
        octets = reply.octets(enhanced=self._extended)
        return shell.Close(octets) if reply.is_last else octets

    def _last(self, enhanced: str, text: str) -> Reply:
        """
        A 421, which names us (RFC 5321 4.2.2).
        """
        self._log.info(
            "Closing SMTP connection of {peer}: {reason}",
            peer=self._peer,
            reason=text,
        )
        return Reply(421, enhanced, f"{self._listener.our_name} {text}")

    def _farewell(self, enhanced: str, text: str) -> bytes:
        return self._last(enhanced, text).octets(enhanced=self._extended)

    def _reset(self) -> None:
        """
        End the transaction, if there is one; keep nothing of it.
        """
        if self._transaction is not None:
            self._transaction.abort()
            self._transaction = None
        self._stage = min(self._stage, Stage.GREETED)

    # --- Greeting and encryption ----------------------------------------------

    async def _hello(self, command: commands.Helo) -> Replies:
        lmtp = self._listener.purpose is Purpose.LMTP
        if (command.verb == "LHLO") != lmtp:
            # RFC 2033 4.1: each protocol knows its own greeting alone.
            return commands.UNKNOWN.reply
        self._reset()
        self._stage = Stage.GREETED
        self._helo = command.name
        self._extended = command.verb != "HELO"
        self._origins.clear()
        self._offers = self._offered()
        if not self._extended:
            return greeting.hello(command.name)
        return greeting.extended_hello(
            self._listener,
            command.name,
            self._offers,
            size_limit=self._reception.size_limit,
            starttls=self._conversation.can_start_tls,
            mechanisms=self._authentication.mechanisms(),
            now=self._clock.seconds(),
        )

    def _offered(self) -> Offers:
        """
        What is offered until the next greeting.
        """
        return offers(
            self._listener,
            trusted=self._origins.trusted,
            tls=self._conversation.tls,
        )

    async def _start_tls(self, command: commands.StartTLS) -> Replies:
        if self._conversation.tls:
            return _TLS_ALREADY
        if not self._conversation.can_start_tls:
            return NOT_OFFERED
        return shell.StartTLS(
            _READY.octets(enhanced=self._extended),
            _INJECTED.octets(enhanced=self._extended),
        )

    # --- AUTH -----------------------------------------------------------------

    async def _auth(self, command: commands.Auth) -> Replies:
        if not self._extended:
            return _AUTH_NEEDS_EHLO
        return self._after_step(await self._authentication.begin(command))

    async def _response(self, response: Response | ResponseTooLong) -> Replies:
        return self._after_step(await self._authentication.respond(response))

    def _after_step(self, reply: Reply) -> Reply:
        if reply.code == 334:
            self._wire.expect_response()
        login_session = self._authentication.login_session
        if reply.code == 235 and login_session is not None:
            self._origins.clear()
            login_session.when_ended(self._conversation.stop)
        return reply

    # --- The envelope ---------------------------------------------------------

    async def _mail(self, command: commands.Mail) -> Replies:
        authentication = self._authentication
        if authentication.required:
            may = (
                authentication.mechanisms()
                or not self._conversation.can_start_tls
            )
            return _LOGIN_FIRST if may else _TLS_FIRST
        if command.parameters and not self._extended:
            return _PARAMETERS_NEED_EHLO
        sender = sender_of(
            command,
            self._offers,
            takes_auth=authentication.login_session is not None,
            now=self._clock.seconds(),
        )
        if isinstance(sender, Reply):
            return sender
        if sender.size is not None and sender.size > self._reception.size_limit:
            return self._refused(refusal(MessageTooLarge()), command)
        if enough := self._conduct.transaction_begun():
            return self._last(*enough)
        return await self._begin(command, sender)

    async def _begin(self, command: commands.Mail, sender: Sender) -> Replies:
        login = self._authentication.login_session
        try:
            transaction = await self._reception.begin(
                self._origins.of(
                    self._helo,
                    extended=self._extended,
                    user=None if login is None else login.address,
                    utf8=sender.smtputf8,
                ),
                sender,
                None if login is None else login.owns,
            )
        except MailError as why:
            return self._refused(refusal(why), command)
        self._transaction = MailTransaction(transaction, sender)
        self._wire.expect_message()
        self._stage = Stage.SENDER
        return sender_ok(sender.reverse_path)

    async def _rcpt(self, command: commands.Rcpt) -> Replies:
        transaction = self._transaction
        assert transaction is not None
        if command.parameters and not self._extended:
            return _PARAMETERS_NEED_EHLO
        recipient = recipient_of(
            command, self._offers, smtputf8=transaction.sender.smtputf8
        )
        if isinstance(recipient, Reply):
            return recipient
        if transaction.recipients >= self._listener.limits.recipients:
            return refusal(TooManyRecipients())
        reply = await transaction.add_recipient(recipient)
        if reply.is_refusal:
            return self._refused(reply, command)
        self._stage = Stage.RECIPIENTS
        return reply

    def _refused(
        self, reply: Reply, command: commands.Mail | commands.Rcpt
    ) -> Reply:
        match command:
            case commands.Mail(reverse_path):
                path = "<>" if reverse_path is None else str(reverse_path)
            case commands.Rcpt(forward_path):
                path = str(forward_path)
        self._log.info(
            "Refused {path} from {peer}: {code} {text}",
            path=path,
            peer=self._peer,
            code=reply.code,
            text=reply.text,
        )
        return reply

    # --- The content ----------------------------------------------------------

    async def _data(self, command: commands.Data) -> Replies:
        self._wire.expect_data()
        return _GO_AHEAD

    async def _bdat(self, command: commands.Bdat) -> Replies:
        self._chunk = command
        self._chunk_refusal = out_of_order(commands.Bdat, self._stage)
        if self._chunk_refusal is None:
            self._stage = Stage.CHUNKS
        return None

    async def _content(self, content: Content) -> Replies:
        transaction = self._transaction
        if self._chunk_refusal is not None or transaction is None:
            if enough := self._conduct.swallowed(len(content.octets)):
                return self._last(*enough)
            return self._end_of_refused_chunk() if content.complete else None
        if transaction.failure is None:
            await transaction.write(content.octets)
        elif enough := self._conduct.swallowed(len(content.octets)):
            return refusal(transaction.failure), self._last(*enough)
        if not content.complete:
            return None
        chunk, self._chunk = self._chunk, None
        if chunk is not None and not chunk.last:
            return self._end_of_chunk(chunk, transaction)
        return await self._end_of_message(content.broken, transaction)

    def _end_of_refused_chunk(self) -> Reply | None:
        reply, self._chunk_refusal = self._chunk_refusal, None
        self._chunk = None
        return reply

    def _end_of_chunk(
        self, chunk: commands.Bdat, transaction: MailTransaction
    ) -> Reply:
        if transaction.failure is None:
            return Reply(250, "2.0.0", f"{chunk.size} octets received")
        # RFC 3030 2: what follows of the message is refused chunk by chunk.
        self._reset()
        return refusal(transaction.failure)

    async def _end_of_message(
        self, broken: bool, transaction: MailTransaction
    ) -> Replies:
        results = await transaction.finish(broken=broken)
        queue_id = transaction.queue_id if self._extended else None
        self._transaction = None
        self._stage = Stage.GREETED
        if self._listener.purpose is Purpose.LMTP:
            # RFC 2033 4.2, 4.3
            if None in results:
                self._conduct.message_accepted()
            return tuple(outcome(result, queue_id) for result in results)
        worst = next((r for r in results if r is not None), None)
        if worst is None:
            self._conduct.message_accepted()
        return outcome(worst, queue_id)

    # --- The rest -------------------------------------------------------------

    async def _rset(self, _: commands.Rset) -> Replies:
        self._reset()
        return _RESET

    async def _noop(self, _: commands.Noop) -> Replies:
        return _OK

    async def _help(self, _: commands.Help) -> Replies:
        return greeting.help_text(self._listener)

    async def _vrfy(self, command: commands.Vrfy) -> Replies:
        return verified(command)

    async def _expn(self, command: commands.Expn) -> Replies:
        login_session = self._authentication.login_session
        return await expanded(command, self._reception, login_session)

    async def _quit(self, _: commands.Quit) -> Replies:
        name = self._listener.our_name
        return Reply(221, "2.0.0", f"{name} closing connection")

    async def _unfollowable(self, event: commands.Unfollowable) -> Replies:
        return self._last(event.enhanced, event.why)

    async def _bad_syntax(self, event: commands.BadSyntax) -> Replies:
        return event.reply


# Any: each method takes the event it stands beside.
_METHODS: Mapping[type, Callable[[SMTPSession, Any], Awaitable[Replies]]] = {
    commands.Helo: SMTPSession._hello,
    commands.StartTLS: SMTPSession._start_tls,
    commands.Auth: SMTPSession._auth,
    Response: SMTPSession._response,
    ResponseTooLong: SMTPSession._response,
    commands.Mail: SMTPSession._mail,
    commands.Rcpt: SMTPSession._rcpt,
    commands.Data: SMTPSession._data,
    commands.Bdat: SMTPSession._bdat,
    Content: SMTPSession._content,
    commands.Rset: SMTPSession._rset,
    commands.Noop: SMTPSession._noop,
    commands.Help: SMTPSession._help,
    commands.Vrfy: SMTPSession._vrfy,
    commands.Expn: SMTPSession._expn,
    commands.Quit: SMTPSession._quit,
    commands.Unfollowable: SMTPSession._unfollowable,
    commands.BadSyntax: SMTPSession._bad_syntax,
}
