"""
Mail from this machine: ``mailsuite send`` for people, ``sendmail`` for
programs.
"""

from __future__ import annotations

import mimetypes
import os
import pwd
import select
import socket
import sys
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate
from pathlib import Path

import click

from mailsuite.app import localmail, sendmail
from mailsuite.app.commands.queues import queue_table
from mailsuite.app.commands.terminal import (
    SuiteCommand,
    Where,
    as_json_option,
    show,
)

#: sysexits(3), which callers of sendmail look at.
_USAGE, _NO_INPUT, _TRY_LATER, _REFUSED = 64, 66, 75, 69


@click.command("send", cls=SuiteCommand)
@click.argument("recipients", nargs=-1, required=True, metavar="ADDRESS...")
@click.option("--from", "sender", metavar="ADDRESS", help="Else you, here.")
@click.option("--subject", default="", help="The subject.")
@click.option(
    "--attach",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file to go with it; may be repeated.",
)
@as_json_option
@click.pass_obj
def send(
    where: Where,
    recipients: tuple[str, ...],
    sender: str | None,
    subject: str,
    files: tuple[Path, ...],
    as_json: bool,
) -> None:
    """
    Send the text on standard input to some addresses.

    Example: echo 'The door is open.' |
    mailsuite send --subject Hello bob@example.org
    """
    domain = where.read().default_domain
    author = sendmail.completed(sender or _user(), domain)
    to = [sendmail.completed(one, domain) for one in recipients]
    if sys.stdin.isatty():
        click.echo("Type the message; end it with Ctrl-D.", err=True)
    # Of whatever the locale makes of it.
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    content = _composed(author, to, subject, text, files)
    try:
        result = localmail.submit(where.state_folder(), author, to, content)
    except localmail.CannotSubmit as error:
        raise click.ClickException(str(error)) from error
    plain = {"queue_id": result.queue_id, "refused": result.refused}
    show(plain, as_json, lambda: _told(result))
    if result.refused:
        raise SystemExit(1)


def _told(result: localmail.Submitted) -> str:
    lines = [f"Not to {one}: {why}" for one, why in result.refused.items()]
    lines.append(
        f"Accepted as {result.queue_id}; what becomes of it: "
        f"mailsuite trace {result.queue_id}"
    )
    return "\n".join(lines)


def _composed(
    author: str,
    recipients: list[str],
    subject: str,
    text: str,
    files: tuple[Path, ...],
) -> bytes:
    # An encoded word is no part of an address (RFC 2047 5).
    plain = all(map(str.isascii, [author, *recipients]))
    message = EmailMessage(policy=SMTP if plain else SMTPUTF8)
    try:
        message["From"] = author
        message["To"] = ", ".join(recipients)
        message["Subject"] = subject
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    message["Date"] = formatdate(localtime=True)
    message.set_content(text)
    for path in files:
        main, _, sub = _kind(path.name).partition("/")
        message.add_attachment(
            path.read_bytes(), maintype=main, subtype=sub, filename=path.name
        )
    return message.as_bytes()


def _kind(name: str) -> str:
    """
    The media type of a file, for what is sent in base64.

    RFC 2046 5: messages and multiparts may not be.
    """
    kind, encoding = mimetypes.guess_type(name)
    if kind is None or encoding or kind.startswith(("message/", "multipart/")):
        return "application/octet-stream"
    return kind


# --- sendmail ----------------------------------------------------------------


# Not a SuiteCommand: all options are sendmail's own; those that say which suite
# is meant stand before the command.
@click.command(
    "sendmail",
    context_settings={
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
        "help_option_names": ["--help"],
    },
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def sendmail_command(
    context: click.Context, arguments: tuple[str, ...]
) -> None:
    """
    Take a message from a program, as sendmail(8) does.

    Known are -t, -i, -f, -F, -N, -R, -V, -bm, -bs, -bp and those that mean
    nothing here.  The command mailsuite-sendmail is the same; a link to it
    as /usr/sbin/sendmail makes it the machine's.  If the suite does not run,
    the exit status is 75: try again later.

    Example: mailsuite sendmail -t -i < message.eml
    """
    raise SystemExit(_run(context.ensure_object(Where), list(arguments)))


def main() -> None:
    """
    The command ``mailsuite-sendmail``.
    """
    raise SystemExit(_run(Where(), sys.argv[1:]))


def _run(where: Where, arguments: list[str]) -> int:
    """
    Carry a command line out.

    :return: an exit status of sysexits(3).
    """
    try:
        wish = sendmail.parse(arguments)
        match wish.mode:
            case "s":
                _speak(localmail.connect(where.state_folder()))
                return 0
            case "p":
                click.echo(
                    queue_table(
                        where.perform("queue.list", after="", filter={})
                    )
                )
                return 0
            case "i":
                return 0
            case _:
                return _submit(where, wish)
    except sendmail.BadUsage as error:
        return _failed(str(error), _USAGE)
    except localmail.CannotSubmit as error:
        return _failed(str(error), _TRY_LATER if error.temporary else _REFUSED)
    except click.ClickException as error:
        # The configuration, or the suite: not the message's fault.
        return _failed(error.format_message(), _TRY_LATER)
    except OSError as error:
        return _failed(str(error), _TRY_LATER)


def _submit(where: Where, wish: sendmail.Invocation) -> int:
    domain = where.read().default_domain
    content = sendmail.content_of(sys.stdin.buffer.read(), dots=wish.dots)
    recipients = list(wish.recipients)
    if wish.from_header:
        recipients += sendmail.header_recipients(content)
        content = sendmail.without_bcc(content)
    if not recipients:
        return _failed("no recipients", _USAGE)
    user = sendmail.completed(_user(), domain)
    sender = user if wish.sender is None else wish.sender
    content = sendmail.with_from(
        content, sendmail.completed(sender or user, domain), wish.full_name
    )
    result = localmail.submit(
        where.state_folder(),
        sendmail.completed(sender, domain),
        [sendmail.completed(one, domain) for one in dict.fromkeys(recipients)],
        content,
        wish.mail_options,
        wish.recipient_options,
    )
    for recipient, why in result.refused.items():
        _failed(f"{recipient}: {why}", _REFUSED)
    return _REFUSED if result.refused else 0


def _speak(connection: socket.socket) -> None:
    """
    Pass octets between the caller and the suite until either ends.
    """
    stdin, stdout = sys.stdin.fileno(), sys.stdout.fileno()
    sources = [stdin, connection.fileno()]
    while True:
        for ready in select.select(sources, [], [])[0]:
            octets = os.read(ready, 65536)
            if ready == stdin:
                if octets:
                    connection.sendall(octets)
                else:
                    sources.remove(stdin)
                    connection.shutdown(socket.SHUT_WR)
            elif octets:
                while octets:
                    octets = octets[os.write(stdout, octets) :]
            else:
                return


def _failed(text: str, status: int) -> int:
    click.echo(f"sendmail: {text}", err=True)
    return status


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid{os.getuid()}"
