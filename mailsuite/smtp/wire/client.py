"""
One message's transaction as the client sees it: what to say, and what each
reply means for which recipient.

Implementation notes

- Nothing here waits.  Each command that is printed puts into a line what its
  reply will be the answer to; ``take`` takes the replies in that order.
- With PIPELINING, MAIL, all RCPTs and DATA go out together (RFC 2920 3.1), and
  a server may say 354 though it took no recipient: then the end of data goes
  out alone.
- BDAT's first chunk waits for the recipients, but where the whole message is
  one chunk and the server has shown that it copes.
- A refused chunk is the end: what is sent behind it is refused too (RFC 3030
  2).
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from enum import Enum

from mailsuite.mail import xtext
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Recipient, Sender
from mailsuite.smtp.wire.capabilities import Capabilities
from mailsuite.smtp.wire.failures import (
    BadPath,
    BadReply,
    NotOffered,
    ShuttingDown,
    TooLarge,
)
from mailsuite.smtp.wire.peerreplies import PeerReply

# Control characters, and surrogates, which have no octets.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_END_ALONE = b".\r\n"
_CHUNKS_AHEAD = 8


class Asked(Enum):
    """
    What a reply answers; the value is how a log calls it.
    """

    RSET = "RSET"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CHUNK = "BDAT"
    END = "end of data"
    #: The end of data where no recipient was taken.
    NOTHING = "end of no data"


#: Seconds to wait for the answer to each (RFC 5321 4.5.3.2).
PATIENCE = {
    Asked.RSET: 300,
    Asked.MAIL: 300,
    Asked.RCPT: 300,
    Asked.DATA: 120,
    Asked.CHUNK: 180,
    Asked.END: 600,
    Asked.NOTHING: 600,
}


class Step(Enum):
    """
    What is next, where it is not octets to send.
    """

    #: Another reply.
    READ = "read"
    #: The content, then ``content_sent``; or chunks of it.
    CONTENT = "content"
    #: Nothing: ``replies`` are complete.
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    A message as its transaction needs to know it.

    :param size: octets.
    :param eight_bit: it needs BODY=8BITMIME.
    :param smtputf8: it needs SMTPUTF8.
    """

    sender: Sender
    recipients: tuple[Recipient, ...]
    size: int
    eight_bit: bool
    smtputf8: bool


