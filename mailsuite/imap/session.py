"""
What one IMAP session knows: who is logged in, what is selected and enabled.

The commands read and change it; what may be done when is dispatch's to say,
and who writes to the network is the protocol's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailsuite.channel import channel_of
from mailsuite.conversation import Conversation
from mailsuite.errors import NoSuchMailbox
from mailsuite.imap import capabilities, names
from mailsuite.imap.appending import Appending
from mailsuite.imap.idling import Idlers
from mailsuite.imap.selected import Selected
from mailsuite.imap.wire import responses
from mailsuite.imap.wire.connection import Connection
from mailsuite.interfaces import (
    Channel,
    IAccount,
    ILogin,
    ILoginSession,
    IMailboxService,
    ISASLExchange,
)

#: Last words to a client whose selected mailbox somebody else deleted.
MAILBOX_DELETED = responses.untagged(
    responses.BYE, b"The selected mailbox has been deleted"
)

#: Last words after a bug of ours.
BROKEN = responses.untagged(responses.BYE, b"Internal error")

_STILL_HERE = responses.untagged(responses.OK, b"Still here")


class State(Flag):
    """
    RFC 9051 3's states.
    """

    NOT_AUTHENTICATED = auto()
    AUTHENTICATED = auto()
    SELECTED = auto()
    LOGOUT = auto()


@dataclass(frozen=True, slots=True)
class Service:
    """
    What all sessions of a listener share.

    :param separator: the hierarchy separator that clients see, ``/`` or ``.``.
    :param append_limit: octets of the largest message that APPEND takes.
    :param clear_passwords: passwords may be sent in clear from anywhere.
    :param idle_seconds: how long a client that is logged in may be silent; at
        least 30 minutes (RFC 9051 5.4).
    :param login_seconds: how long one that is not.
    """

    login: ILogin
    mailboxes: IMailboxService
    clock: IReactorTime
    idlers: Idlers
    separator: str = "/"
    append_limit: int = 50 * 1024 * 1024
    clear_passwords: bool = False
    idle_seconds: float = 1860.0
    login_seconds: float = 180.0


class Session:
    """
    One client's session.

    :ivar exchange: an AUTHENTICATE under way, with its tag.
    :ivar appending: an APPEND whose literal is coming in.
    :ivar idling: the tag of an IDLE under way.
    :ivar rev2: IMAP4rev2 is enabled: no \\Recent, UTF-8 names.
    :ivar condstore: the client is CONDSTORE-aware (RFC 7162 3.1).
    """

    __slots__ = (
        "account",
        "appending",
        "condstore",
        "conversation",
        "exchange",
        "idling",
        "login",
        "rev2",
        "selected",
        "service",
        "state",
        "wire",
    )

    _log = Logger()

    def __init__(
        self, service: Service, conversation: Conversation, wire: Connection
    ) -> None:
        self.service = service
        self.conversation = conversation
        self.wire = wire
        self.state = State.NOT_AUTHENTICATED
        self.login: ILoginSession | None = None
        self.account: IAccount | None = None
        self.selected: Selected | None = None
        self.exchange: tuple[bytes, ISASLExchange] | None = None
        self.appending: Appending | None = None
        self.idling: bytes | None = None
        self.rev2 = False
        self.condstore = False

    # --- Who it is ------------------------------------------------------------

    def channel(self) -> Channel:
        """
        What a login comes over.
        """
        return channel_of(
            self.conversation,
            "imap",
            clear_passwords=self.service.clear_passwords,
        )

    def capabilities(self) -> list[bytes]:
        """
        What can be announced at this moment.
        """
        if self.login is not None:
            return capabilities.after_login(self.service.append_limit)
        channel = self.channel()
        return capabilities.before_login(
            self.service.login.mechanisms(channel),
            secure=channel.secure,
            starttls=self.conversation.can_start_tls,
        )

    async def log_in(self, login: ILoginSession) -> None:
        """
        The client is who ``login`` says.

        :raises MailError: the account cannot be opened; nothing is changed.
        """
        try:
            account = await login.account()
        except BaseException:
            login.logout()
            raise
        self.login = login
        self.account = account
        self.state = State.AUTHENTICATED
        self.wire.authenticated = True
        login.when_ended(self.conversation.stop)

    def own_account(self) -> IAccount:
        """
        The account; only asked for after the login.
        """
        assert self.account is not None
        return self.account

    # --- Names ----------------------------------------------------------------

    def from_client(self, name: str) -> str:
        """
        The store's spelling of a mailbox name.

        :raises InvalidMailboxName: there can be no such mailbox.
        """
        return names.from_client(name, self.service.separator)

    def to_client(self, name: str) -> bytes:
        """
        A mailbox name as it goes out.
        """
        return responses.mailbox_name(
            names.to_client(name, self.service.separator), utf8=self.rev2
        )

    # --- The selected mailbox -------------------------------------------------

    def own_mailbox(self) -> Selected:
        """
        The selected mailbox; only asked for while one is.

        :raises NoSuchMailbox: somebody deleted it.
        """
        assert self.selected is not None
        if self.selected.view.deleted:
            raise NoSuchMailbox
        return self.selected

    def select(self, selected: Selected) -> None:
        """
        Have this mailbox selected.
        """
        self.selected = selected
        self.state = State.SELECTED

    def unselect(self) -> None:
        """
        Have none selected; what was held for it is given back.
        """
        selected, self.selected = self.selected, None
        if selected is not None:
            selected.leave()
            self.state = State.AUTHENTICATED

    def woken(self) -> None:
        """
        The selected mailbox has news.
        """
        if self.idling is not None:
            self.service.idlers.has_news(self)

    async def news(self, *, expunges: bool, uids: bool = False) -> bytes:
        """
        What the client has not been told of the selected mailbox.

        :param expunges: whether EXPUNGE may be among it (RFC 9051 7.5.1).
        :param uids: a UID command is being answered.
        """
        if self.selected is None or self.selected.view.deleted:
            return b""
        await self.selected.catch_up()
        return self._printed_news(expunges=expunges, uids=uids)

    def _printed_news(self, *, expunges: bool, uids: bool) -> bytes:
        assert self.selected is not None
        return self.selected.news(
            expunges=expunges,
            uids=uids or self.rev2 or self.condstore,
            rev2=self.rev2,
            modseqs=self.condstore,
        )

    # --- IDLE -----------------------------------------------------------------

    def begin_idling(self, tag: bytes) -> None:
        """
        News are told as they come, from here on.
        """
        self.idling = tag
        self.service.idlers.add(self)
        self.service.idlers.has_news(self)

    def end_idling(self) -> None:
        """
        They are kept for the next command.
        """
        self.idling = None
        self.service.idlers.remove(self)

    def tell_news(self) -> bool:
        """
        Send what there is to tell; False if the client takes nothing.
        """
        if self.idling is None or self.selected is None:
            return True
        if self.conversation.congested:
            return False
        view = self.selected.view
        if view.deleted:
            self.conversation.end(MAILBOX_DELETED)
        elif view.overflowed is not None:
            Deferred.fromCoroutine(self._catch_up()).addErrback(self._give_up)
        else:
            self.conversation.tell(
                self._printed_news(expunges=True, uids=False)
            )
        return True

    def sign_of_life(self) -> None:
        """
        Keep the connection known to what stands between.
        """
        if not self.conversation.congested:
            self.conversation.tell(_STILL_HERE)

    async def _catch_up(self) -> None:
        assert self.selected is not None
        await self.selected.catch_up()
        self.woken()

    def _give_up(self, failure: Failure) -> None:
        self._log.failure("Bug while telling news", failure)
        self.conversation.end(BROKEN)

    # --- The end --------------------------------------------------------------

    def end(self) -> None:
        """
        Give back all that the session holds.
        """
        self.end_idling()
        self.state = State.LOGOUT
        appending, self.appending = self.appending, None
        if appending is not None:
            appending.abandon()
        self.unselect()
        self.state = State.LOGOUT
        account, self.account = self.account, None
        if account is not None:
            account.release()
        login, self.login = self.login, None
        if login is not None:
            login.logout()
