"""
Mail servers of other makers, each with a domain and ``bob`` in it.
"""

from __future__ import annotations

import smtplib
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.support.neighbours import message, until
from tests.support.tls_peer import certificate

_SECONDS = 20.0


class OtherServer(ABC):
    """
    A server as a process, running until ``stop``.
    """

    def __init__(self, folder: Path, address: str, port: int) -> None:
        """
        Make its folder, with a certificate that nobody vouches for.
        """
        self.folder = folder
        self.address = address
        self.port = port
        folder.chmod(0o755)
        made, key = certificate("localhost")
        (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
        (folder / "key.pem").write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )

    @abstractmethod
    def maildir(self) -> Path:
        """
        Bob's.
        """

    def run(self, command: list[str]) -> None:
        """
        Start it; on return it takes mail.
        """
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                place = (self.address, self.port)
                socket.create_connection(place, 1).close()
            except ConnectionRefusedError:
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """
        End it.
        """
        self._process.terminate()
        self._process.wait(_SECONDS)

    def log(self) -> str:
        """
        What it says that it did.
        """
        return "".join(path.read_text() for path in self.folder.glob("*log"))

    def wait_for(self, needle: str) -> Message:
        """
        The one message of Bob's that contains a text, once it is there.
        """

        def found() -> list[bytes]:
            paths = self.maildir().glob("new/*")
            contents = [path.read_bytes() for path in paths]
            return [one for one in contents if needle.encode() in one]

        [octets] = until(found, self.log)
        return message_from_bytes(octets)

    def send(
        self,
        sender: str,
        to: str,
        subject: str,
        *,
        text: str = "Hello.",
        notify: str = "",
    ) -> None:
        """
        Have a user of it send.

        :param notify: when he wants to be told (RFC 3461).
        """
        with smtplib.SMTP(
            self.address, self.port, "client", _SECONDS,
            source_address=("127.0.0.1", 0),
        ) as client:  # fmt: skip
            client.sendmail(
                sender,
                [to],
                message(sender, to, subject, text),
                rcpt_options=[f"NOTIFY={notify}"] if notify else [],
            )
