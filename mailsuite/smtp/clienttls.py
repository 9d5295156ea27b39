"""
TLS towards other servers: what is demanded, and what came of it.

Implementation notes

- The handshake verifies nothing.  Whether a certificate is the right one
  depends on the policy of the domain that is written to (DANE, MTA-STS, a
  smarthost of ours), and OpenSSL knows one way of telling only; so a judge
  looks at the chain when the handshake is over, before a word is said.
- Sessions are not resumed: with today's keys a handshake costs no more, and a
  resumed one would be judged by a chain that was not sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address

from cryptography import x509
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer

#: Given the chain, the host's own certificate first, and the host's name:
#: says how the host was authenticated, in a word or two for people; raises
#: ``NotAuthenticated``.
Judge = Callable[[Sequence[x509.Certificate], str], str]


class TLSMode(Enum):
    """
    How much of it must be.
    """

    #: In clear.
    NONE = "none"
    #: Where the server offers it.
    OPPORTUNISTIC = "opportunistic"
    #: Or nothing is sent.
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class TLSDemand:
    """
    What is demanded of one connection.

    :param judge: None: whoever it is will do.
    :param server_name: for SNI; empty for the host's.
    :param implicit: TLS from the first octet (RFC 8314), instead of STARTTLS.
    """

    mode: TLSMode
    judge: Judge | None = None
    server_name: str = ""
    implicit: bool = False


CLEAR = TLSDemand(TLSMode.NONE)
OPPORTUNISTIC = TLSDemand(TLSMode.OPPORTUNISTIC)


@dataclass(frozen=True, slots=True)
class Negotiated:
    """
    TLS as it is in force.

    :param chain: what the server sent, its own certificate first.
    :param verified: how it was authenticated; empty if it was not.
    """

    version: str
    cipher: str
    chain: tuple[x509.Certificate, ...]
    verified: str = ""

    def __str__(self) -> str:
        """
        As Received and logs have it.
        """
        return f"{self.version} {self.cipher}"


def client_context() -> SSL.Context:
    """
    For all connections to other servers: TLS 1.2 at least.
    """
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_TICKET)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    return context


@implementer(IOpenSSLClientConnectionCreator)
class ClientConnections:
    """
    Makes the TLS side of one connection, with SNI.
    """

    def __init__(self, context: SSL.Context, server_name: str) -> None:
        self._context = context
        self._server_name = server_name

    def clientConnectionForTLS(  # noqa: N802 - the name is Twisted's
        self,
        tlsProtocol: TLSMemoryBIOProtocol,  # noqa: N803
    ) -> SSL.Connection:
        """
        One that has not shaken hands yet.
        """
        connection = SSL.Connection(self._context, None)
        if not _is_address(self._server_name):
            connection.set_tlsext_host_name(self._server_name.encode())
        return connection


def negotiated(connection: SSL.Connection) -> Negotiated:
    """
    What a finished handshake came to; nobody has judged it yet.
    """
    chain = connection.get_peer_cert_chain(as_cryptography=True)
    return Negotiated(
        connection.get_protocol_version_name(),
        connection.get_cipher_name() or "",
        tuple(chain or ()),
    )


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
