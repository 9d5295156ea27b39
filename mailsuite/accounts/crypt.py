"""
crypt(3): the password hashes of ``/etc/shadow``.

Implementation notes

- The system's libcrypt knows more schemes than any library (yescrypt, bcrypt),
  and lets other threads run meanwhile; libpass does MD5, SHA-256 and SHA-512
  where there is none.
- What neither knows cannot be verified: on Debian that is nothing but the
  schemes of other systems.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hmac
import re
from collections.abc import Callable
from functools import cache

from passlib.hash import md5_crypt, sha256_crypt, sha512_crypt

#: At least the size of ``struct crypt_data`` in every libcrypt there was.
_CRYPT_DATA_OCTETS = 131_232

#: libxcrypt's limit; what takes longer ones than it would take its time.
_LONGEST_PASSWORD = 512

_PORTABLE = {"$1$": md5_crypt, "$5$": sha256_crypt, "$6$": sha512_crypt}

_KIND = re.compile(r"\$[0-9a-z]+\$|_")

#: A setting of each kind that costs next to nothing to try.
_CHEAPEST = {
    "$2a$": "$2a$04$abcdefghijklmnopqrstuu",
    "$2b$": "$2b$04$abcdefghijklmnopqrstuu",
    "$2y$": "$2y$04$abcdefghijklmnopqrstuu",
    "$y$": "$y$j75$abcdefgh",
    "$gy$": "$gy$j75$abcdefgh",
    "$7$": "$7$4/..../....abcdefgh",
    "$sha1$": "$sha1$10$abcdefgh",
    "_": "_/...abcd",
}

#: DES of old: 13 characters, the first eight of a password alone count.
_DES = re.compile(r"[./0-9A-Za-z]{13}")


def verify_crypt(password: bytes, hashed: str) -> bool:
    """
    Whether ``password`` is the one behind a crypt(3) hash; takes its time.
    """
    if b"\0" in password or len(password) > _LONGEST_PASSWORD:
        return False
    if _crypt_r is not None and (made := _crypt_r(password, hashed)):
        return hmac.compare_digest(made, hashed.encode())
    portable = _PORTABLE.get(hashed[:3])
    return portable is not None and bool(portable.verify(password, hashed))


def can_verify(hashed: str) -> bool:
    """
    Whether somebody here knows this kind of crypt(3) hash, whole or damaged.
    """
    kind = _KIND.match(hashed)
    if kind is None:
        return bool(_DES.fullmatch(hashed)) and _system_knows("ab")
    if kind[0] in _PORTABLE:
        return True
    return _system_knows(_CHEAPEST.get(kind[0], ""))


@cache
def _system_knows(setting: str) -> bool:
    return _crypt_r is not None and _crypt_r(b"", setting) is not None


def _load() -> Callable[[bytes, str], bytes | None] | None:
    name = ctypes.util.find_library("crypt")
    try:
        crypt_r = ctypes.CDLL(name or "libcrypt.so.1", use_errno=True).crypt_r
    except (OSError, AttributeError):
        return None
    crypt_r.restype = ctypes.c_char_p
    crypt_r.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p]

    def crypt(password: bytes, setting: str) -> bytes | None:
        if not setting.isascii() or "\0" in setting:
            return None
        room = ctypes.create_string_buffer(_CRYPT_DATA_OCTETS)
        made = crypt_r(password, setting.encode(), room)
        # crypt(3): a failure is NULL or begins with an asterisk.
        if made is None or made.startswith(b"*"):
            return None
        return bytes(made)

    return crypt


_crypt_r = _load()
