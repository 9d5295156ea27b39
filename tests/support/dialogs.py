"""
Plays golden conversations, in the RFCs' own notation.

A dialogue is a text file::

    # RFC 1939 5: a comment
    S: +OK POP3 server ready
    C: user bob
    S: +OK
    C2: a NOOP
    S2: a OK ~

- ``C:`` sends the line and CR LF; ``S:`` expects a line.  A number names one of
  several clients, which connect in the order they appear.
- ``~`` in an expected line matches the rest of it.
- ``X:`` sends octets as they are: the text is read as a Python bytes literal's
  inside, and no CR LF is added.
- ``S: (closed)`` expects that we end the connection.
- All that was sent by us must have been expected when a client speaks next.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from twisted.internet.interfaces import IProtocol
from twisted.internet.testing import StringTransport

DIALOGS = Path(__file__).parent.parent / "dialogs"

_STEP = re.compile(r"(?P<who>[CSX])(?P<client>\d*):(?: (?P<text>.*))?$")


class DialogFailed(AssertionError):
    """
    The conversation took another course.
    """


@dataclass(frozen=True, slots=True)
class Step:
    """
    One line of a dialogue.
    """

    line: int
    who: str
    client: str
    text: str


class Client(Protocol):
    """
    One connection, seen from the client.
    """

    def send(self, octets: bytes) -> None:
        """
        Say something to the server.
        """

    def received(self) -> bytes:
        """
        What the server said since the last call.
        """

    async def wait(self) -> None:
        """
        Give the server time to say more; raise if it cannot.
        """

    def closed(self) -> bool:
        """
        Whether the server ended the connection.
        """


class MemoryClient:
    """
    A protocol on a ``StringTransport``: nothing ever waits.
    """

    def __init__(
        self, protocol: IProtocol, transport: StringTransport | None = None
    ) -> None:
        self.transport = transport or StringTransport()
        self.protocol = protocol
        protocol.makeConnection(self.transport)

    def send(self, octets: bytes) -> None:
        """
        The server gets it at once.
        """
        self.protocol.dataReceived(octets)

    def received(self) -> bytes:
        """
        What the transport was given since the last call.
        """
        octets: bytes = self.transport.value()
        self.transport.clear()
        return octets

    async def wait(self) -> None:
        """
        There is nothing to wait for.
        """
        raise DialogFailed("the server says nothing more")

    def closed(self) -> bool:
        """
        Whether ``loseConnection`` was called.
        """
        return bool(self.transport.disconnecting)


def steps_of(text: str) -> list[Step]:
    """
    The steps of a dialogue.

    :raises ValueError: a line is none.
    """
    steps = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _STEP.match(line)
        if found is None:
            raise ValueError(f"line {number} is no step: {line!r}")
        steps.append(
            Step(number, found["who"], found["client"], found["text"] or "")
        )
    return steps


async def play(text: str, connect: Callable[[], Client]) -> None:
    """
    Play a dialogue to its end.

    :param connect: makes one client's connection.
    :raises DialogFailed: the server said something else.
    """
    clients: dict[str, Client] = {}
    waiting: dict[str, bytes] = {}
    for step in steps_of(text):
        if step.client not in clients:
            clients[step.client] = connect()
            waiting[step.client] = b""
        client = clients[step.client]
        if step.who == "S":
            waiting[step.client] = await _expect(
                step, client, waiting[step.client]
            )
            continue
        rest = waiting[step.client] + client.received()
        if rest:
            raise DialogFailed(f"line {step.line}: not expected: {rest!r}")
        client.send(_octets(step))
    for name, client in clients.items():
        rest = waiting[name] + client.received()
        if rest:
            raise DialogFailed(f"at the end, not expected: {rest!r}")


def _octets(step: Step) -> bytes:
    if step.who == "X":
        octets = ast.literal_eval(f'b"{step.text}"')
        assert isinstance(octets, bytes)
        return octets
    return step.text.encode("utf-8") + b"\r\n"


async def _expect(step: Step, client: Client, rest: bytes) -> bytes:
    """
    Take one line that fits the step.

    :return: what came behind it.
    """
    rest += client.received()
    if step.text == "(closed)":
        while not client.closed():
            await client.wait()
        return rest
    while b"\r\n" not in rest:
        try:
            await client.wait()
        except DialogFailed as failed:
            raise DialogFailed(
                f"line {step.line}: expected {step.text!r}, has {rest!r}"
            ) from failed
        rest += client.received()
    line, _, rest = rest.partition(b"\r\n")
    said = line.decode("utf-8", "surrogateescape")
    wanted, tilde, _ = step.text.partition("~")
    fits = said.startswith(wanted) if tilde else said == wanted
    if not fits:
        raise DialogFailed(
            f"line {step.line}: expected {step.text!r}, got {said!r}"
        )
    return rest


def dialog(name: str) -> str:
    """
    The text of ``tests/dialogs/<name>.dialog``.
    """
    return (DIALOGS / f"{name}.dialog").read_text(encoding="utf-8")