class ClientTransaction:
    """
    From MAIL to the answer to the end of data.
    """

    def __init__(
        self, wanted: Wanted, capabilities: Capabilities, *, lmtp: bool
    ) -> None:
        """
        :param lmtp: the end of data has an answer for each recipient taken
            (RFC 2033 4.2), and goes with DATA alone.
        :raises NotOffered: it needs what the server does not have.
        :raises TooLarge: the server takes no message of this size.
        :raises BadPath: an address cannot be printed.
        """
        self.chunking = capabilities.chunking and not lmtp
        #: The end of data has been sent: the server may take the message.
        self.end_sent = False
        self._pipelining = capabilities.pipelining
        self._lmtp = lmtp
        self._mail = mail(wanted, capabilities)
        self._rcpts = [
            rcpt(recipient, capabilities, smtputf8=wanted.smtputf8)
            for recipient in wanted.recipients
        ]
        self._asked: deque[Asked] = deque()
        self._unanswered = deque(range(len(wanted.recipients)))
        self._accepted: deque[int] = deque()
        self._replies: list[PeerReply | None] = [None] * len(wanted.recipients)
        self._open = False
        self._behind_another = False
        self._failed = False

    @property
    def asked(self) -> Asked | None:
        """
        What the next reply will answer; None if none is to come.
        """
        return self._asked[0] if self._asked else None

    @property
    def unanswered(self) -> int:
        """
        How many replies are to come.
        """
        return len(self._asked)

    @property
    def leaves_open(self) -> bool:
        """
        Whether the server may still be in it when it is done, so that RSET is
        due.
        """
        return self._open

    @property
    def failed(self) -> bool:
        """
        Whether a chunk was refused: no other need be sent.
        """
        return self._failed

    @property
    def ahead(self) -> int:
        """
        How many chunks may be sent while no answer has come.
        """
        return _CHUNKS_AHEAD if self._pipelining else 1

    @property
    def replies(self) -> tuple[PeerReply, ...]:
        """
        The one that decided, for each recipient; when it is done.
        """
        return tuple(reply for reply in self._replies if reply is not None)

    def opening(self, *, reset: bool, behind_another: bool) -> bytes:
        """
        What is said first.

        :param reset: RSET goes in front.
        :param behind_another: the end of the transaction before is not
            answered yet.
        """
        self._behind_another = behind_another
        said = []
        if reset:
            said.append(b"RSET\r\n")
            self._asked.append(Asked.RSET)
        if not self._pipelining and reset:
            return b"".join(said)
        said.append(self._say_mail())
        if self._pipelining:
            said += self._rcpts
            self._asked.extend([Asked.RCPT] * len(self._rcpts))
            if not self.chunking:
                said.append(self._say_data())
        return b"".join(said)

    def chunk(self, size: int, *, last: bool) -> bytes:
        """
        The command in front of so many octets of content (RFC 3030 2).
        """
        if not last:
            self._asked.append(Asked.CHUNK)
            return b"BDAT %d\r\n" % size
        self._asked.append(Asked.END)
        self.end_sent = True
        return b"BDAT %d LAST\r\n" % size

    def content_sent(self) -> None:
        """
        DATA's content and its end have been sent.
        """
        self.end_sent = True
        self._asked.extend(
            [Asked.END] * (len(self._accepted) if self._lmtp else 1)
        )

    def refused_early(self, reply: PeerReply) -> None:
        """
        The server would not have the rest of DATA's content.
        """
        self._decide_accepted(reply)

    def take(self, reply: PeerReply) -> bytes | Step:
        """
        The next reply.

        :return: what to send now; or a step.
        :raises ShuttingDown: it is a 421, at whatever place.
        :raises BadReply: it makes no sense here.
        """
        if reply.code == 421:
            raise ShuttingDown(reply)
        asked = self._asked.popleft()
        match asked:
            case Asked.RSET:
                return self._take_rset(reply)
            case Asked.MAIL:
                return self._take_mail(reply)
            case Asked.RCPT:
                return self._take_rcpt(reply)
            case Asked.DATA:
                return self._take_data(reply)
            case Asked.CHUNK:
                return self._take_chunk(reply)
            case Asked.END:
                return self._take_end(reply)
            case Asked.NOTHING:
                self._open = False
                return self._read_or_done()

    def _say_mail(self) -> bytes:
        self._asked.append(Asked.MAIL)
        return self._mail

    def _say_data(self) -> bytes:
        self._asked.append(Asked.DATA)
        return b"DATA\r\n"

    def _take_rset(self, reply: PeerReply) -> bytes | Step:
        if not reply.taken:
            raise BadReply(f"RSET refused: {reply}")
        return Step.READ if self._pipelining else self._say_mail()

    def _take_mail(self, reply: PeerReply) -> bytes | Step:
        if reply.code == 503 and self._behind_another:
            # It did not see the end of the one before: that says nothing of
            # this message.
            raise BadReply(f"out of step: {reply}")
        if reply.refuses:
            self._decide_all(reply)
            self._unanswered.clear()
            return self._read_or_done()
        _positive(reply)
        self._open = True
        return Step.READ if self._pipelining else self._next_rcpt()

    def _next_rcpt(self) -> bytes:
        self._asked.append(Asked.RCPT)
        return self._rcpts[self._unanswered[0]]

    def _take_rcpt(self, reply: PeerReply) -> bytes | Step:
        if not self._unanswered:
            # Behind a MAIL that was refused.
            return self._read_or_done()
        number = self._unanswered.popleft()
        if reply.refuses:
            self._replies[number] = reply
        else:
            _positive(reply)
            self._accepted.append(number)
        if self._pipelining:
            return self._read_or_done()
        if self._unanswered:
            return self._next_rcpt()
        if not self._accepted:
            return Step.DONE
        return Step.CONTENT if self.chunking else self._say_data()

    def _read_or_done(self) -> Step:
        if self._asked:
            return Step.READ
        if self.chunking and self._accepted and not self.end_sent:
            return Step.CONTENT
        return Step.DONE

    def _take_data(self, reply: PeerReply) -> bytes | Step:
        if reply.code == 354:
            if self._accepted:
                return Step.CONTENT
            if self._lmtp:
                # RFC 2033 4.2: it must be 503; nothing would answer the end.
                raise BadReply(f"no recipient, and yet: {reply}")
            self._asked.append(Asked.NOTHING)
            return _END_ALONE
        if not reply.refuses:
            raise BadReply(f"DATA answered by {reply}")
        self._decide_accepted(reply)
        return Step.DONE

    def _take_chunk(self, reply: PeerReply) -> Step:
        if reply.refuses and not self._failed:
            self._failed = True
            self._decide_accepted(reply)
        elif not reply.refuses:
            _positive(reply)
        return self._after_chunk()

    def _after_chunk(self) -> Step:
        if self._asked:
            return Step.READ
        return Step.DONE if self._failed else Step.CONTENT

    def _take_end(self, reply: PeerReply) -> Step:
        if self._failed or not self._accepted:
            # Behind a refused chunk, or a whole message for nobody.
            return self._read_or_done()
        if not reply.refuses:
            _positive(reply)
        # After a refused BDAT, RSET (RFC 3030 2).
        self._open = self.chunking and reply.refuses
        if self._lmtp:
            self._replies[self._accepted.popleft()] = reply
        else:
            self._decide_accepted(reply)
        return self._read_or_done()

    def _decide_all(self, reply: PeerReply) -> None:
        self._replies = [reply] * len(self._replies)
        self._accepted.clear()

    def _decide_accepted(self, reply: PeerReply) -> None:
        for number in self._accepted:
            self._replies[number] = reply
        self._accepted.clear()


