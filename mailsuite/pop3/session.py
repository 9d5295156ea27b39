"""
What a POP3 server decides, command by command.

Implementation notes

- What is legal when is the table ``_LEGAL``; UPDATE is no state that waits for
  anything, but the last work of QUIT.
- Marks for deletion are carried out by QUIT alone, and then to the end, even
  if the client does not wait for the answer: it said so.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
)
from enum import Enum
from itertools import chain
from typing import Any

from twisted.logger import Logger

from mailsuite import conversation as shell
from mailsuite.errors import MailError
from mailsuite.interfaces import IContent, ILogin, ILoginSession
from mailsuite.pop3 import wire
from mailsuite.pop3.authentication import Authentication
from mailsuite.pop3.listener import Listener
from mailsuite.pop3.maildrop import (
    PIECE,
    WHOLE,
    Maildrop,
    message,
    short_message,
)
from mailsuite.pop3.multiline import END
from mailsuite.pop3.responses import err, ok, refusal
from mailsuite.pop3.visit import Visit, to_its_end

_GREETING = ok("POP3 server ready")
_LOGGED_ON = ok("user successfully logged on")
_SIGNING_OFF = ok("POP3 server signing off")
_NOT_ALL_REMOVED = err("some deleted messages not removed", "SYS/TEMP")
_NO_SUCH_MESSAGE = err("No such message")
_UNKNOWN = err("Command is not recognized")
_LOG_IN_FIRST = err("Log in first")
_LOGGED_IN_ALREADY = err("Logged in already")
_BEGIN_TLS = ok("Begin TLS negotiation")
_INJECTED = err("Nothing may follow STLS in clear")
_TLS_ALREADY = err("TLS is active already")
_NO_TLS = err("TLS is not available")
_UTF8_ALREADY = err("STLS comes before UTF8")
_TOO_MANY_ERRORS = err("Too many errors")
_TOO_MANY_LOGINS = err("Too many failed logins", "AUTH")
_STOPPING = err("The session is ended by the server", "SYS/TEMP")
_BROKEN = err("Internal error", "SYS/TEMP")
_LANGUAGES = (
    ok("Language listing follows:")
    + b"en English\r\ni-default Default language\r\n"
    + END
)
_LANGUAGE_CHANGED = ok("en Language changed")
_DEFAULT_LANGUAGE = ok("i-default Language changed")
_LANGUAGE_UNKNOWN = err("en Language is not known")


class State(Enum):
    """
    RFC 1939 3.
    """

    AUTHORIZATION = "authorization"
    TRANSACTION = "transaction"


class POP3Session:
    """
    One connection's state (``ISession``).
    """

    _log = Logger()

    def __init__(
        self,
        conversation: shell.Conversation,
        connection: wire.POP3Connection,
        listener: Listener,
        login: ILogin,
    ) -> None:
        self._conversation = conversation
        self._wire = connection
        self._listener = listener
        self._login = login
        self._authentication = Authentication(
            conversation, login, clear_passwords=listener.clear_passwords
        )
        self._state = State.AUTHORIZATION
        self._visit: Visit | None = None
        self._sending: IContent | None = None
        self._utf8_mode = False
        self._errors = 0

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
        return _GREETING

    async def answer(self, event: object) -> shell.Answer:
        """
        Carry out one command.
        """
        legal, method = _METHODS[type(event)]
        if self._state in legal:
            return await method(self, event)
        if self._state is State.AUTHORIZATION:
            return self._mistaken(_LOG_IN_FIRST)
        return self._mistaken(_LOGGED_IN_ALREADY)

    def secured(self) -> None:
        """
        RFC 2595 4: what was learnt in clear is forgotten.
        """
        self._authentication.forget()

    def timed_out(self) -> bytes:
        """
        RFC 1939 3: a silent client is left without a word.
        """
        return b""

    def stopping(self) -> bytes:
        """
        Last words when we stop, or when the account's sessions are ended.
        """
        return _STOPPING

    def broken(self) -> bytes:
        """
        Last words after a bug.
        """
        return _BROKEN

    def lost(self) -> None:
        """
        The connection is gone; nothing is deleted.
        """
        self._authentication.forget()
        if self._sending is not None:
            self._sending.close()
        visit, self._visit = self._visit, None
        if visit is not None:
            visit.end()
            self._ended(visit, deleted=0)

    def _ended(self, visit: Visit, deleted: int) -> None:
        self._log.info(
            "POP3 session of {account} from {peer} ended:"
            " {retrieved} retrieved, {deleted} deleted",
            account=visit.address,
            peer=self._conversation.peer().address,
            retrieved=visit.retrieved,
            deleted=deleted,
        )

    def _mistaken(self, response: bytes) -> shell.Answer:
        self._errors += 1
        if self._errors >= self._listener.limits.errors:
            return shell.Close(response + _TOO_MANY_ERRORS)
        return response

    # --- Before the login -----------------------------------------------------

    async def _user(self, command: wire.User) -> shell.Answer:
        return self._authentication.user(command)

    async def _pass(self, command: wire.Pass) -> shell.Answer:
        return await self._after_step(
            await self._authentication.password(command)
        )

    async def _auth(self, command: wire.Auth) -> shell.Answer:
        if command.mechanism is None:
            lines = "".join(f"{name}\r\n" for name in self._mechanisms())
            return ok("Mechanisms follow") + lines.encode("ascii") + END
        return await self._after_step(await self._authentication.begin(command))

    async def _response(self, response: wire.Response) -> shell.Answer:
        return await self._after_step(
            await self._authentication.respond(response)
        )

    async def _after_step(self, result: bytes | ILoginSession) -> shell.Answer:
        if not isinstance(result, bytes):
            return await self._enter(result)
        if self._authentication.under_way:
            self._wire.expect_response()
        if self._authentication.failed >= self._listener.limits.failed_logins:
            return shell.Close(result + _TOO_MANY_LOGINS)
        return result

    async def _enter(self, login_session: ILoginSession) -> shell.Answer:
        visit = self._visit = Visit(login_session)
        try:
            await visit.begin(utf8=self._utf8_mode)
        except MailError as why:
            self._visit = None
            visit.end()
            self._log.info(
                "No maildrop for {account}: {reason}",
                account=login_session.address,
                reason=why.public,
            )
            return refusal(why)
        self._state = State.TRANSACTION
        login_session.when_ended(self._conversation.stop)
        return _LOGGED_ON

    async def _stls(self, command: wire.Stls) -> shell.Answer:
        if self._conversation.tls:
            return self._mistaken(_TLS_ALREADY)
        if not self._conversation.can_start_tls:
            return self._mistaken(_NO_TLS)
        if self._utf8_mode:
            return self._mistaken(_UTF8_ALREADY)
        return shell.StartTLS(_BEGIN_TLS, _INJECTED)

    async def _utf8(self, command: wire.Utf8) -> shell.Answer:
        self._utf8_mode = True
        return ok("UTF-8 it is")

    # --- At any time ----------------------------------------------------------

    async def _capa(self, command: wire.Capa) -> shell.Answer:
        lines = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"]
        if self._authentication.channel().secure:
            lines.append("USER")
        if mechanisms := self._mechanisms():
            lines.append(f"SASL {' '.join(mechanisms)}")
        if self._conversation.can_start_tls:
            lines.append("STLS")
        lines += ["EXPIRE NEVER", "UTF8 USER", "LANG"]
        lines += ["IMPLEMENTATION Mailsuite"]
        body = "".join(f"{line}\r\n" for line in lines)
        return ok("Capability list follows") + body.encode("ascii") + END

    def _mechanisms(self) -> tuple[str, ...]:
        return self._login.mechanisms(self._authentication.channel())

    async def _lang(self, command: wire.Lang) -> shell.Answer:
        if command.language is None:
            return _LANGUAGES
        language = command.language.lower()
        if language == "i-default":
            return _DEFAULT_LANGUAGE
        if language in ("*", "en") or language.startswith("en-"):
            return _LANGUAGE_CHANGED
        return _LANGUAGE_UNKNOWN

    async def _quit(self, command: wire.Quit) -> shell.Answer:
        visit, self._visit = self._visit, None
        if visit is None:
            return shell.Close(_SIGNING_OFF)
        try:
            deleted = await to_its_end(visit.update(), self._log)
        except MailError as why:
            self._log.warn(
                "Could not delete for {account}: {reason}",
                account=visit.address,
                reason=why.public,
            )
            return shell.Close(_NOT_ALL_REMOVED)
        self._ended(visit, deleted)
        complete = deleted == visit.marked
        return shell.Close(_SIGNING_OFF if complete else _NOT_ALL_REMOVED)

    async def _unknown(self, event: wire.Unknown) -> shell.Answer:
        return self._mistaken(_UNKNOWN)

    async def _bad_syntax(self, event: wire.BadSyntax) -> shell.Answer:
        return self._mistaken(err(event.why))

    # --- Messages -------------------------------------------------------------

    @property
    def _maildrop(self) -> Maildrop:
        assert self._visit is not None
        assert self._visit.maildrop is not None
        return self._visit.maildrop

    async def _stat(self, command: wire.Stat) -> shell.Answer:
        return ok(f"{self._maildrop.messages} {self._maildrop.octets}")

    async def _list(self, command: wire.List) -> shell.Answer:
        maildrop = self._maildrop
        if command.number is None:
            head = ok(
                f"{maildrop.messages} messages ({maildrop.octets} octets)"
            )
            return _listing(head, maildrop.sizes())
        entry = maildrop.entry(command.number)
        if entry is None:
            return _NO_SUCH_MESSAGE
        return ok(f"{command.number} {entry.size}")

    async def _uidl(self, command: wire.Uidl) -> shell.Answer:
        if command.number is None:
            head = ok("Unique ids follow")
            return _listing(head, self._maildrop.unique_ids())
        entry = self._maildrop.entry(command.number)
        if entry is None:
            return _NO_SUCH_MESSAGE
        return ok(f"{command.number} {entry.unique_id}")

    async def _retr(self, command: wire.Retr) -> shell.Answer:
        visit, number = self._visit, command.number
        assert visit is not None
        assert visit.ahead is not None
        if self._maildrop.entry(number) is None:
            return _NO_SUCH_MESSAGE
        response = visit.ahead.take(number)
        if response is None:
            answer = await self._send(number, None)
        else:
            visit.retrieved += 1
            answer = response
        if (
            isinstance(answer, bytes)
            and visit.ahead.worthwhile
            and not self._wire.pending()
        ):
            return shell.Then(answer, visit.ahead.read)
        return answer

    async def _top(self, command: wire.Top) -> shell.Answer:
        return await self._send(command.number, command.lines)

    async def _send(self, number: int, lines: int | None) -> shell.Answer:
        entry = self._maildrop.entry(number)
        if entry is None:
            return _NO_SUCH_MESSAGE
        try:
            content = await self._maildrop.open(entry)
            self._retrieved(content)
            if content.size > (WHOLE if lines is None else PIECE):
                return self._long_message(content, lines)
            return await short_message(content, lines, utf8=self._utf8_mode)
        except MailError as why:
            return refusal(why)

    def _retrieved(self, content: IContent) -> None:
        self._sending = content
        assert self._visit is not None
        self._visit.retrieved += 1

    async def _long_message(
        self, content: IContent, lines: int | None
    ) -> AsyncIterator[bytes]:
        try:
            async for piece in message(content, lines, utf8=self._utf8_mode):
                yield piece
        except MailError as why:
            # The response has begun: only its missing end can tell.
            self._log.warn("Broke off a message: {reason}", reason=why.public)
            self._conversation.end(b"")

    async def _dele(self, command: wire.Dele) -> shell.Answer:
        if self._maildrop.entry(command.number) is None:
            return _NO_SUCH_MESSAGE
        self._maildrop.mark(command.number)
        return ok(f"message {command.number} deleted")

    async def _rset(self, command: wire.Rset) -> shell.Answer:
        self._maildrop.unmark_all()
        return ok()

    async def _noop(self, command: wire.Noop) -> shell.Answer:
        return ok()


def _listing(head: bytes, pieces: Iterator[bytes]) -> shell.Answer:
    """
    A multi-line response; at once if it is short.
    """
    first = head + next(pieces, b"")
    second = next(pieces, None)
    if second is None:
        return first + END

    async def listing() -> AsyncIterator[bytes]:
        for piece in chain((first, second), pieces):
            yield piece
        yield END

    return listing()


_BEFORE = (State.AUTHORIZATION,)
_AFTER = (State.TRANSACTION,)
_ALWAYS = _BEFORE + _AFTER

#: Any: each method takes the event it stands beside.
_Method = Callable[[POP3Session, Any], Awaitable[shell.Answer]]

_METHODS: dict[type, tuple[tuple[State, ...], _Method]] = {
    wire.User: (_BEFORE, POP3Session._user),
    wire.Pass: (_BEFORE, POP3Session._pass),
    wire.Auth: (_BEFORE, POP3Session._auth),
    wire.Response: (_BEFORE, POP3Session._response),
    wire.Stls: (_BEFORE, POP3Session._stls),
    wire.Utf8: (_BEFORE, POP3Session._utf8),
    wire.Stat: (_AFTER, POP3Session._stat),
    wire.List: (_AFTER, POP3Session._list),
    wire.Uidl: (_AFTER, POP3Session._uidl),
    wire.Retr: (_AFTER, POP3Session._retr),
    wire.Top: (_AFTER, POP3Session._top),
    wire.Dele: (_AFTER, POP3Session._dele),
    wire.Noop: (_AFTER, POP3Session._noop),
    wire.Rset: (_AFTER, POP3Session._rset),
    wire.Capa: (_ALWAYS, POP3Session._capa),
    wire.Lang: (_ALWAYS, POP3Session._lang),
    wire.Quit: (_ALWAYS, POP3Session._quit),
    wire.Unknown: (_ALWAYS, POP3Session._unknown),
    wire.BadSyntax: (_ALWAYS, POP3Session._bad_syntax),
}
