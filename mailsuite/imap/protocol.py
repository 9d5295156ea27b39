"""
IMAP on a connection: each event of the wire becomes an answer.

Implementation notes

- An answer is put together in one order: the command's untagged responses, the
  news of the mailbox that may be told at that point, the tagged response.
- A client that makes nothing but errors is ended, so that it does not do so for
  ever.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from twisted.logger import Logger

from mailsuite.conversation import (
    Answer,
    Close,
    Conversation,
    StartTLS,
)
from mailsuite.errors import MailError
from mailsuite.imap import answers
from mailsuite.imap.answers import Done, Pieces, Unfinished
from mailsuite.imap.commands.append import append, appended
from mailsuite.imap.commands.idle import idled
from mailsuite.imap.commands.login import respond
from mailsuite.imap.dispatch import TABLE, is_by_uid, lets_expunge
from mailsuite.imap.refusals import refusal
from mailsuite.imap.session import (
    BROKEN,
    MAILBOX_DELETED,
    Service,
    Session,
    State,
)
from mailsuite.imap.view import NoSuchSequence
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Command
from mailsuite.imap.wire.connection import Connection, Limits
from mailsuite.imap.wire.events import (
    AppendAborted,
    AppendBegin,
    AppendEnd,
    AppendOctets,
    CommandReceived,
    IdleDone,
    LiteralWanted,
    Rejected,
    SASLCancelled,
    SASLResponse,
)

#: Commands that made no sense, one after another, before we end it.
_MOST_ERRORS = 20

_TOO_MANY_ERRORS = responses.untagged(responses.BYE, b"Too many errors")
_TOO_MUCH = responses.untagged(
    responses.BYE, b"The literal is too large to go on"
)
_TIMED_OUT = responses.untagged(
    responses.BYE, b"Autologout; you were silent too long"
)
_STOPPING = responses.untagged(
    responses.BYE, b"The session is ended by the server"
)

#: What a connection over the limits is told.
REFUSAL = responses.untagged(responses.BYE, b"Too many connections")


class IMAP:
    """
    One connection's decisions: ``mailsuite.conversation.ISession``.
    """

    __slots__ = ("_errors", "_session", "_wire")

    _log = Logger()

    def __init__(
        self, service: Service, conversation: Conversation, wire: Connection
    ) -> None:
        self._wire = wire
        self._session = Session(service, conversation, wire)
        self._errors = 0

    # --- What the conversation calls ------------------------------------------

    @property
    def idle_seconds(self) -> float:
        """
        How long the client may be silent.
        """
        service = self._session.service
        if self._session.login is None:
            return service.login_seconds
        return service.idle_seconds

    def greet(self) -> bytes:
        """
        The greeting, with what can be asked for (RFC 9051 7.1.1).
        """
        code = responses.capability_code(self._session.capabilities())
        return responses.untagged(responses.OK, b"Mailsuite ready", code)

    async def answer(self, event: object) -> Answer:
        """
        Carry out one event of the wire.
        """
        session = self._session
        match event:
            case CommandReceived(tag, command):
                return await self._command(tag, command)
            case LiteralWanted():
                return responses.CONTINUE
            case AppendBegin(tag, command):
                if not session.state & (State.AUTHENTICATED | State.SELECTED):
                    self._wire.refuse_literal()
                    return await self._finished(tag, _out_of_order())
                return await self._finished(tag, await append(session, command))
            case AppendOctets(octets):
                assert session.appending is not None
                await session.appending.write(octets)
                return None
            case AppendEnd(tag):
                return await self._finished(tag, await self._appended())
            case AppendAborted(tag, text):
                self._forget_append()
                return await self._finished(tag, _bad(text))
            case IdleDone(tag):
                return await self._finished(tag, idled(session))
            case SASLResponse(octets):
                return await self._respond(octets)
            case SASLCancelled(tag):
                session.exchange = None
                return await self._finished(
                    tag, _bad(b"Authentication cancelled")
                )
            case Rejected():
                return self._rejected(event)
            case _:
                raise AssertionError(f"no event of IMAP: {event!r}")

    def secured(self) -> None:
        """
        The connection is encrypted; nothing from before counts.
        """
        self._wire.reset()
        self._session.exchange = None

    def timed_out(self) -> bytes:
        """
        Last words to a silent client.
        """
        return _TIMED_OUT

    def stopping(self) -> bytes:
        """
        Last words when we end the session.
        """
        return _STOPPING

    def broken(self) -> bytes:
        """
        Last words after a bug.
        """
        return BROKEN

    def lost(self) -> None:
        """
        The connection is gone.
        """
        self._session.end()

    # --- Commands -------------------------------------------------------------

    async def _command(self, tag: bytes, command: Command) -> Answer:
        rule = TABLE[type(command)]
        session = self._session
        if not session.state & rule.states:
            return await self._finished(tag, _out_of_order())
        done: answers.Answer
        try:
            done = await rule.run(session, command, tag)
        except NoSuchSequence:
            done = _bad(b"No such message")
        except MailError as failure:
            done = refusal(failure)
        return await self._finished(
            tag,
            done,
            expunges=lets_expunge(command),
            uids=is_by_uid(command),
        )

    async def _finished(
        self,
        tag: bytes,
        answer: answers.Answer,
        *,
        expunges: bool = True,
        uids: bool = False,
    ) -> Answer:
        """
        What is sent for a command's answer.

        :param expunges: whether EXPUNGE may be told with it.
        :param uids: whether UIDs are told with it.
        """
        match answer:
            case Done():
                if not self._is_error(answer):
                    self._errors = 0
                elif self._is_one_error_too_many():
                    return Close(_TOO_MANY_ERRORS)
                octets = await self._printed(
                    tag, answer, expunges=expunges, uids=uids
                )
                if self._is_mailbox_deleted():
                    return Close(octets + MAILBOX_DELETED)
                return octets
            case Pieces():
                self._errors = 0
                return self._streamed(tag, answer, expunges=expunges, uids=uids)
            case Unfinished(octets):
                return octets
            case Close() | StartTLS():
                return answer

    async def _printed(
        self, tag: bytes, done: Done, *, expunges: bool, uids: bool
    ) -> bytes:
        news = await self._session.news(expunges=expunges, uids=uids)
        return b"".join(
            (
                done.untagged,
                news,
                responses.tagged(tag, done.condition, done.text, done.code),
            )
        )

    async def _streamed(
        self, tag: bytes, answer: Pieces, *, expunges: bool, uids: bool
    ) -> AsyncIterator[bytes]:
        done = Done(answer.text, answer.code, condition=answer.condition)
        try:
            async for piece in answer.pieces:
                yield piece
        except MailError as failure:
            done = refusal(failure)
        yield await self._printed(tag, done, expunges=expunges, uids=uids)
        if self._is_mailbox_deleted():
            self._session.conversation.end(MAILBOX_DELETED)

    def _is_mailbox_deleted(self) -> bool:
        selected = self._session.selected
        return selected is not None and selected.view.deleted

    # --- What goes over several events ----------------------------------------

    async def _appended(self) -> Done:
        try:
            return await appended(self._session)
        except MailError as failure:
            return refusal(failure)

    def _forget_append(self) -> None:
        appending, self._session.appending = self._session.appending, None
        if appending is not None:
            appending.abandon()

    async def _respond(self, octets: bytes) -> Answer:
        exchange = self._session.exchange
        assert exchange is not None
        tag, steps = exchange
        return await self._finished(
            tag, await respond(self._session, steps, octets)
        )

    # --- Errors ---------------------------------------------------------------

    def _rejected(self, event: Rejected) -> Answer:
        """
        Whatever was under way is over.
        """
        session = self._session
        session.exchange = None
        if session.idling is not None:
            session.end_idling()
        octets = responses.rejected(event)
        if event.ends:
            return Close(octets + _TOO_MUCH)
        if event.condition == responses.BAD and self._is_one_error_too_many():
            return Close(octets + _TOO_MANY_ERRORS)
        return octets

    def _is_error(self, done: Done) -> bool:
        """
        Whether the command made no sense, or was an attempt to log in that
        failed.
        """
        return done.condition == responses.BAD or (
            done.condition == responses.NO and self._session.login is None
        )

    def _is_one_error_too_many(self) -> bool:
        self._errors += 1
        return self._errors >= _MOST_ERRORS


def _bad(text: bytes) -> Done:
    return Done(text, condition=responses.BAD)


def _out_of_order() -> Done:
    return _bad(b"Not possible in this state")


class BuildIMAP:
    """
    Makes wire and session of each connection: conversation's ``BuildSession``.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._limits = Limits(append=service.append_limit)

    def __call__(self, conversation: Conversation) -> tuple[Connection, IMAP]:
        """
        One connection's two halves.
        """
        wire = Connection(self._limits)
        return wire, IMAP(self._service, conversation, wire)
