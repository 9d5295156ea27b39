"""
The ``sendmail`` that programs on a machine expect: options, recipients, and
what is added to their messages.

Options are those that Sendmail, Postfix and Exim have in common; what concerns
how a daemon works (``-odb``, ``-q``) is taken and means nothing here.
"""

from __future__ import annotations

import getopt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mailsuite.mail import xtext
from mailsuite.mail.addresslists import addresses
from mailsuite.mail.headers import every, section_end
from mailsuite.mail.lineends import LineEnds
from mailsuite.transfer.submission import without_hidden_recipients

_OPTIONS = "A:B:b:C:d:F:f:Gh:IiL:mN:no:O:p:R:r:stUV:vX:"

_DSN_WORDS = {"never", "success", "failure", "delay"}


class BadUsage(Exception):
    """
    The command line makes no sense; the text says why.
    """


@dataclass(frozen=True, slots=True)
class Invocation:
    """
    What a command line asks for.

    :param mode: ``m`` to send, ``s`` to speak SMTP, ``p`` to list the queue,
        ``i`` to rebuild aliases (nothing is to be done for it).
    :param sender: the reverse-path; empty is the null one; None if not said.
    :param full_name: for a From field that has to be added.
    :param from_header: recipients stand in the header.
    :param dots: a line of one dot is text, not the end.
    """

    mode: str = "m"
    sender: str | None = None
    full_name: str | None = None
    from_header: bool = False
    dots: bool = False
    recipients: tuple[str, ...] = ()
    mail_options: tuple[str, ...] = ()
    recipient_options: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    mode: str = "m"
    sender: str | None = None
    full_name: str | None = None
    from_header: bool = False
    dots: bool = False
    mail_options: list[str] = field(default_factory=list)
    recipient_options: list[str] = field(default_factory=list)


def parse(arguments: Sequence[str]) -> Invocation:
    """
    Read a command line.

    :raises BadUsage: it cannot be understood.
    """
    # -q takes its value attached or has none, which getopt does not know.
    known = [one for one in arguments if not re.fullmatch(r"-q\S*", one)]
    try:
        options, recipients = getopt.gnu_getopt(known, _OPTIONS)
    except getopt.GetoptError as error:
        raise BadUsage(str(error)) from error
    found = _Found()
    for option, value in options:
        _take(found, option, value)
    return Invocation(
        mode=found.mode,
        sender=found.sender,
        full_name=found.full_name,
        from_header=found.from_header,
        dots=found.dots,
        recipients=tuple(recipients),
        mail_options=tuple(found.mail_options),
        recipient_options=tuple(found.recipient_options),
    )


def _take(found: _Found, option: str, value: str) -> None:
    match option, value:
        case "-b", "m" | "s" | "p" | "i":
            found.mode = value
        case "-b", _:
            raise BadUsage(f"-b{value} is not done here")
        case "-f" | "-r", _:
            found.sender = value.strip().removeprefix("<").removesuffix(">")
        case "-F", _:
            found.full_name = value
        case "-t", _:
            found.from_header = True
        case "-i", _:
            found.dots = True
        case "-o", "i":
            found.dots = True
        case "-N", _:
            words = {word.strip().lower() for word in value.split(",")}
            if not words <= _DSN_WORDS or ("never" in words and len(words) > 1):
                raise BadUsage(
                    f"-N {value}: expected never, or of success, failure, delay"
                )
            chosen = ",".join(sorted(word.upper() for word in words))
            found.recipient_options.append(f"NOTIFY={chosen}")
        case "-R", _:
            if value.lower() not in {"full", "hdrs"}:
                raise BadUsage(f"-R {value}: expected full or hdrs")
            found.mail_options.append(f"RET={value.upper()}")
        case "-V", _:
            if not value.isascii() or not value.isprintable():
                raise BadUsage(f"-V {value}: expected printable ASCII")
            found.mail_options.append(f"ENVID={xtext.encode(value)}")


# --- The message -------------------------------------------------------------


def content_of(octets: bytes, *, dots: bool) -> bytes:
    """
    What a program wrote, with CR LF at the end of each line.

    :param dots: a line of one dot is text; else it ends the message.
    """
    if not dots:
        end = re.search(rb"^\.\r?$", octets, re.MULTILINE)
        if end is not None:
            octets = octets[: end.start()]
    content = LineEnds().feed(octets)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    return content


def header_recipients(content: bytes) -> list[str]:
    """
    The addresses of To, Cc and Bcc; of the Resent ones where there are any.
    """
    section = content[: section_end(content)]
    for prefix in (b"Resent-", b""):
        found = [
            str(named.address) if named.domain else named.local_part.decode()
            for name in (b"To", b"Cc", b"Bcc")
            for value in every(section, prefix + name)
            for named in addresses(value)
            if named.local_part
        ]
        if found:
            return list(dict.fromkeys(found))
    return []


def without_bcc(content: bytes) -> bytes:
    """
    The message less the fields that name hidden recipients.
    """
    end = section_end(content)
    return without_hidden_recipients(content[:end]) + content[end:]


def with_from(content: bytes, address: str, full_name: str | None) -> bytes:
    """
    The message with a From field, where it has none.
    """
    end = section_end(content)
    if every(content[:end], b"From"):
        return content
    author = address
    if full_name:
        name = re.sub(r'(["\\])', r"\\\1", " ".join(full_name.split()))
        author = f'"{name}" <{address}>'
    # What is no field must not become the rest of ours.
    gap = b"" if end else b"\r\n"
    return f"From: {author}\r\n".encode() + gap + content


def completed(address: str, domain: str) -> str:
    """
    A bare name is one of this machine.
    """
    return address if "@" in address or not address else f"{address}@{domain}"
