"""
What stands in the mailboxes when a dialogue of tests/dialogs/imap begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailsuite.mail.flags import DELETED, SEEN
from tests.support.imap_server import IMAPServer

#: RFC 3501 8: the message that its sample connection reads.
_MINUTES = b"""\
Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
From: Terry Gray <gray@cac.washington.edu>
Subject: IMAP4rev1 WG mtg summary and minutes
To: imap@cac.washington.edu
cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
Message-Id: <B27397-0100000@cac.washington.edu>
MIME-Version: 1.0
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

The minutes.
""".replace(b"\n", b"\r\n")

#: The structure of RFC 9051 6.4.5's example of part numbers.
_NUMBERED = b"""\
From: a@example.org
Subject: numbers
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=one

--one
Content-Type: text/plain

part 1
--one
Content-Type: application/octet-stream

part 2
--one
Content-Type: message/rfc822

Subject: inside 3
Content-Type: multipart/mixed; boundary=two

--two

part 3.1
--two
Content-Type: application/octet-stream

part 3.2
--two--
--one
Content-Type: multipart/mixed; boundary=three

--three
Content-Type: image/gif

part 4.1
--three
Content-Type: message/rfc822

Subject: inside 4.2
Content-Type: multipart/mixed; boundary=four

--four

part 4.2.1
--four
Content-Type: multipart/alternative; boundary=five

--five

part 4.2.2.1
--five
Content-Type: text/richtext

part 4.2.2.2
--five--
--four--
--three--
--one--
""".replace(b"\n", b"\r\n")

_ENCODED = b"""\
From: a@example.org
Subject: encoded
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

caf=C3=A9 and a soft =
break
--x
Content-Type: application/octet-stream
Content-Transfer-Encoding: base64

AAECAwQ=
--x
Content-Type: application/octet-stream
Content-Transfer-Encoding: x-unheard-of

%%%%
--x--
""".replace(b"\n", b"\r\n")


def letter(number: int) -> bytes:
    """
    A short message.
    """
    return (
        b"From: bob@example.org\r\nSubject: letter %d\r\n\r\nNumber %d.\r\n"
        % (number, number)
    )


@dataclass(frozen=True)
class Setup:
    """
    What a dialogue begins with.

    :param messages: content and flags of those in INBOX; all came at ``NOW``.
    :param options: of the server: see ``IMAPServer``.
    """

    messages: Sequence[tuple[bytes, Sequence[str]]] = tuple(
        (letter(number), ()) for number in (1, 2, 3)
    )
    options: Mapping[str, Any] = field(default_factory=dict)


_SETUPS = {
    "rfc3501-sample": Setup(
        [
            *((letter(number), [SEEN]) for number in range(1, 12)),
            (_MINUTES, [SEEN]),
            *((letter(number), ()) for number in range(13, 19)),
        ]
    ),
    "mime": Setup([(_NUMBERED, ()), (_ENCODED, ())]),
    "quota": Setup(options={"octets_limit": 65536, "messages_limit": 5}),
    "uidplus": Setup(
        [
            (letter(1), ()),
            (letter(2), [DELETED]),
            (letter(3), [DELETED]),
            (letter(4), ()),
        ]
    ),
    "dotted": Setup((), {"separator": "."}),
    "append": Setup((), {"append_limit": 1000}),
}

#: Dialogues whose clients are on another machine.
_FROM_AFAR = {"cleartext"}


def setup_for(name: str) -> Setup:
    """
    What a dialogue begins with: three letters in INBOX unless said otherwise.
    """
    return _SETUPS.get(name, Setup())


def server_for(name: str) -> IMAPServer:
    """
    A server in memory that is ready for a dialogue.
    """
    setup = setup_for(name)
    server = IMAPServer(**setup.options)
    for content, flags in setup.messages:
        server.append(content, flags=flags)
    return server


def host_for(name: str) -> str:
    """
    Where the dialogue's clients are.
    """
    return "192.0.2.1" if name in _FROM_AFAR else "127.0.0.1"
