"""
How many messages a CPU-second the SMTP engine takes: octets to replies.

No socket and no store: what is measured is ``smtp`` and ``conversation``, with
a reception that keeps nothing.  Run it from the project's root::

    .venv/bin/python benchmarks/smtp_protocol.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Awaitable, Callable

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IProtocol
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from zope.interface import implementer

from mailsuite.conversation import Settings
from mailsuite.errors import LoginRefused, MailError, MechanismUnknown
from mailsuite.interfaces import (
    Channel,
    ILogin,
    ILoginSession,
    IReception,
    ISASLExchange,
    ITransaction,
)
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.smtp.listener import Limits, Listener, Purpose
from mailsuite.smtp.protocol import smtp_factory

#: What one read of a socket brings at the most.
_READ = 65536


@implementer(ITransaction)
class NullTransaction:
    """
    Takes everything and keeps nothing.
    """

    queue_id = "4c2f1a"
    _taken = (None,)

    async def add_recipient(self, recipient: Recipient) -> None:
        """
        Everybody is here.
        """

    def write(self, octets: bytes) -> Awaitable[None] | None:
        """
        Take a piece.
        """
        return None

    async def commit(self) -> tuple[MailError | None, ...]:
        """
        All went well.
        """
        return self._taken

    def abort(self) -> None:
        """
        There is nothing to forget.
        """


@implementer(IReception)
class NullReception:
    """
    Reception for all.
    """

    size_limit = 50 * 1024 * 1024

    async def begin(
        self,
        origin: Origin,
        sender: Sender,
        owns: Callable[[Address], bool] | None,
    ) -> NullTransaction:
        """
        Start a transaction.
        """
        return NullTransaction()

    async def expand(self, address: Address) -> tuple[str, ...]:
        """
        There are no aliases.
        """
        return ()


@implementer(ILogin)
class NoLogin:
    """
    Nobody logs in.
    """

    def mechanisms(self, channel: Channel) -> tuple[str, ...]:
        """
        None.
        """
        return ()

    def start(self, mechanism: str, channel: Channel) -> ISASLExchange:
        """
        Never.
        """
        raise MechanismUnknown

    async def password(
        self, user: str, password: str, channel: Channel
    ) -> ILoginSession:
        """
        Never.
        """
        raise LoginRefused


def message(octets: int) -> bytes:
    """
    A message of about that size, dot-stuffed, with its end of data.
    """
    head = (
        b"From: Alice <alice@crepes.fr>\r\nTo: Bob <bob@hamburger.edu>\r\n"
        b"Subject: Ketchup\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
        b"Message-ID: <1@crepes.fr>\r\n\r\n"
    )
    line = b"Do you like ketchup? How about pickles? And what about buns?\r\n"
    lines = max((octets - len(head)) // len(line), 1)
    return head + line * lines + b".\r\n"


def commands(number: int) -> bytes:
    """
    One transaction's commands, as a client sends them together.
    """
    return (
        b"MAIL FROM:<alice%d@crepes.fr> SIZE=2000 BODY=8BITMIME\r\n"
        b"RCPT TO:<bob%d@hamburger.edu>\r\nDATA\r\n" % (number, number)
    )


def connection() -> tuple[IProtocol, StringTransport]:
    """
    A client that said EHLO.
    """
    endless = Limits(transactions=10**9)
    factory = smtp_factory(
        Settings(Clock()),
        Listener(Purpose.MX, "hamburger.edu", limits=endless),
        reception=NullReception(),
        login=NoLogin(),
        most=10,
        most_per_address=10,
    )
    address = IPv4Address("TCP", "192.0.2.1", 49152)
    protocol = factory.buildProtocol(address)
    transport = StringTransport(peerAddress=address)
    assert protocol is not None
    protocol.makeConnection(transport)
    protocol.dataReceived(b"EHLO crepes.fr\r\n")
    transport.clear()
    return protocol, transport


def pipelined(count: int, body: bytes) -> tuple[float, int]:
    """
    Everything at once, as the reads of a fast client bring it.

    :return: CPU seconds, and how many messages were accepted.
    """
    protocol, transport = connection()
    octets = b"".join(commands(n) + body for n in range(count))
    reads = [octets[at : at + _READ] for at in range(0, len(octets), _READ)]
    begun = time.process_time()
    for read in reads:
        protocol.dataReceived(read)
    spent = time.process_time() - begun
    return spent, transport.value().count(b"250 2.0.0 Message accepted")


def grouped(count: int, body: bytes) -> tuple[float, int]:
    """
    RFC 2920's client: it waits for the 354, and for the message's reply.

    :return: CPU seconds, and how many messages were accepted.
    """
    protocol, transport = connection()
    groups = [commands(n) for n in range(count)]
    begun = time.process_time()
    for group in groups:
        protocol.dataReceived(group)
        for at in range(0, len(body), _READ):
            protocol.dataReceived(body[at : at + _READ])
    spent = time.process_time() - begun
    return spent, transport.value().count(b"250 2.0.0 Message accepted")


def main() -> None:
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print("octets  client     messages per CPU-second  µs per message")
    for octets in (500, 2000, 4000, 50000, 1000000):
        body = message(octets)
        count = max(arguments.count * 2000 // max(octets, 2000), 20)
        for name, run in (("pipelined", pipelined), ("grouped", grouped)):
            best = min(
                _checked(run(count, body), count)
                for _ in range(arguments.rounds)
            )
            each = best / count
            print(
                f"{octets:>7} {name:<10} {1 / each:>20,.0f} {each * 1e6:>18.1f}"
            )


def _checked(result: tuple[float, int], count: int) -> float:
    spent, accepted = result
    if accepted != count:
        raise SystemExit(f"{accepted} of {count} messages were accepted")
    return spent


if __name__ == "__main__":
    main()
