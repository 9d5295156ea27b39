"""
The forms in which passwords are kept: ours, and those that Dovecot has.

A stored password is a PHC string, a crypt(3) hash, or Dovecot's ``{SCHEME}``
and what follows; ``.b64`` or ``.hex`` after the scheme's name says how octets
are written.

Implementation notes

- Schemes that need the server to know the password in clear for a mechanism
  of their own (CRAM-MD5, DIGEST-MD5) cannot be verified, nor can MD4.
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
        _judge(stored)
    except UnknownScheme as unknown:
        return str(unknown)
    except ValueError:
        return "it is damaged"
    return None


def verify(password: bytes, stored: str) -> bool:
    """
    Whether ``password`` is the one that ``stored`` keeps.

    What is damaged or unknown fits no password.
    """
    try:
        return _judge(stored)(password)
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
    count, *parts = _decoded(text, encoding).decode().split(",")
    salt, stored_key, server_key = (
        base64.b64decode(part, validate=True) for part in parts
    )
    if not (salt and len(stored_key) == len(server_key) == 32):
        raise ValueError("damaged SCRAM keys")
    return salt, _count(count), ScramKeys(stored_key, server_key)


# --- Schemes -----------------------------------------------------------------

Judge = Callable[[bytes], bool]
"""
Says whether a password is the one.
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


def _judge(stored: str) -> Judge:
    """
    :raises UnknownScheme: nobody here can verify it.
    :raises ValueError: it is damaged.
    """
    name, text, encoding = _split(stored)
    if name in _CLEAR:
        octets = _decoded(text, encoding)
        return lambda password: hmac.compare_digest(password, octets)
    if name in _DIGESTS:
        return _digest(*_DIGESTS[name], text, encoding)
    if name in _HASHED:
        return _hashed(_decoded(text, encoding).decode())
    if name == "PBKDF2":
        return _pbkdf2(_decoded(text, encoding).decode())
    if (kept := scram(stored)) is not None:
        return _scram(*kept)
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
    How often something is to be repeated; more than bearable is damage.
    """
    count = int(text)
    if not 1 <= count <= _MOST_ITERATIONS:
        raise ValueError("repeated too often")
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


def _hashed(text: str) -> Judge:
    """
    A PHC string of Argon2, or a crypt(3) hash.
    """
    if text.startswith("$argon2"):
        return _argon2(text)
    if not can_verify(text):
        raise UnknownScheme("it is no hash that this system knows")
    return lambda password: verify_crypt(password, text)


def _argon2(text: str) -> Judge:
    parts = _ARGON2.fullmatch(text)
    if parts is None:
        raise ValueError("not a PHC string")
    if int(parts["memory"]) > _MOST_MEMORY or int(parts["time"]) > _MOST_TIME:
        raise ValueError("too much memory or time")
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

    def judge(password: bytes) -> bool:
        made = hashlib.pbkdf2_hmac("sha1", password, salt.encode(), iterations)
        return hmac.compare_digest(made, octets)

    return judge


def _scram(salt: bytes, iterations: int, keys: ScramKeys) -> Judge:
    def judge(password: bytes) -> bool:
        made = scram_keys(password, salt, iterations)
        return hmac.compare_digest(made.stored_key, keys.stored_key)

    return judge


_ARGON2 = re.compile(
    r"\$argon2(?P<kind>i|id)\$v=19\$m=(?P<memory>\d+),t=(?P<time>\d+),p=\d+"
    r"\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"
)

#: What we are ready to spend on a hash that somebody else made.
_MOST_ITERATIONS = 10_000_000
_MOST_MEMORY = 4 << 20
_MOST_TIME = 100

_CLEAR = frozenset({"PLAIN", "CLEAR", "CLEARTEXT"})

_HASHED = frozenset({
    "CRYPT", "DES-CRYPT", "MD5-CRYPT", "MD5", "SHA256-CRYPT", "SHA512-CRYPT",
    "BLF-CRYPT", "ARGON2I", "ARGON2ID",
})  # fmt: skip

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
