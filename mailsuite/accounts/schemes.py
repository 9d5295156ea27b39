"""
The forms in which passwords are kept: ours, and those that Dovecot has.

A stored password is a PHC string, a crypt(3) hash, or Dovecot's ``{SCHEME}``
and what follows; ``.b64`` or ``.hex`` after the scheme's name says how octets
are written.

Implementation notes

- What Dovecot keeps for a mechanism of its own (CRAM-MD5, DIGEST-MD5, OTP,
  NTLM) is made from the password, and so judges a typed one as well.
- An empty password fits nothing, whatever is kept.
- Everything here takes its time by design, and is called in a thread.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2i, Argon2id

from mailsuite.accounts import costs, olddigests
from mailsuite.accounts.crypt import can_verify, verify_crypt
from mailsuite.wire.sasl import ScramKeys, scram_keys

_FORM = re.compile(r"\{([A-Za-z0-9-]+)(?:\.(\w+))?\}(.*)", re.DOTALL)

_ARGON2ID_PREFIX = "$argon2id$v=19$m=19456,t=2,p=1$"


def make_argon2id(password: bytes, salt: bytes) -> str:
    """
    A PHC string with t=2, m=19 MiB, p=1 (RFC 9106).
    """
    kdf = Argon2id(
        salt=salt, length=32, iterations=2, lanes=1, memory_cost=19 * 1024
    )
    return kdf.derive_phc_encoded(password)


def make_ssha256(password: bytes, salt: bytes) -> str:
    """
    Salted SHA-256: quick, and so for measurements alone.
    """
    digest = hashlib.sha256(password + salt).digest()
    return "{SSHA256}" + base64.b64encode(digest + salt).decode()


def make_truncated(password: bytes, salt: bytes, octets: int) -> str:
    """
    Salted SHA-256 of a password's first octets, where nothing else counts.
    """
    digest = make_ssha256(password[:octets], salt).removeprefix("{SSHA256}")
    return f"{{SSHA256-TRUNC}}{octets}-{digest}"


MAKERS: dict[str, Callable[[bytes, bytes], str]] = {
    "argon2id": make_argon2id,
    "ssha256": make_ssha256,
}
"""
What a new password may be kept as, by the configuration's name for it.
"""

_PREFIXES = {
    "argon2id": _ARGON2ID_PREFIX,
    "ssha256": "{SSHA256}",
}


def is_made_as(stored: str, scheme: str) -> bool:
    """
    Whether a stored password has the form that ``scheme`` makes today.
    """
    return stored.startswith(_PREFIXES[scheme])


def why_not(stored: str) -> str | None:
    """
    Why a stored password could never be verified; None if it could.

    Quick: nothing is hashed.
    """
    try:
        _judge(stored, "")
    except (UnknownScheme, costs.TooCostly) as why:
        return str(why)
    except ValueError:
        return "it is damaged"
    return None


def verify(password: bytes, stored: str, address: str = "") -> bool:
    """
    Whether ``password`` is the one that ``stored`` keeps.

    What is damaged or unknown fits no password, nor does what would take too
    long.

    :param address: whose it is: a part of what some schemes digest.
    """
    try:
        return bool(password) and _judge(stored, address)(password)
    except ValueError:
        return False


def clear(stored: str) -> bytes | None:
    """
    The password itself, where it is kept in clear.

    :raises ValueError: it is damaged.
    """
    name, text, encoding = _split(stored)
    return _decoded(text, encoding) if name in _CLEAR else None


def scram(stored: str) -> tuple[bytes, int, ScramKeys] | None:
    """
    (salt, count, keys) of Dovecot's ``{SCRAM-SHA-256}``; None if it is
    another scheme.

    :raises ValueError: it is damaged.
    """
    name, text, encoding = _split(stored)
    if name != "SCRAM-SHA-256":
        return None
    return _scram_parts(_decoded(text, encoding).decode(), 32)


def truncated(stored: str) -> tuple[bytes, int] | None:
    """
    (password, how many of its octets count) of Dovecot's ``{PLAIN-TRUNC}``;
    None if it is another scheme.

    :raises ValueError: it is damaged.
    """
    name, text, encoding = _split(stored)
    if name != "PLAIN-TRUNC":
        return None
    return _truncated_parts(_decoded(text, encoding))


# --- Schemes -----------------------------------------------------------------

Judge = Callable[[bytes], bool]
"""
Says whether a password is the one.
"""


CRYPTS = frozenset({
    "CRYPT", "DES-CRYPT", "MD5-CRYPT", "MD5", "SHA256-CRYPT", "SHA512-CRYPT",
    "BLF-CRYPT",
})  # fmt: skip
"""
Dovecot's names for crypt(3).
"""


class UnknownScheme(ValueError):
    """
    Nobody here can verify such a password.
    """


def _split(stored: str) -> tuple[str, str, str | None]:
    """
    (scheme, text, encoding); what has no scheme is crypt(3)'s, as in Dovecot.
    """
    form = _FORM.fullmatch(stored)
    if form is None:
        return "CRYPT", stored, None
    encoding = form[2] and form[2].lower()
    if encoding not in {None, "b64", "base64", "hex"}:
        raise UnknownScheme(f"the encoding .{encoding} is not known")
    return form[1].upper(), form[3], encoding


def _judge(stored: str, address: str) -> Judge:
    """
    :raises UnknownScheme: nobody here can verify it.
    :raises TooCostly: it would take too long.
    :raises ValueError: it is damaged.
    """
    name, text, encoding = _split(stored)
    if name in _CLEAR:
        octets = _decoded(text, encoding)
        return lambda password: hmac.compare_digest(password, octets)
    if name in _DIGESTS:
        return _digest(*_DIGESTS[name], text, encoding)
    if name in _OLD:
        return _old(*_OLD[name], text, encoding)
    if name == "DIGEST-MD5":
        return _digest_md5(address, text, encoding)
    if name in _TEXTS:
        return _TEXTS[name](_decoded(text, encoding).decode())
    raise UnknownScheme(f"{{{name}}} is not known")


def _decoded(text: str, encoding: str | None, octets: int = 0) -> bytes:
    """
    The octets behind ``text``; without a named encoding, as they stand.

    :param octets: the size of a digest without salt: that is never as it
        stands, but in hexadecimal if it is as long as that, else in base64.
    """
    if encoding is None and octets:
        encoding = "hex" if len(text) == 2 * octets else "b64"
    if encoding is None:
        return text.encode()
    if encoding == "hex":
        return bytes.fromhex(text)
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _count(text: str) -> int:
    """
    How often something is to be repeated.
    """
    count = int(text)
    if count < 1:
        raise ValueError("never repeated")
    costs.require_at_most(count, costs.MOST_ITERATIONS, "iterations")
    return count


def _digest(kind: str, salted: bool, text: str, encoding: str | None) -> Judge:
    """
    A digest, with whatever follows it as its salt.
    """
    size = hashlib.new(kind, usedforsecurity=False).digest_size
    if salted:
        octets = _decoded(text, encoding or "b64")
    else:
        octets = _decoded(text, encoding, size)
    digest, salt = octets[:size], octets[size:]
    if len(digest) != size or (salt and not salted):
        raise ValueError("the digest has not its size")

    def judge(password: bytes) -> bool:
        made = hashlib.new(kind, password + salt, usedforsecurity=False)
        return hmac.compare_digest(made.digest(), digest)

    return judge


def _old(
    digest: Callable[[bytes], bytes], size: int, text: str, encoding: str | None
) -> Judge:
    """
    A digest that has no salt and is not hashlib's.
    """
    octets = _decoded(text, encoding, size)
    if len(octets) != size:
        raise ValueError("the digest has not its size")
    return lambda password: hmac.compare_digest(digest(password), octets)


def _digest_md5(address: str, text: str, encoding: str | None) -> Judge:
    """
    A digest with the user in it: the address, or the local part alone, for
    Dovecot takes who logged in when it was made.
    """
    local_part, _, domain = address.rpartition("@")
    octets = _decoded(text, encoding, 16)
    if len(octets) != 16:
        raise ValueError("the digest has not its size")

    def judge(password: bytes) -> bool:
        made = [
            olddigests.digest_md5(local_part, realm, password)
            for realm in (domain, "")
        ]
        return any([hmac.compare_digest(one, octets) for one in made])

    return judge


def _one_time(text: str) -> Judge:
    """
    ``ALGORITHM COUNT SEED RESULT``: what the next one-time password is
    made from.
    """
    algorithm, count, seed, result = text.split(" ")
    steps, octets = int(count), bytes.fromhex(result)
    if algorithm.lower() not in olddigests.ONE_TIME_ALGORITHMS:
        raise UnknownScheme(f"one-time passwords by {algorithm} are not known")
    if steps < 0 or len(octets) != 8:
        raise ValueError("damaged one-time password")
    costs.require_at_most(steps, costs.MOST_STEPS, "steps")

    def judge(password: bytes) -> bool:
        made = olddigests.one_time_password(algorithm, seed, steps, password)
        return hmac.compare_digest(made, octets)

    return judge


def _truncated_parts(octets: bytes) -> tuple[bytes, int]:
    count, dash, password = octets.partition(b"-")
    if not dash or not count.isdigit() or not int(count):
        raise ValueError("no count of the octets that matter")
    return password, int(count)


def _truncated(text: str) -> Judge:
    """
    ``COUNT-PASSWORD``: after so many octets a password may go on as it likes.
    """
    octets, count = _truncated_parts(text.encode())
    kept = octets[:count]
    return lambda password: hmac.compare_digest(password[:count], kept)


def _truncated_digest(text: str) -> Judge:
    octets, count = _truncated_parts(text.encode())
    judge = _digest("sha256", True, octets.decode(), "b64")
    return lambda password: judge(password[:count])


def _hashed(text: str) -> Judge:
    """
    A PHC string of Argon2, or a crypt(3) hash.
    """
    if text.startswith("$argon2"):
        return _argon2(text)
    if not can_verify(text):
        raise UnknownScheme("it is no hash that this system knows")
    costs.require_bearable(text)
    return lambda password: verify_crypt(password, text)


def _argon2(text: str) -> Judge:
    parts = _ARGON2.fullmatch(text)
    if parts is None:
        raise ValueError("not a PHC string")
    memory, times = int(parts["memory"]), int(parts["time"])
    costs.require_at_most(memory, costs.MOST_MEMORY, "KiB")
    costs.require_at_most(memory * times, costs.MOST_MEMORY_TIMES, "KiB in all")
    kdf = Argon2i if parts["kind"] == "i" else Argon2id

    def judge(password: bytes) -> bool:
        try:
            kdf.verify_phc_encoded(password, text)
        except InvalidKey:
            return False
        return True

    return judge


def _pbkdf2(text: str) -> Judge:
    _, kind, salt, count, digest = text.split("$")
    if kind != "1":
        raise UnknownScheme(f"PBKDF2 of kind {kind} is not known")
    octets, iterations = bytes.fromhex(digest), _count(count)
    if len(octets) != 20:
        raise ValueError("the digest has not its size")

    def judge(password: bytes) -> bool:
        made = hashlib.pbkdf2_hmac("sha1", password, salt.encode(), iterations)
        return hmac.compare_digest(made, octets)

    return judge


def _scram_parts(text: str, size: int) -> tuple[bytes, int, ScramKeys]:
    count, *parts = text.split(",")
    salt, stored_key, server_key = (
        base64.b64decode(part, validate=True) for part in parts
    )
    if not (salt and len(stored_key) == len(server_key) == size):
        raise ValueError("damaged SCRAM keys")
    return salt, _count(count), ScramKeys(stored_key, server_key)


def _scram_sha256(text: str) -> Judge:
    salt, iterations, keys = _scram_parts(text, 32)

    def judge(password: bytes) -> bool:
        made = scram_keys(password, salt, iterations)
        return hmac.compare_digest(made.stored_key, keys.stored_key)

    return judge


def _scram_sha1(text: str) -> Judge:
    salt, iterations, keys = _scram_parts(text, 20)

    def judge(password: bytes) -> bool:
        # RFC 5802 3
        salted = hashlib.pbkdf2_hmac("sha1", password, salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha1")
        made = hashlib.sha1(client_key, usedforsecurity=False).digest()
        return hmac.compare_digest(made, keys.stored_key)

    return judge


_ARGON2 = re.compile(
    r"\$argon2(?P<kind>i|id)\$v=19\$m=(?P<memory>\d+),t=(?P<time>\d+),p=\d+"
    r"\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
)

_CLEAR = frozenset({"PLAIN", "CLEAR", "CLEARTEXT"})

#: What stands after the scheme is text.
_TEXTS: dict[str, Callable[[str], Judge]] = {
    **dict.fromkeys(CRYPTS, _hashed),
    "ARGON2I": _hashed,
    "ARGON2ID": _hashed,
    "PBKDF2": _pbkdf2,
    "SCRAM-SHA-1": _scram_sha1,
    "SCRAM-SHA-256": _scram_sha256,
    "OTP": _one_time,
    "SKEY": _one_time,
    "PLAIN-TRUNC": _truncated,
    "SSHA256-TRUNC": _truncated_digest,
}

#: (what makes it, its size).
_OLD: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "CRAM-MD5": (olddigests.cram_md5, 32),
    "HMAC-MD5": (olddigests.cram_md5, 32),
    "PLAIN-MD4": (olddigests.md4, 16),
    "NTLM": (olddigests.nt_hash, 16),
    "LANMAN": (olddigests.lm_hash, 16),
    "RPA": (olddigests.rpa_hash, 16),
}

#: (algorithm, whether salt follows).
_DIGESTS = {
    "SHA": ("sha1", False),
    "SHA1": ("sha1", False),
    "SHA256": ("sha256", False),
    "SHA512": ("sha512", False),
    "PLAIN-MD5": ("md5", False),
    "LDAP-MD5": ("md5", False),
    "SSHA": ("sha1", True),
    "SSHA256": ("sha256", True),
    "SSHA512": ("sha512", True),
    "SMD5": ("md5", True),
}
