"""
What the floors promise one another, in mail's words.

The store, the accounts and the transfer implement; the front-ends (SMTP, POP3,
IMAP and those to come) use.  Neither side imports the other: they meet here.

Implementation notes

- Everything that may wait is ``async def``; an implementation that answers
  from memory does so without waiting.
- Every method may raise ``StoreBusy``, ``StoreUnavailable`` or ``StoreFull``.
- All calls are made in the reactor's thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from mmap import mmap

from zope.interface import Attribute, Interface

from mailsuite.errors import MailError
from mailsuite.mail.address import Address
from mailsuite.mail.changes import Change
from mailsuite.mail.dns import Answer, Question
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.mail.flags import FlagMode, FlagNames
from mailsuite.mail.mailboxes import (
    Appended,
    ChangesSince,
    Copied,
    FlagsStored,
    MailboxEntry,
    MailboxStatus,
    Messages,
    Quota,
)
from mailsuite.mail.query import Key
from mailsuite.mail.uids import UID, ModSeq, UIDSet

# --- Content -----------------------------------------------------------------


class IIncoming(Interface):
    """
    Content on its way in: written piece by piece, in memory or in a file.
    """

    size: int = Attribute("Octets written so far.")

    def write(octets: bytes) -> Awaitable[None] | None:
        """
        Add a piece.

        :return: None if more may follow at once; else wait for it first.
        :raises StoreFull: the piece does not fit; call ``discard``.
        """

    def content() -> IContent:
        """
        What was written so far, to be read; until ``discard`` is called.
        """

    def discard() -> None:
        """
        Leave nothing behind.  May be called at any time, more than once.
        """


class IContent(Interface):
    """
    One stored message's octets, CR LF at the end of each line.
    """

    size: int = Attribute("Octets in all.")

    async def read(offset: int, length: int) -> bytes:
        """
        A slice; shorter than ``length`` only at the end of the content.

        Ask for 64 KiB or so at a time.
        """

    def close() -> None:
        """
        Done with it.  May be called more than once.
        """


# --- The mailbox service -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """
    What the directory knows of an account that the store needs.

    :param number: the account's, never given to another.
    :param address: its full address, as a label in logs.
    :param home: the folder of its index and of what is ours.
    :param maildir: the folder of its Maildir++ tree.
    """

    number: int
    address: str
    home: str
    maildir: str
    octets_limit: int | None = None
    messages_limit: int | None = None


class IMailboxService(Interface):
    """
    All accounts' mail.
    """

    async def account(record: AccountRecord) -> IAccount:
        """
        Open an account; made with its usual mailboxes if it is new.

        From here on it has the limits of ``record``, for all its users.

        Each call is matched by one ``IAccount.release``.
        """

    async def incoming(expected: int | None) -> IIncoming:
        """
        A place for content that any account's mailbox may then take.

        :param expected: octets, if they are known.
        """

    async def deliver(
        content: IIncoming, accounts: Sequence[AccountRecord]
    ) -> tuple[MailError | None, ...]:
        """
        Put one message into the INBOX of each account.

        On return each account whose place in the result is None has it, and
        it survives a power cut; the others have nothing of it.  ``content``
        is not discarded.
        """


class IMailboxListener(Interface):
    """
    Who wants to know what happens in a mailbox.
    """

    def changed(change: Change) -> None:
        """
        ``change`` is committed; called in modseq order.  Must not wait or
        raise, and must not call the mailbox back.
        """


class IAccount(Interface):
    """
    One account's mail, as every front-end sees it.
    """

    number: int = Attribute("The account's number, never used again.")
    address: str = Attribute("The full address, for logs.")

    def release() -> None:
        """
        The caller is done with this account.
        """

    async def entries() -> tuple[MailboxEntry, ...]:
        """
        All mailboxes and all subscribed names, sorted; INBOX first.
        """

    async def mailbox(name: str) -> IMailbox:
        """
        Open a mailbox; every caller gets the same object while it is open.

        On return the maildir has been looked at: what other programs left
        there is in it.  Each call is matched by one ``IMailbox.release``.

        :raises NoSuchMailbox: or it is not selectable.
        """

    async def status(name: str) -> MailboxStatus:
        """
        A mailbox's numbers, without opening it for long.

        :raises NoSuchMailbox: or it is not selectable.
        """

    async def create(name: str, special_use: str | None = None) -> str:
        """
        Make a mailbox, and the levels above it.

        :return: its mailbox id (RFC 8474).
        :raises MailboxExists: there is one that can be selected.
        :raises InvalidMailboxName: it cannot be stored.
        """

    async def delete(name: str) -> None:
        """
        Remove a mailbox and its messages; a level with children stays one.

        :raises NoSuchMailbox: there is none.
        :raises MailboxNotRemovable: INBOX, or a mere level.
        """

    async def rename(old: str, new: str) -> None:
        """
        Rename a mailbox with all below it; subscriptions stay as they are.

        INBOX is special (RFC 9051 6.3.6): its messages move to the new
        mailbox, and it stays, empty.

        :raises NoSuchMailbox, MailboxExists, InvalidMailboxName:
        """

    async def subscribe(name: str) -> None:
        """
        Put a name on the list of subscriptions, whether it exists or not.
        """

    async def unsubscribe(name: str) -> None:
        """
        Take a name off the list.
        """

    async def quota() -> Quota:
        """
        What is used, and the limits.
        """

    async def maildrop() -> IMaildrop:
        """
        INBOX as POP3 sees it, for this caller alone until it is released.

        :raises MaildropInUse: after 2 seconds of waiting for the other
            session's end.
        """


class IMailbox(Interface):
    """
    One open mailbox.

    ``messages``, ``flag_names`` and the numbers are of this moment: read them
    between two awaits, on the reactor.
    """

    name: str = Attribute("Its name at this moment.")
    mailbox_id: str = Attribute("RFC 8474's; kept over a rename.")
    uidvalidity: int = Attribute("The epoch of its UIDs.")
    uidnext: UID = Attribute("A UID above all given so far.")
    highestmodseq: ModSeq = Attribute("Never 0.")
    messages: Messages = Attribute("Its messages, as parallel arrays.")
    flag_names: FlagNames = Attribute("What the bits of the flags mean.")
    takes_keywords: bool = Attribute("Whether a client may add keywords.")

    def release() -> None:
        """
        The caller is done with this mailbox; ``unlisten`` comes first.
        """

    def listen(listener: IMailboxListener) -> ModSeq:
        """
        Tell ``listener`` of every change after the returned modseq.
        """

    def unlisten(listener: IMailboxListener) -> None:
        """
        Tell it nothing more.
        """

    async def look() -> None:
        """
        Take notice of what other programs did to the maildir; cheap if they
        did nothing.
        """

    def claim_recent() -> UIDSet:
        """
        The messages that no session has been told of as recent.

        They are this caller's from here on (RFC 3501 2.3.2).
        """

    async def append(
        content: IIncoming,
        flags: Iterable[str] = (),
        internal_date: float | None = None,
    ) -> Appended:
        """
        Add one message; on return it survives a power cut, with its UID.

        ``content`` may be used again, and is not discarded.

        :param internal_date: seconds since 1970; None is the present.
        :raises OverQuota, TooManyKeywords: nothing was kept.
        """

    async def store(
        uids: UIDSet,
        mode: FlagMode,
        flags: Iterable[str],
        unchanged_since: ModSeq | None = None,
    ) -> FlagsStored:
        r"""
        Change flags; on return the change survives a power cut.

        :param unchanged_since: leave messages alone whose modseq is above
            (RFC 7162 3.1.3); compared and changed in one step.
        :raises TooManyKeywords: nothing was changed.
        """

    async def expunge(uids: UIDSet | None = None) -> UIDSet:
        r"""
        Remove for good the messages with \Deleted; of ``uids`` alone if given.

        :return: those that went.
        """

    async def copy(uids: UIDSet, destination: str) -> Copied:
        """
        Copy into another mailbox of the account, all or none.

        Flags, keywords and the internal date are kept.

        :raises NoSuchMailbox, OverQuota, TooManyKeywords: nothing was copied.
        """

    async def move(uids: UIDSet, destination: str) -> Copied:
        """
        As ``copy``, and they leave this mailbox: no moment has a message in
        neither, and a crash leaves it in one.
        """

    async def open(uid: UID) -> IContent:
        """
        A message's octets.

        :raises NoSuchMessage: it was expunged.
        """

    async def renderings(name: str, uids: Sequence[int]) -> list[bytes | None]:
        """
        What the renderer of that name made of each message; None for one
        that is gone.  Made at arrival, or now.

        Ask for some hundreds at a time.
        """

    async def search(key: Key) -> UIDSet:
        """
        The messages that match (RFC 9051 6.4.4).
        """

    async def changes_since(modseq: ModSeq) -> ChangesSince:
        """
        What happened after ``modseq``, from memory or the index.
        """

    async def save_dates(uids: Sequence[int]) -> list[int]:
        """
        When each message came into this mailbox, seconds since 1970.
        """


@dataclass(frozen=True, slots=True)
class MaildropEntry:
    """
    One message of a maildrop.

    :param size: octets as they are sent, without dot-stuffing.
    :param unique_id: for UIDL; stable across sessions and restarts.
    """

    uid: UID
    size: int
    unique_id: str


class IMaildrop(Interface):
    """
    POP3's frozen view of INBOX (RFC 1939), held by one session.
    """

    entries: tuple[MaildropEntry, ...] = Attribute("As at the login.")

    async def open(uid: UID) -> IContent:
        """
        A message's octets.

        :raises NoSuchMessage: somebody else expunged it.
        """

    async def delete(uids: UIDSet) -> UIDSet:
        """
        Remove for good; on return it survives a power cut.

        :return: those that are gone; a message that could not be removed is
            missing here.
        """

    def release() -> None:
        """
        Let the next session have it.
        """


class IRenderer(Interface):
    """
    Makes of a message what a front-end will want to send, once.

    The store keeps the result by (name, version) and knows nothing of it.
    """

    name: str = Attribute("Unique among the renderers.")
    version: int = Attribute("Changed whenever the result would be.")

    def render(content: bytes | mmap, size: int) -> bytes:
        """
        Pure; called in a thread of the store, and never raises.

        :param content: the whole message, CR LF at the end of each line: a
            large one as its file mapped into memory, so that no more of it
            than is looked at takes memory.
        :param size: octets of the whole message.
        """


# --- Accounts ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Channel:
    """
    What a login comes over.

    :param protocol: ``smtp``, ``imap``, ``pop3``: for policy and logs.
    :param peer: the client's IP address.
    :param secure: a password may be sent: TLS, loopback, or configured so.
    :param tls: it is TLS.
    :param binding: the channel binding of that type (``tls-exporter``,
        ``tls-server-end-point``), or None.
    """

    protocol: str
    peer: str
    secure: bool
    tls: bool
    binding: Callable[[str], bytes | None]


class ILoginSession(Interface):
    """
    A successful login, until the client goes.
    """

    address: str = Attribute("The account's full address.")
    number: int = Attribute("The account's number.")

    async def account() -> IAccount:
        """
        The account's mail; release it when the session ends.
        """

    def owns(address: Address) -> bool:
        """
        Whether mail may be submitted from this address: its own, an alias of
        it, or one of these with ``+detail``.
        """

    def when_ended(end: Callable[[], None]) -> None:
        """
        Call ``end`` once if the account is suspended, removed or given
        another password while this session lasts.
        """

    def logout() -> None:
        """
        The session is over.  May be called more than once.
        """


class ISASLExchange(Interface):
    """
    One run of a SASL mechanism, the server's side (RFC 4422).
    """

    async def respond(response: bytes | None) -> bytes | ILoginSession:
        """
        Take the client's next part.

        :param response: decoded octets; None where the protocol gave no
            initial response.
        :return: the next challenge, or the login.
        :raises LoginRefused, LoginUnavailable, BadExchange:
        """


class ILogin(Interface):
    """
    The door for every protocol that logs in.
    """

    def mechanisms(channel: Channel) -> tuple[str, ...]:
        """
        SASL mechanisms to announce on such a channel, strongest first.
        """

    def start(mechanism: str, channel: Channel) -> ISASLExchange:
        """
        Begin an exchange.

        :param mechanism: in any case.
        :raises MechanismUnknown: it is not among ``mechanisms``.
        :raises EncryptionRequired: it would be, over TLS.
        """

    async def password(
        user: str, password: str, channel: Channel
    ) -> ILoginSession:
        """
        Log in as IMAP's LOGIN and POP3's USER and PASS do.

        :raises LoginRefused, LoginUnavailable, EncryptionRequired:
        """


# --- The directory -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Deliverable:
    """
    Where mail for an address of ours goes.

    :param accounts: those that keep a copy.
    :param elsewhere: addresses outside.
    """

    accounts: tuple[AccountRecord, ...]
    elsewhere: tuple[Address, ...] = ()


class IDirectory(Interface):
    """
    Which addresses are ours.
    """

    def is_ours(domain: str) -> bool:
        """
        Whether mail for this domain ends here.  ``domain`` is in lower case.
        """

    async def resolve(address: Address) -> Deliverable | None:
        """
        Follow aliases, ``+detail`` and the catch-all; None if the address is
        not ours or there is nobody.

        A suspended account still receives.

        :raises ExpansionTooLarge: it stands for more addresses than we follow.
        """

    async def expand(address: Address) -> tuple[str, ...]:
        """
        The addresses that an alias stands for, for EXPN; empty if it is none.
        """

    def is_suspended(account: int) -> bool:
        """
        Whether an account is suspended, so that mail it has queued is held;
        one that is gone is not.
        """


# --- The DNS -----------------------------------------------------------------


class IResolver(Interface):
    """
    Asks the DNS.
    """

    async def ask(question: Question) -> Answer:
        """
        The answer, from a cache or the network; within some seconds, and
        never an exception: what fails is ``Found.FAILED``.
        """


# --- Reception ---------------------------------------------------------------


class ITransaction(Interface):
    """
    One message on its way in, from MAIL to the end of data.
    """

    async def add_recipient(recipient: Recipient) -> None:
        """
        Accept a recipient, or say why not.

        :raises NoSuchRecipient, RelayDenied, OverQuota, ExpansionTooLarge:
        :raises TooManyRecipients: this one may be tried in another
            transaction.
        """

    def write(octets: bytes) -> Awaitable[None] | None:
        """
        The next piece of the content, dot-stuffing undone; as
        ``IIncoming.write``.

        :raises MessageTooLarge, StoreFull: read on to the end of data, then
            say so.
        """

    async def commit() -> tuple[MailError | None, ...]:
        """
        The content is complete.  On return every recipient whose place in
        the result is None has the message, or the queue has it for him, and
        it survives a power cut.

        For SMTP the results are all None or this raises; LMTP
        (``origin.listener``) may see both.

        :raises MailLoop, MalformedMessage, SenderRefused: nothing was kept.
        :raises HostNotAuthorized, SignaturesBroken, NotAuthentic: likewise.
        """

    def abort() -> None:
        """
        Forget it all.  May be called more than once.
        """

    queue_id: str = Attribute("The message's name in every line of the log.")


class IReception(Interface):
    """
    The one door through which messages come in.
    """

    size_limit: int = Attribute("The most octets that a message may have.")

    async def begin(
        origin: Origin,
        sender: Sender,
        owns: Callable[[Address], bool] | None,
    ) -> ITransaction:
        """
        Start a transaction.

        :param owns: whether the login may send as an address; None if the
            client did not log in.
        :raises SenderRefused, MessageTooLarge, StoreFull:
        """

    async def expand(address: Address) -> tuple[str, ...]:
        """
        As ``IDirectory.expand``.
        """
