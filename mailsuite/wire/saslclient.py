"""
SASL mechanisms, the client's side (RFC 4422).

PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login) and SCRAM-SHA-256 with and
without channel binding (RFC 5802, RFC 7677).

Implementation notes

- Messages are decoded octets, as on the server's side.
- The slow hash of SCRAM is a function of its own, ``salted``, for the caller
  to take where it may be slow; a server may ask for very much of it, and is
  refused then.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field

from mailsuite.errors import BadExchange
from mailsuite.wire.sasl import decode_base64
from mailsuite.wire.saslprep import saslprep

_SERVER_FIRST = re.compile(
    r"r=(?P<nonce>[!-+\--~]+),s=(?P<salt>[A-Za-z0-9+/=]+),i=(?P<count>[1-9][0-9]{0,8})"
    r"(?:,[A-Za-z]=[^,]+)*"
)
_SERVER_FINAL = re.compile(r"v=(?P<signature>[A-Za-z0-9+/=]+)(?:,.*)?")

#: RFC 7677 4: 4,096 at least.  A million takes about a second.
FEWEST_ITERATIONS = 4096
MOST_ITERATIONS = 1_000_000


def plain(user: str, password: str) -> bytes:
    """
    PLAIN's one message.
    """
    return f"\0{user}\0{password}".encode()


@dataclass(frozen=True, slots=True)
class SlowHash:
    """
    What SCRAM's keys are made of.
    """

    password: bytes = field(repr=False)
    salt: bytes
    iterations: int

    def salted(self) -> bytes:
        """
        The salted password; takes its time by design.
        """
        return hashlib.pbkdf2_hmac(
            "sha256", self.password, self.salt, self.iterations
        )


class ScramClient:
    """
    One SCRAM-SHA-256 exchange: ``first``, ``challenged``, ``final``,
    ``proven``.
    """

    def __init__(
        self,
        user: str,
        password: str,
        *,
        nonce: str,
        binding: tuple[str, bytes] | None,
        could_bind: bool,
    ) -> None:
        """
        :param nonce: printable, without a comma, never used again.
        :param binding: for -PLUS, the channel binding's type and octets.
        :param could_bind: the channel has a binding, but the server offers no
            -PLUS (RFC 5802 6: it is told so).
        """
        self._password = password
        self._nonce = nonce
        kind, octets = binding or ("", b"")
        flag = f"p={kind}" if binding else "y" if could_bind else "n"
        self._bound = f"{flag},,".encode() + octets
        name = user.replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={name},r={nonce}"
        self.first = f"{flag},,{self._bare}".encode()
        self._server_first = ""
        self._signature = b""

    def challenged(self, message: bytes) -> SlowHash:
        """
        Take the server's first message.

        :raises BadExchange: it breaks the syntax, is not the answer to ours,
            or asks for too little or too much work.
        """
        text = _text(message)
        found = _SERVER_FIRST.fullmatch(text)
        if found is None:
            raise BadExchange
        count = int(found["count"])
        nonce = found["nonce"]
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise BadExchange
        if not FEWEST_ITERATIONS <= count <= MOST_ITERATIONS:
            raise BadExchange
        self._server_first = text
        self._nonce = nonce
        salt = decode_base64(found["salt"].encode())
        return SlowHash(_prepared(self._password), salt, count)

    def final(self, salted: bytes) -> bytes:
        """
        Our last message, with the proof.
        """
        bound = base64.b64encode(self._bound).decode()
        unproven = f"c={bound},r={self._nonce}"
        signed = f"{self._bare},{self._server_first},{unproven}".encode()
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        mask = hmac.digest(
            hashlib.sha256(client_key).digest(), signed, "sha256"
        )
        proof = bytes(a ^ b for a, b in zip(client_key, mask, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self._signature = hmac.digest(server_key, signed, "sha256")
        return f"{unproven},p={base64.b64encode(proof).decode()}".encode()

    def proven(self, message: bytes) -> None:
        """
        Take the server's last message: it knows the password too.

        :raises BadExchange: it does not.
        """
        found = _SERVER_FINAL.fullmatch(_text(message))
        if found is None:
            raise BadExchange
        signature = decode_base64(found["signature"].encode())
        if not hmac.compare_digest(signature, self._signature):
            raise BadExchange


def _prepared(password: str) -> bytes:
    try:
        return saslprep(password).encode()
    except ValueError:
        # As most servers take it: octets as they are.
        return password.encode()


def _text(message: bytes) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError as error:
        raise BadExchange from error
