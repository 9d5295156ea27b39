"""
What can come between a client and the sending of a message.

Implementation notes

- Each is one line that may stand in a log and in a notification: no octets of
  ours, and of the server's only what it said.
- What follows for the message is for those who send it on: some of these mean
  another host, some the end of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsuite.smtp.wire.peerreplies import PeerReply


class SendingFailed(Exception):
    """
    A connection or a transaction came to nothing.
    """


class ConnectFailed(SendingFailed):
    """
    There is no connection: refused, unreachable, or no answer in time.
    """


class Refused(SendingFailed):
    """
    The server said no.

    :ivar reply: what it said.
    """

    words = "refused"

    def __init__(self, reply: PeerReply) -> None:
        super().__init__(f"{self.words}: {reply}")
        self.reply = reply


class GreetingRefused(Refused):
    """
    The server greeted with 4yz or 5yz.
    """

    words = "not greeted"


class HelloRefused(Refused):
    """
    It takes neither EHLO nor HELO from us (LHLO, where that is spoken).
    """

    words = "hello refused"


class CredentialsRefused(Refused):
    """
    It does not let us log in.
    """

    words = "login refused"


class ShuttingDown(Refused):
    """
    It said 421, and closes; what was not yet answered was not taken.
    """

    words = "shutting down"


class CredentialsUnusable(SendingFailed):
    """
    A login is needed and cannot be tried: not offered, no mechanism in
    common, or the password would be told to who knows whom.
    """


class TLSFailed(SendingFailed):
    """
    TLS is demanded and not to be had, or its handshake failed.

    :ivar reply: the answer to STARTTLS, if that was it.
    """

    def __init__(self, text: str, reply: PeerReply | None = None) -> None:
        super().__init__(text if reply is None else f"{text}: {reply}")
        self.reply = reply


class TLSNotOffered(TLSFailed):
    """
    TLS is demanded, and the server has none, or none now.
    """


class NotAuthenticated(SendingFailed):
    """
    The certificate is not that of the host that was meant.
    """


class BadReply(SendingFailed):
    """
    The server said what makes no sense at its place, or no reply at all.
    """


class Lost(SendingFailed):
    """
    The connection ended, or an answer did not come in time.

    :ivar after_data: the end of data had been sent: the message may have been
        taken.
    :ivar timed_out: no answer in time.
    """

    def __init__(self, step: str, *, after_data: bool, timed_out: bool) -> None:
        how = "no answer in time" if timed_out else "connection lost"
        super().__init__(f"{how} ({step})")
        self.after_data = after_data
        self.timed_out = timed_out


class NotSendable(SendingFailed):
    """
    A message that cannot be sent over this connection, or at all; nothing of
    it was taken.
    """


class NotOffered(NotSendable):
    """
    It needs an extension that the server does not have.

    :ivar extension: its EHLO keyword.
    """

    def __init__(self, extension: str) -> None:
        super().__init__(f"{extension} is needed and not offered")
        self.extension = extension


class TooLarge(NotSendable):
    """
    It is larger than the server takes (RFC 1870 6.1).
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"{size} octets are over the limit of {limit}")
        self.limit = limit


class BadPath(NotSendable):
    """
    An address of its envelope cannot stand in a command.
    """


class BrokenContent(NotSendable):
    """
    It has a CR, LF or NUL that no line of a message may have.
    """
