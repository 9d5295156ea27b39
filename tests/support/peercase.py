"""
Alice of ``a.test`` sends to hosts that a test plays.
"""

from __future__ import annotations

import ssl
from email import message_from_bytes, message_from_string
from email.message import Message
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from twisted.trial.unittest import SynchronousTestCase

from tests.support.neighbours import (
    neighbours,
    peer_address,
    until,
)
from tests.support.scripted_peer import Script, ScriptedPeer
from tests.support.tls_peer import certificate


class PeerTestCase(SynchronousTestCase):
    """
    Alice sends to hosts that a test plays.
    """

    def setUp(self) -> None:
        """
        The suite that sends runs.
        """
        self.site = neighbours().a

    def context(self, name: str) -> ssl.SSLContext:
        """
        The server's side of TLS, for a host of that name.
        """
        return context_of(name, Path(self.mktemp()))[0]

    def peer(
        self,
        number: int,
        script: Script = lambda command, session: None,
        *,
        offers: tuple[str, ...] = ("PIPELINING", "8BITMIME"),
        tls: ssl.SSLContext | None = None,
    ) -> ScriptedPeer:
        """
        The host of ``p<number>.test``.
        """
        started = ScriptedPeer(
            peer_address(number),
            neighbours().port,
            script,
            offers=offers,
            tls=tls,
        )
        self.addCleanup(started.stop)
        return started

    def finished(self, queue_id: str) -> str:
        """
        What the trace tells once a message has left the queue.
        """
        until(lambda: not self.site.waiting(queue_id), self.site.log)
        return self.site.trace(queue_id)

    def bounce(self, needle: str) -> Message:
        """
        The one notification that Alice has about something, as she reads it.
        """
        found = message_from_bytes(self.site.wait_for("alice", needle))
        self.assertEqual(found.get_content_type(), "multipart/report")
        return found


def groups(bounce: Message) -> list[dict[str, str]]:
    """
    The fields of each recipient in a notification.
    """
    status = bounce.get_payload(1)
    assert isinstance(status, Message)
    if status.get_content_type() == "message/delivery-status":
        parts = cast("list[Message]", status.get_payload())
    else:
        # Of RFC 6533, which the parser takes for a message.
        inner = cast("list[Message]", status.get_payload())[0].as_string()
        parts = list(map(message_from_string, inner.split("\n\n")))
    return [dict(one.items()) for one in parts[1:]]


def words(bounce: Message) -> str:
    """
    What a notification says to a person.
    """
    part = bounce.get_payload(0)
    assert isinstance(part, Message)
    octets = part.get_payload(decode=True)
    assert isinstance(octets, bytes)
    return octets.decode()


def context_of(
    name: str, path: Path
) -> tuple[ssl.SSLContext, x509.Certificate]:
    """
    The server's side of TLS, with a certificate that it made itself.

    :param path: of a file that this takes.
    """
    made, key = certificate(name)
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + made.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, made
