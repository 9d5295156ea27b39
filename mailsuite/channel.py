"""
What a login comes over, told by the connection itself.
"""

from __future__ import annotations

from OpenSSL import SSL

from mailsuite.conversation import Conversation
from mailsuite.interfaces import Channel

#: RFC 9266 2.
_EXPORTER_LABEL = b"EXPORTER-Channel-Binding"
_EXPORTER_OCTETS = 32


def channel_of(
    conversation: Conversation, protocol: str, *, clear_passwords: bool
) -> Channel:
    """
    The channel as it is at this moment: ask again after STARTTLS.

    :param protocol: ``smtp``, ``imap`` or ``pop3``.
    :param clear_passwords: the configuration lets passwords cross the network
        in clear.
    """
    peer = conversation.peer()
    tls = conversation.tls
    return Channel(
        protocol=protocol,
        peer=peer.address,
        secure=tls or peer.loopback or clear_passwords,
        tls=tls,
        binding=lambda kind: _binding(conversation.handle(), kind),
    )


def tls_description(conversation: Conversation) -> str | None:
    """
    Protocol and cipher, as ``TLSv1.3 TLS_AES_256_GCM_SHA384``; None in clear.
    """
    handle = conversation.handle()
    if not isinstance(handle, SSL.Connection):
        return None
    return f"{handle.get_protocol_version_name()} {handle.get_cipher_name()}"


def _binding(handle: object, kind: str) -> bytes | None:
    if not isinstance(handle, SSL.Connection):
        return None
    match kind:
        case "tls-exporter":
            # RFC 9266 4.2: below 1.3 it needs the extended master secret,
            # which cannot be asked for here.
            if handle.get_protocol_version_name() != "TLSv1.3":
                return None
            exported: bytes = handle.export_keying_material(
                _EXPORTER_LABEL, _EXPORTER_OCTETS, b""
            )
            return exported
        case "tls-server-end-point":
            return _end_point(handle)
        case _:
            return None


def _end_point(handle: SSL.Connection) -> bytes | None:
    """
    RFC 5929 4.1: the hash of our certificate, by its signature's own hash
    unless that is weaker than SHA-256.
    """
    certificate = handle.get_certificate()
    if certificate is None:
        return None
    algorithm = certificate.to_cryptography().signature_hash_algorithm
    if algorithm is None:
        # RFC 5929 4.1: undefined for such signatures (Ed25519).
        return None
    weak = algorithm.name in {"md5", "sha1"}
    name = "sha256" if weak else algorithm.name
    digest = certificate.digest(name)
    return bytes.fromhex(digest.decode().replace(":", ""))
