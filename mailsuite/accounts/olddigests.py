"""
Digests of old mechanisms, of which Dovecot keeps the results.

Implementation notes

- No library gives them away any more: MD4 has left OpenSSL's usual provider,
  and of MD5 CRAM-MD5 needs the inner state after one block.
- All are broken or quick to guess.  They judge a login once, and what was
  typed is hashed properly from then on.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Callable

from passlib.crypto.digest import lookup_hash
from passlib.hash import lmhash


def md4(octets: bytes) -> bytes:
    """
    RFC 1320.
    """
    return bytes(lookup_hash("md4").const(octets).digest())


def md5(octets: bytes) -> bytes:
    """
    RFC 1321.
    """
    return hashlib.md5(octets, usedforsecurity=False).digest()


def nt_hash(password: bytes) -> bytes:
    """
    NTLM's: MD4 of the password in UTF-16.

    :raises ValueError: the password is not UTF-8.
    """
    return md4(password.decode().encode("utf-16-le"))


def lm_hash(password: bytes) -> bytes:
    """
    LAN Manager's, which sees 14 characters and no case.

    :raises ValueError: the password has a character that it cannot see.
    """
    return bytes(lmhash.raw(password.decode()))


def rpa_hash(password: bytes) -> bytes:
    """
    RPA's: MD5 of the password in UTF-16, high octets first.

    :raises ValueError: the password is not UTF-8.
    """
    return md5(password.decode().encode("utf-16-be"))


def digest_md5(user: str, realm: str, password: bytes) -> bytes:
    """
    H of user, realm and password (RFC 2831 2.1.2.1).
    """
    return md5(f"{user}:{realm}:".encode() + password)


def cram_md5(password: bytes) -> bytes:
    """
    MD5's states after HMAC's outer and inner key blocks (RFC 2104 4), each
    as four words, low octets first.
    """
    key = md5(password) if len(password) > 64 else password
    block = key.ljust(64, b"\0")
    return b"".join(
        _md5_state(bytes(octet ^ pad for octet in block))
        for pad in (0x5C, 0x36)
    )


def one_time_password(
    algorithm: str, seed: str, count: int, password: bytes
) -> bytes:
    """
    The eight octets after ``count`` steps (RFC 2289 6).

    :param algorithm: one of ``ONE_TIME_ALGORITHMS``, in whatever case.
    """
    step = ONE_TIME_ALGORITHMS[algorithm.lower()]
    result = step(seed.lower().encode() + password)
    for _ in range(count):
        result = step(result)
    return result


# --- One-time passwords, RFC 2289 Appendix A ---------------------------------


def _halves(digest: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(digest[:8], digest[8:16], strict=True))


def _md4_step(octets: bytes) -> bytes:
    return _halves(md4(octets))


def _md5_step(octets: bytes) -> bytes:
    return _halves(md5(octets))


def _sha1_step(octets: bytes) -> bytes:
    digest = hashlib.sha1(octets, usedforsecurity=False).digest()
    a, b, c, d, e = struct.unpack(">5I", digest)
    return struct.pack("<2I", a ^ c ^ e, b ^ d)


ONE_TIME_ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "md4": _md4_step,
    "md5": _md5_step,
    "sha1": _sha1_step,
}
"""
One step of each, by its name.
"""


# --- MD5's state, RFC 1321 3.4 -----------------------------------------------

_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)

_SINES = tuple(int(abs(math.sin(step + 1)) * 2**32) for step in range(64))

_SHIFTS = (
    (7, 12, 17, 22) * 4
    + (5, 9, 14, 20) * 4
    + (4, 11, 16, 23) * 4
    + (6, 10, 15, 21) * 4
)

_WORD = 0xFFFFFFFF


def _md5_state(block: bytes) -> bytes:
    """
    The state after one block of 64 octets.
    """
    words = struct.unpack("<16I", block)
    a, b, c, d = _START
    for step in range(64):
        mixed, place = _mixed(step, b, c, d)
        turned = (a + mixed + _SINES[step] + words[place]) & _WORD
        shift = _SHIFTS[step]
        turned = (turned << shift | turned >> (32 - shift)) & _WORD
        a, b, c, d = d, (b + turned) & _WORD, b, c
    ends = zip(_START, (a, b, c, d), strict=True)
    return struct.pack("<4I", *((start + end) & _WORD for start, end in ends))


def _mixed(step: int, b: int, c: int, d: int) -> tuple[int, int]:
    """
    The round's function, and which word of the block comes with it.
    """
    match step // 16:
        case 0:
            return (b & c) | (~b & d), step
        case 1:
            return (d & b) | (~d & c), (5 * step + 1) % 16
        case 2:
            return b ^ c ^ d, (3 * step + 5) % 16
        case _:
            return c ^ (b | (~d & _WORD)), 7 * step % 16
