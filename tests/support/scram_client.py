"""
The client's side of SCRAM-SHA-256 (RFC 5802), for round trips.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from mailsuite.wire.saslprep import saslprep


class ScramClient:
    """
    One exchange.
    """

    def __init__(
        self,
        user: str,
        password: str,
        *,
        nonce: str = "rOprNGfwEbeRWgbNEkqO",
        gs2_header: str = "n,,",
        binding: bytes = b"",
    ) -> None:
        """
        :param gs2_header: with the channel binding's name and the authzid.
        :param binding: what the channel is bound by.
        """
        self._password = password
        self._bound = gs2_header.encode() + binding
        name = user.replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={name},r={nonce}"
        self.first = (gs2_header + self._bare).encode()
        self._signature = b""

    def final(self, server_first: bytes) -> bytes:
        """
        The answer to the server's first message.
        """
        fields = dict(
            field.split("=", 1) for field in server_first.decode().split(",")
        )
        salted = hashlib.pbkdf2_hmac(
            "sha256",
            saslprep(self._password).encode(),
            base64.b64decode(fields["s"]),
            int(fields["i"]),
        )
        bound = base64.b64encode(self._bound).decode()
        unproven = f"c={bound},r={fields['r']}"
        signed = f"{self._bare},{server_first.decode()},{unproven}".encode()
        key = hmac.digest(salted, b"Client Key", "sha256")
        mask = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, mask, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self._signature = hmac.digest(server_key, signed, "sha256")
        return f"{unproven},p={base64.b64encode(proof).decode()}".encode()

    def believes(self, server_final: bytes) -> bool:
        """
        Whether the server has proven that it knows the password too.
        """
        return server_final == b"v=" + base64.b64encode(self._signature)
