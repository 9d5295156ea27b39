"""
SASL mechanisms, the server's side, one message at a time (RFC 4422).

PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login) and SCRAM-SHA-256 with and
without channel binding (RFC 5802, RFC 7677).

Implementation notes

- Nothing here waits, looks anything up or makes a nonce: what is needed comes
  in as an argument, and the caller carries the messages.
- Messages are decoded octets.  Base64, and the ``=`` and ``*`` around it, are
  the protocols' own; ``decode_base64`` is what they share.
- A broken message is ``BadExchange``; a proof that does not fit is
  ``LoginRefused``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mailsuite.errors import BadExchange, LoginRefused

# RFC 5801 4: the start of the client's first message.
_GS2_HEADER = re.compile(
    r"(?P<flag>p=(?P<binding>[A-Za-z0-9.-]+)|n|y),(?:a=(?P<authzid>[^,]+))?,"
)
_CLIENT_FIRST_BARE = re.compile(
    r"n=(?P<user>[^,]*),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,]+)*"
)
_CLIENT_FINAL = re.compile(
    r"(?P<unproven>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>[!-+\--~]+)"
    r"(?:,[A-Za-z]=[^,]+)*),p=(?P<proof>[A-Za-z0-9+/=]+)"
)

BINDINGS = ("tls-exporter", "tls-server-end-point")
"""
The channel bindings that -PLUS takes (RFC 9266, RFC 5929).
"""


def decode_base64(text: bytes) -> bytes:
    """
    Base64 as RFC 4648 4 has it: no other octet, complete padding.

    :raises BadExchange: it is anything else.
    """
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadExchange from error
    # b64decode lets stray bits after the last octet pass (RFC 4648 3.5).
    if base64.b64encode(octets) != text:
        raise BadExchange
    return octets


@dataclass(frozen=True, slots=True)
class PlainLogin:
    """
    What PLAIN and LOGIN bring.

    :param authzid: whom the user wants to act as; empty for himself.
    """

    authzid: str
    user: str
    password: str = field(repr=False)


class Plain:
    """
    PLAIN: one message has it all (RFC 4616).
    """

    def step(self, response: bytes | None) -> bytes | PlainLogin:
        """
        Take the client's message; None asks for it with an empty challenge.

        :raises BadExchange: not three parts, or a part that may not be.
        """
        if response is None:
            return b""
        authzid, user, password = _three_parts(_text(response))
        if not user or not password:
            raise BadExchange
        return PlainLogin(authzid, user, password)


def _three_parts(text: str) -> tuple[str, str, str]:
    parts = text.split("\0")
    if len(parts) != 3:
        raise BadExchange
    return parts[0], parts[1], parts[2]


class Login:
    """
    LOGIN: the user, then the password; without a standard, much used.
    """

    def __init__(self) -> None:
        self._user: str | None = None

    def step(self, response: bytes | None) -> bytes | PlainLogin:
        """
        Take the client's next message.

        Clients look at nothing but the order of the two challenges, whose
        text is what everybody sends.

        :raises BadExchange: it is empty or has a NUL.
        """
        if response is None:
            return b"Username:"
        text = _text(response)
        if not text or "\0" in text:
            raise BadExchange
        if self._user is None:
            self._user = text
            return b"Password:"
        return PlainLogin("", self._user, text)


# --- SCRAM -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """
    What proves one password, and us to whoever has it (RFC 5802 3).
    """

    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScramSecrets:
    """
    What a user's exchange is judged by.

    :param keys: of the passwords that share salt and count; any of them will
        do, and none if nothing shall.
    """

    salt: bytes
    iterations: int
    keys: Sequence[ScramKeys]


def scram_keys(password: bytes, salt: bytes, iterations: int) -> ScramKeys:
    """
    Derive the keys of a prepared password; takes its time by design.
    """
    salted = hashlib.pbkdf2_hmac("sha256", password, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return ScramKeys(
        stored_key=hashlib.sha256(client_key).digest(),
        server_key=hmac.digest(salted, b"Server Key", "sha256"),
    )


@dataclass(frozen=True, slots=True)
class ScramUser:
    """
    Whom the client's first message names.
    """

    authzid: str
    user: str


class Scram:
    """
    One SCRAM-SHA-256 exchange: ``first``, ``challenge``, ``final``.
    """

    def __init__(
        self,
        nonce: str,
        *,
        plus: bool,
        plus_announced: bool,
        binding: Callable[[str], bytes | None],
    ) -> None:
        """
        :param nonce: our part: printable, without a comma, never used again.
        :param plus: the mechanism is -PLUS.
        :param plus_announced: the client could have taken -PLUS.
        :param binding: the channel's binding of a type, if it has one.
        """
        self._nonce = nonce
        self._plus = plus
        self._plus_announced = plus_announced
        self._binding = binding
        self._bound = b""
        self._client_first_bare = ""
        self._server_first = ""
        self._keys: Sequence[ScramKeys] = ()

    def first(self, message: bytes) -> ScramUser:
        """
        Take the client's first message.

        :raises BadExchange: it breaks the syntax, has a mandatory extension,
            or asks for a channel binding that is not here.
        :raises LoginRefused: the client could have bound the channel and was
            told that we could not: somebody stands between (RFC 5802 6).
        """
        text = _text(message)
        header = _GS2_HEADER.match(text)
        if header is None:
            raise BadExchange
        self._check_binding(header["flag"], header["binding"])
        self._bound = header[0].encode() + self._binding_octets(
            header["binding"]
        )
        bare = _CLIENT_FIRST_BARE.fullmatch(text, header.end())
        if bare is None:
            raise BadExchange
        self._client_first_bare = bare[0]
        self._nonce = bare["nonce"] + self._nonce
        return ScramUser(
            authzid=_saslname(header["authzid"] or ""),
            user=_saslname(bare["user"]),
        )

    def challenge(self, secrets: ScramSecrets) -> bytes:
        """
        The server's first message.
        """
        salt = base64.b64encode(secrets.salt).decode()
        self._keys = secrets.keys
        self._server_first = f"r={self._nonce},s={salt},i={secrets.iterations}"
        return self._server_first.encode()

    def final(self, message: bytes) -> bytes:
        """
        Take the client's last message.

        :return: the server's last message; the client is who it says.
        :raises BadExchange: it breaks the syntax.
        :raises LoginRefused: nonce, channel or proof are not right.
        """
        final = _CLIENT_FINAL.fullmatch(_text(message))
        if final is None:
            raise BadExchange
        bound = decode_base64(final["binding"].encode())
        proof = decode_base64(final["proof"].encode())
        if not (
            hmac.compare_digest(bound, self._bound)
            and hmac.compare_digest(final["nonce"], self._nonce)
        ):
            raise LoginRefused
        signed = ",".join(
            (self._client_first_bare, self._server_first, final["unproven"])
        ).encode()
        server_key = self._proven(proof, signed)
        signature = hmac.digest(server_key, signed, "sha256")
        return b"v=" + base64.b64encode(signature)

    def _check_binding(self, flag: str, binding: str | None) -> None:
        # RFC 5802 6
        if self._plus != (binding is not None):
            raise BadExchange
        if flag == "y" and self._plus_announced:
            raise LoginRefused

    def _binding_octets(self, binding: str | None) -> bytes:
        if binding is None:
            return b""
        octets = self._binding(binding) if binding in BINDINGS else None
        if octets is None:
            raise BadExchange
        return octets

    def _proven(self, proof: bytes, signed: bytes) -> bytes:
        """
        The server's key for what the proof was made with; all are tried, so
        that time tells nothing.
        """
        found = None
        for keys in self._keys:
            if _fits(proof, keys.stored_key, signed):
                found = keys.server_key
        if found is None:
            raise LoginRefused
        return found


def _fits(proof: bytes, stored_key: bytes, signed: bytes) -> bool:
    signature = hmac.digest(stored_key, signed, "sha256")
    if len(proof) != len(signature):
        return False
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), stored_key)


def _saslname(text: str) -> str:
    """
    Undo the quoting of ``,`` and ``=`` (RFC 5802 5.1).
    """
    if "=" in re.sub("=2C|=3D", "", text) or "\0" in text:
        raise BadExchange
    return text.replace("=2C", ",").replace("=3D", "=")


def _text(message: bytes) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError as error:
        raise BadExchange from error
