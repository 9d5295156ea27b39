"""
The commands of IMAP, as values (RFC 9051 6, RFC 3501 6 and extensions).

Implementation notes

- Mailbox names are Unicode, as the client wrote them but for INBOX, which is
  in capitals in whatever case it came; the separator is still the client's.
- Flags have the RFC's spelling if they are system flags.
- What a command may do in which state is not said here, nor decided.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from mailsuite.imap.wire.fetchitems import FetchItem
from mailsuite.imap.wire.searchkeys import SearchKey
from mailsuite.imap.wire.sequences import SequenceSet
from mailsuite.mail.flags import FlagMode
from mailsuite.mail.uids import ModSeq

# --- In any state ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capability:
    """
    CAPABILITY (RFC 9051 6.1.1).
    """


@dataclass(frozen=True, slots=True)
class Noop:
    """
    NOOP (RFC 9051 6.1.2).
    """


@dataclass(frozen=True, slots=True)
class Logout:
    """
    LOGOUT (RFC 9051 6.1.3).
    """


@dataclass(frozen=True, slots=True)
class Id:
    """
    ID (RFC 2971).

    :param parameters: what the client says of itself; None is NIL.
    """

    parameters: tuple[tuple[str, str | None], ...] | None


# --- Before the login --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartTLS:
    """
    STARTTLS (RFC 9051 6.2.1).
    """


@dataclass(frozen=True, slots=True)
class Authenticate:
    """
    AUTHENTICATE (RFC 9051 6.2.2).

    :param mechanism: in capitals.
    :param initial: the initial response, decoded; None if there is none.
    """

    mechanism: str
    initial: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """
    LOGIN (RFC 9051 6.2.3).
    """

    user: str
    password: str = field(repr=False)


# --- After the login ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enable:
    """
    ENABLE (RFC 9051 6.3.1).

    :param capabilities: in capitals.
    """

    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Select:
    """
    SELECT, or EXAMINE if ``read_only`` (RFC 9051 6.3.2, 6.3.3).

    :param condstore: the parameter CONDSTORE was given (RFC 7162 3.1.8).
    """

    mailbox: str
    read_only: bool = False
    condstore: bool = False


@dataclass(frozen=True, slots=True)
class Create:
    r"""
    CREATE (RFC 9051 6.3.4).

    :param special_uses: of the parameter USE (RFC 6154 3), spelled as there;
        ``\Unheard-of`` stays as it came.
    """

    mailbox: str
    special_uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """
    DELETE (RFC 9051 6.3.5).
    """

    mailbox: str


@dataclass(frozen=True, slots=True)
class Rename:
    """
    RENAME (RFC 9051 6.3.6).
    """

    mailbox: str
    new: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """
    SUBSCRIBE (RFC 9051 6.3.7).
    """

    mailbox: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """
    UNSUBSCRIBE (RFC 9051 6.3.8).
    """

    mailbox: str


class StatusItem(Enum):
    """
    What STATUS can be asked for (RFC 9051 6.3.11, RFC 3501, RFC 7162, RFC
    7889, RFC 9208); the value is the name on the wire.
    """

    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"
    UIDNEXT = b"UIDNEXT"
    UIDVALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    DELETED = b"DELETED"
    SIZE = b"SIZE"
    HIGHESTMODSEQ = b"HIGHESTMODSEQ"
    APPENDLIMIT = b"APPENDLIMIT"
    DELETED_STORAGE = b"DELETED-STORAGE"


class ListSelection(Enum):
    """
    Selection options of LIST (RFC 9051 6.3.9.1, RFC 6154).
    """

    SUBSCRIBED = b"SUBSCRIBED"
    REMOTE = b"REMOTE"
    RECURSIVEMATCH = b"RECURSIVEMATCH"
    SPECIAL_USE = b"SPECIAL-USE"


class ListReturn(Enum):
    """
    Return options of LIST that have no argument (RFC 9051 6.3.9.2, RFC 6154).
    """

    SUBSCRIBED = b"SUBSCRIBED"
    CHILDREN = b"CHILDREN"
    SPECIAL_USE = b"SPECIAL-USE"


@dataclass(frozen=True, slots=True)
class List:
    """
    LIST (RFC 9051 6.3.9).

    :param patterns: at least one.
    :param extended: written with options or a list of patterns: then an
        empty pattern does not ask for the separator.
    :param status: of the return option STATUS (RFC 5819); empty if it was
        not given.
    """

    reference: str
    patterns: tuple[str, ...]
    extended: bool = False
    selection: frozenset[ListSelection] = frozenset()
    returns: frozenset[ListReturn] = frozenset()
    status: tuple[StatusItem, ...] = ()


@dataclass(frozen=True, slots=True)
class Lsub:
    """
    LSUB (RFC 3501 6.3.9).
    """

    reference: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Namespace:
    """
    NAMESPACE (RFC 9051 6.3.10).
    """


@dataclass(frozen=True, slots=True)
class Status:
    """
    STATUS (RFC 9051 6.3.11); each item once, at least one.
    """

    mailbox: str
    items: tuple[StatusItem, ...]


@dataclass(frozen=True, slots=True)
class Append:
    """
    APPEND (RFC 9051 6.3.12), as far as its literal.

    :param size: octets that the literal announces.
    :param internal_date: seconds since 1970; None if none was given.
    """

    mailbox: str
    size: int
    flags: tuple[str, ...] = ()
    internal_date: float | None = None


@dataclass(frozen=True, slots=True)
class Idle:
    """
    IDLE (RFC 9051 6.3.13).
    """


@dataclass(frozen=True, slots=True)
class GetQuota:
    """
    GETQUOTA (RFC 9208 4.1.1).
    """

    root: str


@dataclass(frozen=True, slots=True)
class GetQuotaRoot:
    """
    GETQUOTAROOT (RFC 9208 4.1.2).
    """

    mailbox: str


@dataclass(frozen=True, slots=True)
class SetQuota:
    """
    SETQUOTA (RFC 9208 4.1.3).

    :param limits: pairs of a resource's name, in capitals, and its limit.
    """

    root: str
    limits: tuple[tuple[str, int], ...]


# --- With a mailbox selected -------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """
    CHECK (RFC 3501 6.4.1).
    """


@dataclass(frozen=True, slots=True)
class Close:
    """
    CLOSE (RFC 9051 6.4.1).
    """


@dataclass(frozen=True, slots=True)
class Unselect:
    """
    UNSELECT (RFC 9051 6.4.2).
    """


@dataclass(frozen=True, slots=True)
class Expunge:
    """
    EXPUNGE (RFC 9051 6.4.3), or UID EXPUNGE (RFC 9051 6.4.9).

    :param uids: of UID EXPUNGE; None is EXPUNGE.
    """

    uids: SequenceSet | None = None


class SearchReturn(Enum):
    """
    Return options of SEARCH (RFC 9051 6.4.4).
    """

    MIN = b"MIN"
    MAX = b"MAX"
    ALL = b"ALL"
    COUNT = b"COUNT"
    SAVE = b"SAVE"


@dataclass(frozen=True, slots=True)
class Search:
    """
    SEARCH, or UID SEARCH (RFC 9051 6.4.4).

    :param key: see ``searchkeys.resolve``.
    :param returns: None if RETURN was not given; ``RETURN ()`` is ALL.
    :param uses_modseq: a MODSEQ key was given: the client is CONDSTORE-aware
        (RFC 7162 3.1).
    :param charset_known: False if the charset that was named is not known
        here; then the key means nothing.
    """

    key: SearchKey
    by_uid: bool = False
    returns: frozenset[SearchReturn] | None = None
    uses_modseq: bool = False
    charset_known: bool = True


@dataclass(frozen=True, slots=True)
class Fetch:
    """
    FETCH, or UID FETCH (RFC 9051 6.4.5).

    :param items: each once, macros opened; UID is there if ``by_uid``, and
        MODSEQ if ``changed_since``.
    :param changed_since: of CHANGEDSINCE (RFC 7162 3.1.4.1).
    """

    numbers: SequenceSet
    items: tuple[FetchItem, ...]
    by_uid: bool = False
    changed_since: ModSeq | None = None


@dataclass(frozen=True, slots=True)
class Store:
    """
    STORE, or UID STORE (RFC 9051 6.4.6).

    :param silent: ``.SILENT``.
    :param unchanged_since: of UNCHANGEDSINCE (RFC 7162 3.1.3).
    """

    numbers: SequenceSet
    mode: FlagMode
    flags: tuple[str, ...]
    by_uid: bool = False
    silent: bool = False
    unchanged_since: ModSeq | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """
    COPY, or UID COPY (RFC 9051 6.4.7).
    """

    numbers: SequenceSet
    mailbox: str
    by_uid: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """
    MOVE, or UID MOVE (RFC 9051 6.4.8).
    """

    numbers: SequenceSet
    mailbox: str
    by_uid: bool = False


Command = (
    Capability | Noop | Logout | Id | StartTLS | Authenticate | Login | Enable
    | Select | Create | Delete | Rename | Subscribe | Unsubscribe | List
    | Lsub | Namespace | Status | Append | Idle | GetQuota | GetQuotaRoot
    | SetQuota | Check | Close | Unselect | Expunge | Search | Fetch | Store
    | Copy | Move
)  # fmt: skip
