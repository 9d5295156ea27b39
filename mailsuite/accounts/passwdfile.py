"""
Dovecot's passwd-file: ``user:{SCHEME}password:uid:gid:gecos:home:shell:extra``.

Implementation notes

- Of a line we take the user, the password, and from the extra fields what
  keeps him out and his quota; each other extra field is told, by its name
  alone, for its value may be a secret.
- A password in clear is not kept so: it is salted and digested at once, and
  hashed properly when it is first typed.  10,000 Argon2id hashes would take
  minutes.
- Whoever could not log in at Dovecot cannot here, nor can anybody as a user
  who has no password, whom Dovecot lets in by any.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from mailsuite.accounts import quotarules, schemes
from mailsuite.accounts.entries import LineNote, LineRefused
from mailsuite.accounts.errors import BadAddress, BadLine
from mailsuite.accounts.names import typed_address
from mailsuite.accounts.quotarules import shown
from mailsuite.accounts.routes import Key

#: A crypt(3) hash that an administrator has spoilt, as ``usermod -L`` does.
_LOCKED = re.compile(r"(\{([A-Za-z0-9-]+)\})?[!*]+(.*)", re.DOTALL)

#: What stands for an octet that is not UTF-8.
_NOT_UTF8 = "\ufffd"

#: What comes of Dovecot's extra fields, where more is to be said than that
#: they are not taken.
_FATES = {
    "allow_nets": "is not enforced here: logins are taken from everywhere",
    "allow_real_nets": "is not enforced here: logins are taken from everywhere",
    "proxy": "is not followed: his mail is served from here",
    "proxy_maybe": "is not followed: his mail is served from here",
    "user": "is not followed: the name stays as the line begins",
    "noauthenticate": "keeps him out: suspended",
    "nologin": "keeps him out: suspended",
    "nopassword": "is not followed: nobody logs in without his password",
    "userdb_home": "is not taken: the configuration says where mail lies",
    "userdb_mail": "is not taken: the configuration says where mail lies",
}

#: Those of them that keep a user from logging in.
_NO_LOGIN = frozenset({"nologin", "noauthenticate"})


@dataclass(frozen=True, slots=True)
class User:
    """
    One line.

    :param password: as Dovecot kept it; empty if there is none.
    :param notes: what somebody should know who has taken it.
    """

    line: int
    address: Key
    password: str = field(repr=False)
    octets_limit: int | None
    messages_limit: int | None
    suspended: bool
    notes: tuple[LineNote, ...] = ()


def read_lines(
    lines: Iterable[str], domain: str
) -> tuple[list[User], list[LineRefused]]:
    """
    The users of a passwd-file, and the lines that are none.

    Octets that are not UTF-8 are taken for U+FFFD.

    :param domain: of those that are given without one.
    """
    users: dict[Key, User] = {}
    refused: list[LineRefused] = []
    for number, text in enumerate(lines, 1):
        line = text.rstrip("\r\n")
        if not line.strip() or line.startswith("#"):
            continue
        name = line.partition(":")[0]
        try:
            user = _user(number, line, domain)
            if (first := users.get(user.address)) is not None:
                raise BadLine(
                    f"the user is in line {first.line} already",
                    "remove one of the two lines",
                )
        except BadAddress as error:
            refused.append(
                LineRefused(
                    number, name, error.public, "give the user another name"
                )
            )
        except BadLine as error:
            refused.append(
                LineRefused(number, name, error.public, error.remedy)
            )
        else:
            users[user.address] = user
    return list(users.values()), refused


def _user(number: int, line: str, domain: str) -> User:
    """
    :raises BadAddress, BadLine: the line is no user that we can keep.
    """
    fields = line.split(":")
    if len(fields) < 2:
        raise BadLine(
            "there is no password", "write it after the user and a colon"
        )
    if _NOT_UTF8 in fields[0] + fields[1]:
        raise BadLine("it is not UTF-8", "convert the file to UTF-8")
    name = fields[0] if "@" in fields[0] else f"{fields[0]}@{domain}"
    address = typed_address(name)
    password, why_locked = _unlocked(fields[1])
    _require_password("@".join(address), password)
    extra = [one for one in ":".join(fields[7:]).split(" ") if one]
    names = dict.fromkeys(one.partition("=")[0] for one in extra)
    quota, notes = quotarules.read(
        [one for one in extra if one.startswith(quotarules.PREFIX)]
    )
    notes = _fates(names) + notes
    if why_locked:
        notes.append(why_locked)
    return User(
        line=number,
        address=address,
        password=password,
        octets_limit=quota.octets,
        messages_limit=quota.messages,
        suspended=bool(why_locked or _NO_LOGIN & names.keys()),
        notes=tuple(
            LineNote(number, "@".join(address), text) for text in notes
        ),
    )


def _fates(names: Iterable[str]) -> list[str]:
    """
    What comes of extra fields, but for those of the quota.
    """
    return [
        f"{shown(name)} {_FATES.get(name, 'is not taken')}"
        for name in names
        if not name.startswith(quotarules.PREFIX)
    ]


def _unlocked(stored: str) -> tuple[str, str]:
    """
    A password without what locks it, and why nobody may log in with it; the
    latter is empty if somebody may.

    :return: an empty password if none would ever be right.
    """
    locked = _LOCKED.fullmatch(stored)
    if locked is not None and (locked[2] or "CRYPT").upper() in schemes.CRYPTS:
        kept = (locked[1] or "") + locked[3]
        if schemes.why_not(kept) is None:
            return kept, "the entry is locked: suspended"
        return "", "the entry is locked and has no password: suspended"
    if not stored or _is_empty(stored):
        return "", "there is no password: suspended"
    return stored, ""


def _is_empty(stored: str) -> bool:
    """
    Whether nothing stands after the scheme, if there is one.
    """
    if re.fullmatch(r"\{[^}]*\}", stored):
        return True
    try:
        return schemes.clear(stored) == b""
    except ValueError:
        return False


def _require_password(address: str, password: str) -> None:
    """
    :raises BadLine: nobody here could ever verify it.
    """
    why = schemes.why_not(password) if password else None
    if why is None:
        return
    remedy = f"mailsuite user add {address}, with another password"
    if not password.startswith(("{", "$")):
        remedy = "write the scheme before it, {PLAIN} for one in clear"
    raise BadLine(f"the password cannot be verified: {why}", remedy)
