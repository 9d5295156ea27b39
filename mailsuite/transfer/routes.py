"""
Where the operator sends mail otherwise than the DNS would.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from mailsuite.emailauth.domains import ascii_domain
from mailsuite.mail.envelope import Origin, Sender

if TYPE_CHECKING:
    # Whoever reads a configuration need not know all of SMTP.
    from mailsuite.smtp.clientlogin import Credentials


class RouteTLS(Enum):
    """
    What is demanded of a next hop's TLS.
    """

    #: None is used.
    NONE = "none"
    #: Used where it is offered, whoever it is.
    OPPORTUNISTIC = "opportunistic"
    #: STARTTLS, with a certificate that is good for the host's name.
    VERIFIED = "verified"
    #: The same, from the first octet on (RFC 8314 3.3).
    IMPLICIT = "implicit"


@dataclass(frozen=True, slots=True)
class NextHop:
    """
    Where messages go.

    :param host: a name in A-labels, or an address; empty for the hosts that
        the DNS names.
    :param port: of ``host``.
    :param sources: addresses to send from, one of each family at most; empty
        for whatever the system takes.
    """

    host: str = ""
    port: int = 25
    credentials: Credentials | None = None
    tls: RouteTLS = RouteTLS.OPPORTUNISTIC
    sources: tuple[str, ...] = ()

    def source(self, address: str) -> str | None:
        """
        The address to send from to ``address``, if there is a wish.
        """
        six = ":" in address
        return next((x for x in self.sources if (":" in x) == six), None)


@dataclass(frozen=True, slots=True)
class Routes:
    """
    The next hop for each message.

    In this order: the recipient's domain, the domains above it, the sender's
    account or address, the sender's domain, everybody.

    :param by_recipient: for ``example.org`` itself, ``.example.org`` all below
        it, or ``*``.
    :param by_sender: for ``alice@hamburger.edu`` or ``hamburger.edu``.
    :param usual: for what has no route.
    """

    by_recipient: Mapping[str, NextHop] = field(default_factory=dict)
    by_sender: Mapping[str, NextHop] = field(default_factory=dict)
    usual: NextHop = field(default_factory=NextHop)

    def find(self, domain: str, origin: Origin, sender: Sender) -> NextHop:
        """
        The next hop for a message to ``domain``.
        """
        if self.by_recipient and (found := self._for_recipient(domain)):
            return found
        if self.by_sender and (found := self._for_sender(origin, sender)):
            return found
        return self.by_recipient.get("*", self.usual)

    def _for_recipient(self, domain: str) -> NextHop | None:
        name = ascii_domain(domain) or domain
        found = self.by_recipient.get(name)
        while found is None and "." in name:
            name = name.partition(".")[2]
            found = self.by_recipient.get("." + name)
        return found

    def _for_sender(self, origin: Origin, sender: Sender) -> NextHop | None:
        addresses = [origin.user] if origin.user else []
        if sender.reverse_path is not None:
            addresses.append(str(sender.reverse_path))
        keys = [address.lower() for address in addresses]
        keys += [key.rpartition("@")[2] for key in keys]
        for key in keys:
            if (found := self.by_sender.get(key)) is not None:
                return found
        return None


def parse_route(text: str) -> tuple[str, NextHop]:
    """
    A route as it is written on the command line: ``example.org=host:port``,
    ``.example.org=[2001:db8::1]:25`` or ``*=host``.

    :return: the recipient domain's pattern, and the next hop.
    :raises ValueError: it is none.
    """
    pattern, equals, target = text.strip().partition("=")
    if not equals:
        raise ValueError(f"not DOMAIN=HOST:PORT: {text!r}")
    host, port = parse_target(target)
    return parse_pattern(pattern), NextHop(host, port)


def parse_pattern(text: str) -> str:
    """
    A pattern of recipient domains, in A-labels.

    :raises ValueError: it is none.
    """
    text = text.strip()
    if text == "*":
        return text
    dot = "." if text.startswith(".") else ""
    name = ascii_domain(text.removeprefix("."))
    if name is None and not text.startswith("["):
        raise ValueError(f"not a domain: {text!r}")
    return dot + (name or text.lower())


def parse_target(text: str, port: int = 25) -> tuple[str, int]:
    """
    ``host``, ``host:port``, ``192.0.2.1:port`` or ``[2001:db8::1]:port``.

    :param port: if the text has none.
    :raises ValueError: it is none of them.
    """
    host, colon, rest = text.strip(), "", ""
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        colon, rest = rest[:1], rest[1:]
        if not bracket or colon not in ("", ":"):
            raise ValueError(f"not a host: {text!r}")
        host = str(ipaddress.ip_address(host))
    else:
        host, colon, rest = host.partition(":")
        host = _host(host, text)
    if colon:
        port = int(rest) if rest.isascii() and rest.isdigit() else 0
    if not 0 < port < 65536:
        raise ValueError(f"not a port: {text!r}")
    return host, port


def _host(host: str, text: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        name = ascii_domain(host)
    if name is None or " " in name:
        raise ValueError(f"not a host: {text!r}")
    return name
