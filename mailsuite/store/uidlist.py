"""
``dovecot-uidlist``, version 3: which UID each message of a folder has.

Implementation notes

- The first line is ``3 V<uidvalidity> N<next uid> G<mailbox id>``, in any
  order and with more fields; then a line ``<uid> [<fields>] :<base name>`` for
  each message.  A field is a letter and its value.
- New lines are appended, and N stays behind: the next UID is above both N and
  the last line.
- Dovecot throws away a list with one bad line, and gives UIDs anew.  So we
  say what is wrong and what can be saved, for the caller to write it anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from mailsuite.mail.uids import MAXIMUM

#: The file's name in the mailbox's folder, and of the lock beside it.
NAME = "dovecot-uidlist"
LOCK = "dovecot-uidlist.lock"

_HEADER = re.compile(r"3((?: [A-Za-z][^ \n]*)+) *\Z")
_OLD_HEADER = re.compile(r"1 ([0-9]{1,10}) ([0-9]{1,10})\Z")
_LINE = re.compile(r"([0-9]{1,10})((?: [A-Za-z][^ ]*)*) :(.+)\Z", re.DOTALL)
_OLD_LINE = re.compile(r"([0-9]{1,10})() (.+)\Z", re.DOTALL)


class Line(NamedTuple):
    """
    One message.

    :param base: its base name.
    :param fields: letter and value, as they stand in the file.
    """

    uid: int
    base: str
    fields: tuple[str, ...] = ()

    def field(self, letter: str) -> str | None:
        """
        The value of a field: ``P`` is POP3's unique id, ``G`` the e-mail's
        id, ``S`` and ``W`` the sizes that the name lacks.
        """
        for field in self.fields:
            if field[0] == letter:
                return field[1:]
        return None

    def printed(self) -> bytes:
        """
        The line as it is appended, with its LF.
        """
        fields = "".join(f" {field}" for field in self.fields)
        return f"{self.uid}{fields} :{self.base}\n".encode(
            "utf-8", "surrogateescape"
        )


@dataclass(slots=True)
class UIDList:
    """
    A folder's list.

    :param uidnext: above every UID given so far.
    :param mailbox_id: 32 hexadecimal digits, "" if the file has none.
    :param lines: in the order of their UIDs.
    :param fields: those of the first line that are none of the above.
    """

    uidvalidity: int
    uidnext: int
    mailbox_id: str
    lines: list[Line]
    fields: tuple[str, ...] = ()

    def printed(self) -> bytes:
        """
        The whole file.
        """
        words = [f"3 V{self.uidvalidity} N{self.uidnext}"]
        if self.mailbox_id:
            words.append(f"G{self.mailbox_id}")
        header = " ".join([*words, *self.fields]) + "\n"
        return header.encode("utf-8", "surrogateescape") + b"".join(
            [line.printed() for line in self.lines]
        )


class Parsed(NamedTuple):
    """
    What a file gave.

    :param uids: the list, as far as it can be saved; None if the first line
        is bad, and with it the UIDVALIDITY gone.
    :param faults: what is wrong with it, for a log; if there are any, the
        file must be written anew before anything is appended.
    """

    uids: UIDList | None
    faults: tuple[str, ...] = ()


def parse(octets: bytes) -> Parsed:
    """
    Read a whole file, whatever is in it.
    """
    faults: dict[str, None] = {}
    if b"\0" in octets:
        faults["holds NULs"] = None
        octets = octets.replace(b"\0", b"")
    text = octets.decode("utf-8", "surrogateescape")
    header, *lines = text.split("\n")
    # What stands behind the last LF is no line, whole as it may look: it may
    # have lost its end.
    if lines and lines.pop():
        faults["ends in the middle of a line"] = None
    found = _read_header(header) if "\n" in text else None
    if found is None:
        return Parsed(None, (*faults, "has no valid first line"))
    uids, old = found
    if old:
        faults["is of version 1"] = None
    _read_lines(uids, lines, _OLD_LINE if old else _LINE, faults)
    if uids.lines:
        uids.uidnext = max(uids.uidnext, uids.lines[-1].uid + 1)
    return Parsed(uids, tuple(faults))


def parse_appended(octets: bytes, last: int) -> list[Line] | None:
    """
    Read what was appended to a list whose last UID was ``last``.

    :return: the lines; None if anything is wrong with them, or the last has
        no LF: then read the whole file.
    """
    if not octets.endswith(b"\n") or b"\0" in octets:
        return [] if not octets else None
    faults: dict[str, None] = {}
    uids = UIDList(1, last + 1, "", [])
    text = octets.decode("utf-8", "surrogateescape")
    _read_lines(uids, text[:-1].split("\n"), _LINE, faults)
    if faults or uids.lines[0].uid <= last:
        return None
    return uids.lines


def _read_header(line: str) -> tuple[UIDList, bool] | None:
    if old := _OLD_HEADER.match(line):
        uids = UIDList(int(old[1]), int(old[2]), "", [])
        return (uids, True) if _is_header(uids) else None
    found = _HEADER.match(line)
    if found is None:
        return None
    values: dict[str, str] = {}
    others: list[str] = []
    for field in found[1].split():
        if field[0] in "VNG":
            values[field[0]] = field[1:]
        else:
            others.append(field)
    try:
        uids = UIDList(
            int(values["V"]),
            int(values.get("N", "1")),
            values.get("G", ""),
            [],
            tuple(others),
        )
    except (KeyError, ValueError):
        return None
    return (uids, False) if _is_header(uids) else None


def _is_header(uids: UIDList) -> bool:
    return 0 < uids.uidvalidity <= MAXIMUM and 0 < uids.uidnext <= MAXIMUM + 1


def _read_lines(
    uids: UIDList,
    lines: list[str],
    form: re.Pattern[str],
    faults: dict[str, None],
) -> None:
    """
    Put what can be saved of ``lines`` into ``uids``.

    A UID that comes twice is given to neither message but the first; of two
    lines for one message the later counts, as it does for Dovecot.
    """
    last = 0
    match = form.match
    for line in lines:
        found = match(line)
        if found is None:
            faults["has a bad line"] = None
            continue
        digits, fields, base = found.groups()
        uid = int(digits)
        if not 0 < uid <= MAXIMUM:
            faults["has a bad line"] = None
            continue
        if uid <= last:
            faults["is not in order"] = None
        last = max(uid, last)
        if ":" in base:
            base = base.partition(":")[0]
        uids.lines.append(
            Line(uid, base, tuple(fields.split()) if fields else ())
        )
    uids.uidnext = max(uids.uidnext, last + 1)
    if "is not in order" in faults:
        first: dict[int, Line] = {}
        for entry in uids.lines:
            first.setdefault(entry.uid, entry)
        uids.lines = sorted(first.values())
    if len({entry.base for entry in uids.lines}) < len(uids.lines):
        faults["names a message twice"] = None
        latest = {entry.base: entry for entry in uids.lines}
        uids.lines = sorted(latest.values())
