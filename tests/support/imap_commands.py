"""
Prints IMAP commands as a client writes them, to be parsed again.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from mailsuite.imap.wire import commands as c
from mailsuite.imap.wire import searchkeys as k
from mailsuite.imap.wire.datetimes import printed_moment
from mailsuite.imap.wire.fetchitems import (
    BinarySection,
    BinarySize,
    BodySection,
    FetchItem,
    MessageItem,
    Partial,
)
from mailsuite.mail import mutf7, query
from mailsuite.mail.flags import FlagMode
from mailsuite.mail.query import DateOf

#: Writes octets as a string of IMAP: quoted or as a literal.
Writer = Callable[[bytes], bytes]

_MODES = {
    FlagMode.REPLACE: b"FLAGS",
    FlagMode.ADD: b"+FLAGS",
    FlagMode.REMOVE: b"-FLAGS",
}
_DATES = {DateOf.INTERNAL: b"", DateOf.SENT: b"SENT"}


def quoted(octets: bytes) -> bytes:
    """
    A quoted string.
    """
    return b'"%b"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def literal_plus(octets: bytes) -> bytes:
    """
    A literal that does not wait (RFC 7888).
    """
    return b"{%d+}\r\n%b" % (len(octets), octets)


class Printer:
    """
    Prints commands.

    :param string: how it writes strings.
    """

    def __init__(self, string: Writer) -> None:
        self._string = string

    def command(self, tag: bytes, command: c.Command) -> bytes:
        """
        A whole command, CR LF at its end.
        """
        return b"%b %b\r\n" % (tag, self._words(command))

    def _name(self, name: str) -> bytes:
        return self._string(mutf7.encode(name).encode("ascii"))

    def _text(self, text: str) -> bytes:
        return self._string(text.encode("utf-8"))

    def _words(self, command: c.Command) -> bytes:
        match command:
            case c.Id(None):
                return b"ID NIL"
            case c.Id(parameters):
                assert parameters is not None
                return b"ID (%b)" % b" ".join(
                    b"%b %b"
                    % (
                        self._text(name),
                        b"NIL" if value is None else self._text(value),
                    )
                    for name, value in parameters
                )
            case c.Login(user, password):
                return b"LOGIN %b %b" % (self._text(user), self._text(password))
            case c.Enable(capabilities):
                return b"ENABLE " + " ".join(capabilities).encode()
            case c.Select(mailbox, read_only, condstore):
                return b"%b %b%b" % (
                    b"EXAMINE" if read_only else b"SELECT",
                    self._name(mailbox),
                    b" (CONDSTORE)" if condstore else b"",
                )
            case c.Create(mailbox, uses):
                extra = (
                    b" (USE (%b))" % " ".join(uses).encode() if uses else b""
                )
                return b"CREATE %b%b" % (self._name(mailbox), extra)
            case c.Rename(mailbox, new):
                return b"RENAME %b %b" % (self._name(mailbox), self._name(new))
            case c.List():
                return self._list(command)
            case c.Lsub(reference, pattern):
                return b"LSUB %b %b" % (
                    self._name(reference),
                    self._name(pattern),
                )
            case c.Status(mailbox, items):
                return b"STATUS %b %b" % (
                    self._name(mailbox),
                    _listed(items),
                )
            case c.SetQuota(root, limits):
                return b"SETQUOTA %b (%b)" % (
                    self._text(root),
                    b" ".join(b"%b %d" % (n.encode(), m) for n, m in limits),
                )
            case c.GetQuota(root):
                return b"GETQUOTA " + self._text(root)
            case (
                c.Delete() | c.Subscribe() | c.Unsubscribe() | c.GetQuotaRoot()
            ):
                return b"%b %b" % (_verb(command), self._name(command.mailbox))
            case _:
                return self._selected(command)

    def _list(self, command: c.List) -> bytes:
        words = [b"LIST"]
        if command.selection:
            words.append(_listed(command.selection))
        words.append(self._name(command.reference))
        patterns = [self._name(pattern) for pattern in command.patterns]
        words.append(
            b"(%b)" % b" ".join(patterns) if command.extended else patterns[0]
        )
        if command.returns or command.status:
            options = [it.value for it in command.returns]
            if command.status:
                options.append(b"STATUS " + _listed(command.status))
            words.append(b"RETURN (%b)" % b" ".join(options))
        return b" ".join(words)

    def _selected(self, command: c.Command) -> bytes:
        match command:
            case c.Expunge(None):
                return b"EXPUNGE"
            case c.Expunge(uids):
                return b"UID EXPUNGE %b" % bytes(uids or b"")
            case c.Search(key, by_uid, returns, _):
                wanted = (
                    b"" if returns is None else b"RETURN " + _listed(returns)
                )
                # Keys in parentheses are as good as the bare ones.
                words = [b"SEARCH", wanted, b"CHARSET UTF-8", self.key(key)]
                return _uid(by_uid) + b" ".join(filter(None, words))
            case c.Fetch(numbers, items, by_uid, changed_since):
                since = b""
                if changed_since is not None:
                    since = b" (CHANGEDSINCE %d)" % changed_since
                printed = [self.item(item) for item in items]
                return b"%bFETCH %b (%b)%b" % (
                    _uid(by_uid),
                    bytes(numbers),
                    b" ".join(printed),
                    since,
                )
            case c.Store(numbers, mode, flags, by_uid, silent, unchanged):
                return b"%bSTORE %b %b%b%b (%b)" % (
                    _uid(by_uid),
                    bytes(numbers),
                    b""
                    if unchanged is None
                    else b"(UNCHANGEDSINCE %d) " % unchanged,
                    _MODES[mode],
                    b".SILENT" if silent else b"",
                    " ".join(flags).encode(),
                )
            case c.Copy(numbers, mailbox, by_uid):
                return b"%bCOPY %b %b" % (
                    _uid(by_uid),
                    bytes(numbers),
                    self._name(mailbox),
                )
            case c.Move(numbers, mailbox, by_uid):
                return b"%bMOVE %b %b" % (
                    _uid(by_uid),
                    bytes(numbers),
                    self._name(mailbox),
                )
            case _:
                return _verb(command)

    def item(self, item: FetchItem) -> bytes:
        """
        One item of FETCH.
        """
        match item:
            case MessageItem():
                return item.value
            case BodySection(label=label, sets_seen=sets_seen):
                return _section(item.partial, label, b"BODY", sets_seen)
            case BinarySection(label=label, sets_seen=sets_seen):
                return _section(item.partial, label, b"BINARY", sets_seen)
            case BinarySize(label=label):
                return label

    def key(self, key: k.SearchKey) -> bytes:
        """
        One key of SEARCH.
        """
        match key:
            case k.Numbered(numbers, by_uid):
                return _uid(by_uid) + bytes(numbers)
            case k.Recent():
                return b"RECENT"
            case k.AllOf(keys):
                return b"(%b)" % b" ".join(self.key(each) for each in keys)
            case k.AnyOf(keys):
                printed = [self.key(each) for each in keys]
                return b"OR " + b" OR ".join(printed[:-1]) + b" " + printed[-1]
            case k.NoneOf(inner):
                return b"NOT " + self.key(inner)
            case query.Everything():
                return b"ALL"
            case query.HasFlag(flag):
                return (
                    flag[1:].upper().encode()
                    if flag[0] == "\\"
                    else b"KEYWORD " + flag.encode()
                )
            case query.HeaderContains(name, text):
                return b"HEADER %b %b" % (name.encode(), self._text(text))
            case query.BodyContains(text):
                return b"BODY " + self._text(text)
            case query.TextContains(text):
                return b"TEXT " + self._text(text)
            case (
                query.Before(of, day) | query.On(of, day) | query.Since(of, day)
            ):
                name = type(key).__name__.upper().encode()
                return b"%b%b %b" % (_DATES[of], name, _day(day))
            case query.Larger(octets):
                return b"LARGER %d" % octets
            case query.Smaller(octets):
                return b"SMALLER %d" % octets
            case query.ChangedSince(modseq):
                return b"MODSEQ %d" % modseq
            case _:
                raise AssertionError(f"no client writes {key!r}")


def append(
    tag: bytes, command: c.Append, content: bytes, *, waits: bool
) -> bytes:
    """
    APPEND with its message behind it.
    """
    date_time = b""
    if command.internal_date is not None:
        date_time = printed_moment(command.internal_date) + b" "
    return b"%b APPEND %b (%b) %b{%d%b}\r\n%b\r\n" % (
        tag,
        quoted(mutf7.encode(command.mailbox).encode()),
        " ".join(command.flags).encode(),
        date_time,
        len(content),
        b"" if waits else b"+",
        content,
    )


def _section(
    partial: Partial | None, label: bytes, name: bytes, sets_seen: bool
) -> bytes:
    if not label.endswith((b"]", b">")):
        # One of RFC822's names.
        return label
    inside = label[len(name) :].rpartition(b"]")[0]
    suffix = b""
    if partial is not None:
        suffix = b"<%d.%d>" % (partial.offset, partial.length)
    peek = b"" if sets_seen else b".PEEK"
    return b"%b%b%b]%b" % (name, peek, inside, suffix)


def _day(day: date) -> bytes:
    return printed_moment((day - date(1970, 1, 1)).days * 86400)[1:12].strip()


def _listed(items: object) -> bytes:
    return b"(%b)" % b" ".join(item.value for item in items)  # type: ignore[attr-defined]


def _uid(by_uid: bool) -> bytes:
    return b"UID " if by_uid else b""


def _verb(command: object) -> bytes:
    return type(command).__name__.upper().encode()
