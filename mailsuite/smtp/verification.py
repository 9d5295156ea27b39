"""
VRFY and EXPN: who is here is told to nobody, what an alias stands for to our
own users alone (RFC 5321 3.5, 7.3).
"""

from __future__ import annotations

from mailsuite.errors import MailError
from mailsuite.interfaces import ILoginSession, IReception
from mailsuite.mail.address import Address
from mailsuite.smtp.parameters import NEEDS_SMTPUTF8
from mailsuite.smtp.refusals import refusal
from mailsuite.smtp.wire import paths
from mailsuite.smtp.wire.commands import Expn, Vrfy
from mailsuite.smtp.wire.replies import Reply

_UNVERIFIED = Reply(
    252, "2.5.0", "Cannot verify, but will take mail and try to deliver it"
)
_DENIED = Reply(550, "5.7.1", "Lists are expanded for local users only")
_NO_LIST = Reply(550, "5.1.1", "No such list here")


def verified(command: Vrfy) -> Reply:
    """
    The answer to VRFY: whether an address exists is told at RCPT alone.
    """
    if not command.smtputf8 and not command.name.isascii():
        return NEEDS_SMTPUTF8
    return _UNVERIFIED


async def expanded(
    command: Expn, reception: IReception, login: ILoginSession | None
) -> Reply:
    """
    The answer to EXPN.

    A name without a domain is one of the login's domain.
    """
    if not command.smtputf8 and not command.name.isascii():
        return NEEDS_SMTPUTF8
    if login is None:
        return _DENIED
    name = command.name
    if "@" not in name:
        name = f"{name.strip('<>')}@{Address.parse(login.address).domain}"
    if not name.startswith("<"):
        name = f"<{name}>"
    try:
        address, _ = paths.forward_path(name)
        members = await reception.expand(address)
    except paths.BadPath:
        return _NO_LIST
    except MailError as why:
        return refusal(why)
    if not command.smtputf8:
        # RFC 6531 3.7.4.2: the client did not say that it can read others.
        members = tuple(member for member in members if member.isascii())
    if not members:
        return _NO_LIST
    return Reply(250, "2.1.5", "\n".join(f"<{member}>" for member in members))
