"""
What a reply or a failure means for the recipients of a message.

Implementation notes

- A session that does not come about, or ends before the end of data, says
  nothing of the message: another host may take it.  So its 5yz is a deferral
  here; only all hosts together can make it final.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from mailsuite.smtp.wire.failures import (
    BadPath,
    BadReply,
    ConnectFailed,
    CredentialsRefused,
    CredentialsUnusable,
    NotAuthenticated,
    NotOffered,
    NotSendable,
    Refused,
    SendingFailed,
    TLSFailed,
    TooLarge,
)
from mailsuite.smtp.wire.peerreplies import PeerReply
from mailsuite.transfer.hosts import Rest
from mailsuite.transfer.outcome import Kind, Outcome

#: Seconds before a message is tried again whose end was not answered: the
#: server may have taken it, and be busy with it.
ANSWER_LOST_SECONDS = 900.0

#: Seconds for which all hosts must greet with 554 until that is believed.
REFUSING_SECONDS = 86400.0

_UNSENDABLE = {
    "SMTPUTF8": ("5.6.7", "the next host does not take addresses or header"
                 " fields with other letters than ASCII's (SMTPUTF8)"),
    "8BITMIME": ("5.6.3", "the next host does not take 8-bit content, and the"
                 " message may not be changed"),
    "REQUIRETLS": ("5.7.30", "the next host does not know REQUIRETLS"),
}  # fmt: skip


def of_reply(reply: PeerReply, peer: str, *, takes_dsn: bool) -> Outcome:
    """
    What the reply that decided for a recipient comes to.
    """
    if reply.taken:
        kind = Kind.SENT
    else:
        kind = Kind.DEFERRED if reply.temporary else Kind.FAILED
    return Outcome(
        kind, reply.enhanced, reply.text, reply.code, peer, takes_dsn=takes_dsn
    )


def of_own_reply(reply: PeerReply, outcome: Outcome) -> Outcome:
    """
    What ``of_reply`` comes to at a next hop of our own choice: that it wants a
    login, or another one, is for the operator to mend.
    """
    # RFC 4954 6
    if reply.code not in (530, 534, 535, 538):
        return outcome
    enhanced = "4" + outcome.enhanced[1:]
    return replace(
        outcome, kind=Kind.DEFERRED, enhanced=enhanced, for_postmaster=True
    )


def of_failure(failure: SendingFailed, peer: str) -> Outcome:
    """
    What is said of a message if no other host takes it.
    """
    if isinstance(failure, Refused):
        reply = failure.reply
        enhanced = "4" + reply.enhanced[1:]
        outcome = Outcome(Kind.DEFERRED, enhanced, reply.text, reply.code, peer)
        if isinstance(failure, CredentialsRefused):
            return replace(outcome, for_postmaster=True)
        return outcome
    match failure:
        case ConnectFailed():
            enhanced = "4.4.1"
        case TLSFailed() | NotAuthenticated():
            enhanced = "4.7.5"
        case CredentialsUnusable():
            enhanced = "4.7.8"
        case BadReply():
            enhanced = "4.5.0"
        case _:
            enhanced = "4.4.2"
    # Nobody spoke of the message: there is no peer to begin with again.
    return Outcome(
        Kind.DEFERRED,
        enhanced,
        f"{peer}: {failure}",
        for_postmaster=isinstance(failure, CredentialsUnusable),
    )


def of_own_failure(failure: SendingFailed, outcome: Outcome) -> Outcome:
    """
    What ``of_failure`` comes to at a next hop of our own choice, whose
    certificate the operator should look at.
    """
    if isinstance(failure, NotAuthenticated | TLSFailed):
        return replace(outcome, for_postmaster=True)
    return outcome


def of_lost_answer(failure: SendingFailed, peer: str, now: float) -> Outcome:
    """
    What comes of a message that may have been taken.
    """
    return Outcome(
        Kind.DEFERRED,
        "4.4.2",
        f"answer lost: {failure}",
        None,
        peer,
        not_before=now + ANSWER_LOST_SECONDS,
    )


def of_unsendable(failure: NotSendable, peer: str) -> Outcome:
    """
    What comes of a message that this host, or any, cannot be sent.
    """
    match failure:
        case NotOffered(extension=extension):
            enhanced, text = _UNSENDABLE[extension]
        case TooLarge():
            enhanced, text = "5.3.4", f"too large for the next host: {failure}"
        case BadPath():
            enhanced, text = "5.1.3", str(failure)
        case _:
            enhanced, text = "5.6.0", f"not a message: {failure}"
    return Outcome(Kind.FAILED, enhanced, text, None, peer)


def once_more(replies: Sequence[PeerReply]) -> set[int]:
    """
    The places of those recipients that were one too many, and come in the next
    transaction at once (RFC 5321 4.5.3.1.10).

    A mailbox that is full is not meant, nor what is refused first of all.
    """
    again = set()
    one_taken = False
    for place, reply in enumerate(replies):
        one_taken = one_taken or reply.taken
        too_many = reply.code in (452, 552) and reply.enhanced[2:4] != "2."
        if one_taken and too_many:
            again.add(place)
    return again


def refuses_us(replies: Iterable[PeerReply]) -> bool:
    """
    Whether all was refused for what we are, rather than what we sent: from an
    address of the other family it may be taken.
    """
    return all(x.permanent and x.enhanced.startswith("5.7.") for x in replies)


@dataclass(frozen=True, slots=True)
class Unreached:
    """
    Why there is no session with one host.

    :param outcome: as of ``of_failure``.
    :param rest: that of the host, if it is dead.
    :param asked: it was tried in this attempt.
    """

    outcome: Outcome
    rest: Rest | None = None
    asked: bool = True

    def is_refusing(self, now: float) -> bool:
        """
        Whether the host has greeted with 554 for a day.
        """
        since = None if self.rest is None else self.rest.refusing_since
        return since is not None and now - since >= REFUSING_SECONDS


def of_unreached(hosts: Sequence[Unreached], now: float) -> Outcome:
    """
    What it comes to that no host took a session.

    :param hosts: at least one.
    """
    outcomes = [host.outcome for host in hosts]
    last = outcomes[-1]
    if all(outcome.code == 521 for outcome in outcomes):
        # RFC 7504 4
        return replace(last, kind=Kind.FAILED, enhanced="5.3.2")
    if all(outcome.kind is Kind.FAILED for outcome in outcomes):
        return last
    deferred = [x for x in outcomes if x.kind is Kind.DEFERRED]
    spoke = [outcome for outcome in deferred if outcome.code is not None]
    chosen = (spoke or deferred)[-1]
    if all(host.is_refusing(now) for host in hosts):
        enhanced = "5" + chosen.enhanced[1:]
        return replace(chosen, kind=Kind.FAILED, enhanced=enhanced)
    if any(outcome.for_postmaster for outcome in outcomes):
        chosen = replace(chosen, for_postmaster=True)
    rests = [host.rest.until for host in hosts if host.rest is not None]
    if rests and not any(host.asked for host in hosts):
        return replace(chosen, counts=False, not_before=min(rests))
    return chosen
