"""
Mail from programs on this machine: the client's side of the suite's UNIX
socket, which any local user may connect to.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mailsuite.app.asking import short_path

SOCKET_NAME = "submit.socket"

#: Seconds; a message of many megabytes is checked and synced at the end.
_SECONDS = 600.0

_QUEUE_ID = re.compile(rb" as ([0-9a-f]{8,})\b")


class CannotSubmit(Exception):
    """
    The message was not taken; the text is for the user.

    :param temporary: the same may succeed later.
    """

    def __init__(self, text: str, *, temporary: bool) -> None:
        super().__init__(text)
        self.temporary = temporary


@dataclass(frozen=True, slots=True)
class Submitted:
    """
    What became of a message.

    :param queue_id: its name in the log and in ``mailsuite trace``.
    :param refused: recipients that were not taken, each with the reason.
    """

    queue_id: str
    refused: dict[str, str]


class _OverUNIX(smtplib.SMTP):
    """
    SMTP to a UNIX socket; the host is its path.
    """

    def _get_socket(
        self, host: str, port: int, timeout: float
    ) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(timeout)
        connection.connect(host)
        return connection


def connect(state: Path) -> socket.socket:
    """
    A connection to the suite, to speak SMTP over.

    :raises CannotSubmit: it does not run.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(short_path(state / SOCKET_NAME))
    except OSError as error:
        connection.close()
        raise _not_running(state, error) from error
    return connection


def submit(
    state: Path,
    reverse_path: str,
    recipients: Sequence[str],
    content: bytes,
    mail_options: Sequence[str] = (),
    recipient_options: Sequence[str] = (),
) -> Submitted:
    """
    Hand a message to the suite; on return it survives a power cut.

    :param content: CR LF at the end of each line.
    :param mail_options: parameters of MAIL, ``RET=HDRS`` for example.
    :param recipient_options: parameters of each RCPT.
    :raises CannotSubmit: it was not taken for anybody.
    """
    for path in (reverse_path, *recipients):
        # Line ends are none, nor is what the command line had in no UTF-8.
        if not path.isprintable():
            raise CannotSubmit(f"{path!r} is no address", temporary=False)
    client = _OverUNIX(timeout=_SECONDS)
    try:
        # The port is not looked at; without one, a colon would tell it.
        _expect(client.connect(short_path(state / SOCKET_NAME), 25))
        taken = _transaction(
            client,
            reverse_path,
            recipients,
            content,
            list(mail_options),
            list(recipient_options),
        )
    except smtplib.SMTPResponseException as error:
        reply = (error.smtp_code, _octets(error.smtp_error))
        raise _refused(reply) from error
    except smtplib.SMTPException as error:
        raise CannotSubmit(str(error), temporary=True) from error
    except OSError as error:
        raise _not_running(state, error) from error
    finally:
        # Whatever comes of the farewell, what was taken is taken.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            client.quit()
        client.close()
    return taken


def _transaction(
    client: smtplib.SMTP,
    reverse_path: str,
    recipients: Sequence[str],
    content: bytes,
    mail_options: list[str],
    recipient_options: list[str],
) -> Submitted:
    client.ehlo("localhost")
    paths = [reverse_path, *recipients]
    if not all(path.isascii() for path in paths):
        mail_options.append("SMTPUTF8")
        client.command_encoding = "utf-8"
    if not content.isascii():
        mail_options.append("BODY=8BITMIME")
    mail_options.append(f"SIZE={len(content)}")
    _expect(client.mail(reverse_path, mail_options))
    refused: dict[str, str] = {}
    last = (250, b"")
    for recipient in recipients:
        last = client.rcpt(recipient, recipient_options)
        if last[0] >= 400:
            refused[recipient] = _text(last)
    if len(refused) == len(recipients):
        _expect(last)
    reply = client.data(content)
    _expect(reply)
    found = _QUEUE_ID.search(reply[1])
    return Submitted(found[1].decode() if found else "", refused)


def _expect(reply: tuple[int, bytes]) -> None:
    if not 200 <= reply[0] < 400:
        raise _refused(reply)


def _refused(reply: tuple[int, bytes]) -> CannotSubmit:
    # A reply that is none is a matter of this moment.
    return CannotSubmit(_text(reply), temporary=reply[0] < 500)


def _octets(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _text(reply: tuple[int, bytes]) -> str:
    return f"{reply[0]} {reply[1].decode('utf-8', 'replace')}"


def _not_running(state: Path, error: OSError) -> CannotSubmit:
    return CannotSubmit(
        f"no suite takes mail at {state / SOCKET_NAME}"
        f" ({error.strerror or error}); is it running?",
        temporary=True,
    )
