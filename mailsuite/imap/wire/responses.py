r"""
IMAP's responses, printed (RFC 9051 7, RFC 3501 7 and extensions).

Implementation notes

- Each function gives octets that go out as they are: a whole line with its CR
  LF, or, where it says so, a part of one.
- An empty string is ``""`` and never ``{0}``: some clients wait for ever for
  octets behind it.
- Names of mailboxes are ASCII (modified UTF-7) until the client has asked for
  UTF-8 (RFC 9051 5.1); the caller knows.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterable, Sequence

from mailsuite.imap.wire import events
from mailsuite.imap.wire.strings import string
from mailsuite.mail import mutf7
from mailsuite.mail.flags import FlagNames
from mailsuite.mail.mailboxes import INBOX, Appended, Copied
from mailsuite.mail.uids import UIDSet

OK = b"OK"
NO = events.NO
BAD = events.BAD
BYE = b"BYE"

#: A client may go on with its literal.
CONTINUE = b"+ OK\r\n"

_QUOTABLE_UTF8 = re.compile(rb"[^\x00\r\n]+")
_SPECIALS = re.compile(rb'(["\\])')


# --- Strings: parts of a line ------------------------------------------------


def text_string(text: str, utf8: bool) -> bytes:
    """
    A string of text; what is not ASCII is quoted only for a client that reads
    UTF-8 there (RFC 9051 4.3), else a literal.
    """
    octets = text.encode("utf-8", "replace")
    if utf8 and not octets.isascii() and _QUOTABLE_UTF8.fullmatch(octets):
        return b'"%b"' % _SPECIALS.sub(rb"\\\1", octets)
    return string(octets)


def mailbox_name(name: str, utf8: bool) -> bytes:
    """
    A mailbox's name: a string, but INBOX as it is.
    """
    if name == INBOX:
        return b"INBOX"
    if utf8:
        return text_string(name, utf8)
    return string(mutf7.encode(name).encode("ascii"))


# --- Status responses --------------------------------------------------------


def continuation(challenge: bytes) -> bytes:
    """
    A SASL challenge, given as octets.
    """
    return b"+ %b\r\n" % b2a_base64(challenge, newline=False)


def tagged(
    tag: bytes, condition: bytes, text: bytes, code: bytes | None = None
) -> bytes:
    """
    The end of a command.

    :param code: a response code without its brackets.
    """
    if code is None:
        return b"%b %b %b\r\n" % (tag, condition, text)
    return b"%b %b [%b] %b\r\n" % (tag, condition, code, text)


def untagged(condition: bytes, text: bytes, code: bytes | None = None) -> bytes:
    """
    News of the server's state, or what belongs to no one command.
    """
    return tagged(b"*", condition, text, code)


def rejected(event: events.Rejected) -> bytes:
    """
    The answer to what cannot be acted on.
    """
    return tagged(event.tag or b"*", event.condition, event.text, event.code)


# --- Response codes: without brackets ----------------------------------------


def capability_code(names: Iterable[bytes]) -> bytes:
    """
    CAPABILITY with these names.
    """
    return b"CAPABILITY " + b" ".join(names)


def permanent_flags_code(names: Iterable[str], *, more: bool) -> bytes:
    r"""
    PERMANENTFLAGS; with ``\*`` if the client may add keywords.
    """
    words = [*names, "\\*"] if more else list(names)
    return b"PERMANENTFLAGS (%b)" % " ".join(words).encode("ascii")


def number_code(name: bytes, number: int) -> bytes:
    """
    UIDVALIDITY, UIDNEXT, UNSEEN, HIGHESTMODSEQ: a name and a number.
    """
    return b"%b %d" % (name, number)


def append_uid_code(appended: Appended) -> bytes:
    """
    APPENDUID (RFC 9051 7.1).
    """
    return b"APPENDUID %d %b" % (
        appended.uidvalidity,
        number_list(appended.uids),
    )


def copy_uid_code(copied: Copied) -> bytes:
    """
    COPYUID (RFC 9051 7.1); the two sets run side by side.
    """
    return b"COPYUID %d %b %b" % (
        copied.uidvalidity,
        number_list(copied.source),
        number_list(copied.destination),
    )


def modified_code(numbers: UIDSet) -> bytes:
    """
    MODIFIED (RFC 7162 3.1.3).
    """
    return b"MODIFIED %b" % bytes(numbers)


def number_list(numbers: Sequence[int]) -> bytes:
    """
    A set in the order given, which carries a meaning; only rising runs are
    made ranges.
    """
    parts: list[bytes] = []
    at = 0
    while at < len(numbers):
        end = at
        while end + 1 < len(numbers) and numbers[end + 1] == numbers[end] + 1:
            end += 1
        first, last = numbers[at], numbers[end]
        parts.append(b"%d" % first if at == end else b"%d:%d" % (first, last))
        at = end + 1
    return b",".join(parts)


# --- Mailboxes ---------------------------------------------------------------


def capability(names: Iterable[bytes]) -> bytes:
    """
    CAPABILITY.
    """
    return b"* CAPABILITY %b\r\n" % b" ".join(names)


def enabled(names: Iterable[bytes]) -> bytes:
    """
    ENABLED (RFC 9051 7.2.1).
    """
    return b"".join([b"* ENABLED", *(b" " + name for name in names), b"\r\n"])


def list_row(
    name: bytes,
    separator: bytes,
    attributes: Iterable[bytes],
    *,
    child_info: bool = False,
) -> bytes:
    r"""
    LIST.

    :param name: as ``mailbox_name`` gives it.
    :param separator: one octet.
    :param attributes: with their backslash.
    :param child_info: a mailbox below is subscribed to, which was asked for
        (RFC 9051 6.3.9, CHILDINFO).
    """
    extended = b' ("CHILDINFO" ("SUBSCRIBED"))' if child_info else b""
    return b"* LIST (%b) %b %b%b\r\n" % (
        b" ".join(attributes),
        _separator(separator),
        name,
        extended,
    )


def lsub_row(
    name: bytes, separator: bytes, attributes: Iterable[bytes]
) -> bytes:
    """
    LSUB (RFC 3501 7.2.3).
    """
    return b"* LSUB (%b) %b %b\r\n" % (
        b" ".join(attributes),
        _separator(separator),
        name,
    )


def status(name: bytes, items: Iterable[tuple[bytes, int]]) -> bytes:
    """
    STATUS.

    :param name: as ``mailbox_name`` gives it.
    """
    return b"* STATUS %b (%b)\r\n" % (
        name,
        b" ".join(b"%b %d" % item for item in items),
    )


def namespace(separator: bytes) -> bytes:
    """
    NAMESPACE: one personal namespace without a prefix (RFC 9051 7.3.3).
    """
    return b'* NAMESPACE (("" %b)) NIL NIL\r\n' % _separator(separator)


def quota(root: str, resources: Iterable[tuple[bytes, int, int]]) -> bytes:
    """
    QUOTA (RFC 9208 4.2.1).

    :param resources: name, usage and limit of each.
    """
    return b"* QUOTA %b (%b)\r\n" % (
        string(root.encode("utf-8")),
        b" ".join(b"%b %d %d" % resource for resource in resources),
    )


def quota_root(name: bytes, roots: Iterable[str]) -> bytes:
    """
    QUOTAROOT (RFC 9208 4.2.2).

    :param name: as ``mailbox_name`` gives it.
    """
    printed = [string(root.encode("utf-8")) for root in roots]
    return b"* QUOTAROOT %b\r\n" % b" ".join([name, *printed])


def identification(fields: Iterable[tuple[str, str]]) -> bytes:
    """
    ID (RFC 2971 3.2); without fields NIL.
    """
    words = [string(word.encode("utf-8")) for field in fields for word in field]
    return b"* ID %b\r\n" % (b"(%b)" % b" ".join(words) if words else b"NIL")


def _separator(separator: bytes) -> bytes:
    return b'"\\\\"' if separator == b"\\" else b'"%b"' % separator


# --- The selected mailbox ----------------------------------------------------


def flags(names: Iterable[str]) -> bytes:
    """
    FLAGS.
    """
    return b"* FLAGS (%b)\r\n" % " ".join(names).encode("ascii")


def exists(count: int) -> bytes:
    """
    EXISTS.
    """
    return b"* %d EXISTS\r\n" % count


def recent(count: int) -> bytes:
    """
    RECENT (RFC 3501 7.3.2).
    """
    return b"* %d RECENT\r\n" % count


def expunge(seq: int) -> bytes:
    """
    EXPUNGE.
    """
    return b"* %d EXPUNGE\r\n" % seq


def search(numbers: Iterable[int], modseq: int | None = None) -> bytes:
    """
    SEARCH (RFC 3501 7.2.5).

    :param modseq: the highest of them, if MODSEQ was asked for (RFC 7162
        3.1.5); not with an empty result.
    """
    found = " ".join(map(str, numbers))
    if not found:
        return b"* SEARCH\r\n"
    suffix = "" if modseq is None else f" (MODSEQ {modseq})"
    return f"* SEARCH {found}{suffix}\r\n".encode("ascii")


def esearch(
    tag: bytes, *, by_uid: bool, items: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """
    ESEARCH (RFC 9051 7.3.4).

    :param items: MIN, MAX, ALL, COUNT, MODSEQ with their values.
    """
    parts = [b'* ESEARCH (TAG "%b")' % tag]
    if by_uid:
        parts.append(b"UID")
    parts += [b"%b %b" % item for item in items]
    return b" ".join(parts) + b"\r\n"


def fetch(seq: int, items: Iterable[bytes]) -> bytes:
    """
    FETCH with items that are printed already.
    """
    return b"* %d FETCH (%b)\r\n" % (seq, b" ".join(items))


def section(label: bytes, octets: bytes | None) -> bytes:
    """
    One item of FETCH: a section's label and its octets, NIL for None.

    Never quoted but if empty: what is mail's is counted.
    """
    if octets is None:
        return b"%b NIL" % label
    if not octets:
        return b'%b ""' % label
    return b"%b {%d}\r\n%b" % (label, len(octets), octets)


class FlagLists:
    r"""
    Prints flags in parentheses; each combination once.

    :param names: what the bits mean, for as long as this object lives.
    """

    def __init__(self, names: FlagNames) -> None:
        self._names = names
        self._printed: dict[int, bytes] = {}

    def of(self, bits: int, recent: bool = False) -> bytes:
        r"""
        The list for these bits.

        :param recent: ``\Recent`` is one of them (RFC 3501 2.3.2).
        """
        # No message has the bit 63: mail.flags ends at 30.
        place = bits | recent << 63
        printed = self._printed.get(place)
        if printed is None:
            names = [*self._names.names(bits), *(["\\Recent"] * recent)]
            printed = b"(%b)" % " ".join(names).encode("ascii")
            self._printed[place] = printed
        return printed