def _positive(reply: PeerReply) -> None:
    if not reply.taken:
        raise BadReply(f"neither yes nor no: {reply}")


def mail(wanted: Wanted, capabilities: Capabilities) -> bytes:
    """
    MAIL, with the parameters that the server knows.

    :raises NotOffered, TooLarge, BadPath: as ``ClientTransaction``.
    """
    sender = wanted.sender
    words = [f"MAIL FROM:<{_path(sender.reverse_path, wanted.smtputf8)}>"]
    if capabilities.size is not None:
        # RFC 1870 6.1
        if 0 < capabilities.size < wanted.size:
            raise TooLarge(wanted.size, capabilities.size)
        words.append(f"SIZE={wanted.size}")
    if wanted.smtputf8 and not capabilities.smtputf8:
        # Before what can be helped: nothing makes this message fit.
        raise NotOffered("SMTPUTF8")
    if wanted.eight_bit:
        if not capabilities.eight_bit:
            raise NotOffered("8BITMIME")
        words.append("BODY=8BITMIME")
    if wanted.smtputf8:
        words.append("SMTPUTF8")
    if sender.requiretls:
        if not capabilities.requiretls:
            raise NotOffered("REQUIRETLS")
        words.append("REQUIRETLS")
    if capabilities.dsn:
        if sender.returned is not None:
            words.append(f"RET={sender.returned}")
        if sender.envelope_id is not None:
            words.append(f"ENVID={xtext.encode(sender.envelope_id)}")
    return f"{' '.join(words)}\r\n".encode()


def rcpt(
    recipient: Recipient, capabilities: Capabilities, *, smtputf8: bool
) -> bytes:
    """
    RCPT, with the parameters of RFC 3461 where the server knows them.

    :raises BadPath: the address cannot be printed.
    """
    words = [f"RCPT TO:<{_path(recipient.forward_path, smtputf8)}>"]
    if capabilities.dsn:
        if recipient.notify is not None:
            words.append(f"NOTIFY={','.join(sorted(recipient.notify))}")
        if recipient.original is not None:
            original = xtext.print_original(
                recipient.original, smtputf8=smtputf8
            )
            words.append(f"ORCPT={original}")
    return f"{' '.join(words)}\r\n".encode()


def _path(address: Address | None, smtputf8: bool) -> str:
    if address is None:
        return ""
    path = str(address)
    if _UNPRINTABLE.search(path) or not (smtputf8 or path.isascii()):
        raise BadPath(f"not an address for SMTP: {path!a}")
    return path
