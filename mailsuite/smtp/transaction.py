"""
One mail transaction, from MAIL to the last reply for its content.
"""

from __future__ import annotations

from mailsuite.errors import MailError, MalformedMessage
from mailsuite.interfaces import ITransaction
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.smtp.refusals import refusal
from mailsuite.smtp.wire.replies import Reply

#: An address longer than this is not repeated to the client: no reply line
#: may have more than 512 octets (RFC 5321 4.5.3.1.5).
_LONGEST_ECHO = 400


class MailTransaction:
    """
    What the session knows of the message that is coming in.

    :ivar recipients: accepted so far.
    :ivar failure: why the content is only swallowed, or None.
    """

    def __init__(self, transaction: ITransaction, sender: Sender) -> None:
        self._transaction = transaction
        self.sender = sender
        self.recipients = 0
        self.failure: MailError | None = None

    async def add_recipient(self, recipient: Recipient) -> Reply:
        """
        Ask for one more recipient.
        """
        try:
            await self._transaction.add_recipient(recipient)
        except MailError as why:
            return refusal(why)
        self.recipients += 1
        return recipient_ok(recipient.forward_path)

    async def write(self, octets: bytes) -> None:
        """
        Pass a piece of the content on; what goes wrong is told at its end.
        """
        try:
            waiting = self._transaction.write(octets)
            if waiting is not None:
                await waiting
        except MailError as why:
            self.fail(why)

    def fail(self, why: MailError) -> None:
        """
        Keep nothing, and remember why.
        """
        self.failure = why
        self._transaction.abort()

    async def finish(self, *, broken: bool) -> tuple[MailError | None, ...]:
        """
        Bring the message to where it goes.

        :param broken: the content has a bare CR or LF, or a NUL.
        :return: what came of it for each recipient.
        """
        if broken and self.failure is None:
            self.fail(MalformedMessage(_BROKEN))
        if self.failure is None:
            try:
                return await self._transaction.commit()
            except MailError as why:
                self.fail(why)
        return (self.failure,) * self.recipients

    def abort(self) -> None:
        """
        Forget it all.
        """
        self._transaction.abort()

    @property
    def queue_id(self) -> str:
        """
        The message's name in the log.
        """
        return self._transaction.queue_id


_BROKEN = "Lines must end with CR LF; no other CR, LF or NUL is allowed"


def outcome(error: MailError | None, queue_id: str | None) -> Reply:
    """
    The answer to the end of the content.

    :param queue_id: None for a client that reads no more than it must.
    """
    if error is not None:
        return refusal(error)
    named = "" if queue_id is None else f" as {queue_id}"
    return Reply(250, "2.0.0", f"Message accepted for delivery{named}")


def sender_ok(reverse_path: Address | None) -> Reply:
    """
    The answer to MAIL.
    """
    path = "<>" if reverse_path is None else _echo(reverse_path)
    return Reply(250, "2.1.0", f"{path}... Sender ok" if path else "Sender ok")


def recipient_ok(forward_path: Address) -> Reply:
    """
    The answer to RCPT.
    """
    path = _echo(forward_path)
    return Reply(
        250, "2.1.5", f"{path} ... Recipient ok" if path else "Recipient ok"
    )


def _echo(address: Address) -> str:
    text = str(address)
    return text if len(text.encode()) <= _LONGEST_ECHO else ""
