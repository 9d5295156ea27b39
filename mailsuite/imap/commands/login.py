"""
LOGIN and AUTHENTICATE (RFC 9051 6.2.2, 6.2.3).
"""

from __future__ import annotations

from mailsuite.errors import BadExchange, EncryptionRequired, MailError
from mailsuite.imap.answers import Done, Unfinished
from mailsuite.imap.refusals import refusal
from mailsuite.imap.session import Session
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.commands import Authenticate, Login
from mailsuite.interfaces import ILoginSession, ISASLExchange


async def login(session: Session, command: Login) -> Done:
    """
    Log in with a user and a password.
    """
    channel = session.channel()
    if not channel.secure:
        raise EncryptionRequired
    found = await session.service.login.password(
        command.user, command.password, channel
    )
    return await _logged_in(session, found)


async def authenticate(
    session: Session, command: Authenticate, tag: bytes
) -> Done | Unfinished:
    """
    Begin a SASL exchange.
    """
    exchange = session.service.login.start(command.mechanism, session.channel())
    session.exchange = tag, exchange
    return await respond(session, exchange, command.initial)


async def respond(
    session: Session, exchange: ISASLExchange, response: bytes | None
) -> Done | Unfinished:
    """
    Take the client's next part of the exchange.
    """
    try:
        step = await exchange.respond(response)
        if isinstance(step, bytes):
            session.wire.await_response()
            return Unfinished(responses.continuation(step))
        session.exchange = None
        return await _logged_in(session, step)
    except BadExchange as bad:
        session.exchange = None
        text = bad.public.encode("ascii", "replace")
        return Done(text, condition=responses.BAD)
    except MailError as failure:
        session.exchange = None
        return refusal(failure)


async def _logged_in(session: Session, found: ILoginSession) -> Done:
    await session.log_in(found)
    return Done(
        b"Logged in", code=responses.capability_code(session.capabilities())
    )
