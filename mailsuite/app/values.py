"""
Whether a value of the configuration, though well formed, can be meant.

Each function gives what is expected instead, in an operator's words; None if
the value is good.
"""

from __future__ import annotations

import ipaddress
import math
import string
from collections.abc import Callable

from mailsuite.accounts.errors import BadAddress
from mailsuite.accounts.names import typed_domain, typed_outside
from mailsuite.mail.uniqueids import UniqueIdFormat
from mailsuite.transfer.nameservers import parse_server
from mailsuite.transfer.routes import parse_pattern, parse_route


def expected_number(
    value: float, least: float, most: float | None = None
) -> str | None:
    """
    A number within bounds.
    """
    # TOML has infinite numbers too, and some that are none.
    highest = math.inf if most is None else most
    if math.isfinite(value) and least <= value <= highest:
        return None
    return f"{least} or more" if most is None else f"{least} to {most}"


def expected_ip_address(text: str) -> str | None:
    """
    An IP address to listen at.
    """
    if _fails(ipaddress.ip_address, text):
        return "an IP address, '0.0.0.0' or '::' for all"
    return None


def expected_network(text: str) -> str | None:
    """
    An IP address, or a network of them.
    """
    if _fails(ipaddress.ip_network, text):
        return "an IP address or network such as '10.0.0.0/8'"
    return None


def expected_server(text: str) -> str | None:
    """
    The address of a DNS server, with or without a port.
    """
    if _fails(parse_server, text):
        return "an IP address, or one with a port: '192.0.2.1:5353'"
    return None


def expected_hop(text: str) -> str | None:
    """
    A host that mail is handed to, with or without a port.
    """
    if _fails(_hop, text):
        return "a host, or one with a port: 'smtp.example.net:587'"
    return None


def _hop(text: str) -> None:
    # A route's own form has a pattern in front.
    parse_route(f"example.org={text}")


def expected_domain(text: str) -> str | None:
    """
    A domain name, as an A-label or U-label.
    """
    if _fails(typed_domain, text):
        return "a domain name such as 'example.org'"
    return None


def expected_recipients(text: str) -> str | None:
    """
    A pattern of recipient domains, as a route has.
    """
    if _fails(recipients_key, text):
        return "a domain, '.example.org' for all below one, or '*'"
    return None


def expected_sender(text: str) -> str | None:
    """
    A sender's address or domain, as a route has.
    """
    if _fails(sender_key, text):
        return "an address such as 'you@example.org', or a domain"
    return None


def recipients_key(text: str) -> str:
    """
    A pattern of recipient domains in its one spelling.

    :raises ValueError, BadAddress: it is none.
    """
    pattern = parse_pattern(text)
    if pattern.startswith("["):
        literal = pattern.removeprefix("[ipv6:").removeprefix("[")
        ipaddress.ip_address(literal.removesuffix("]"))
    elif pattern != "*":
        # No rcpt has the spaces and signs that the DNS allows for.
        typed_domain(pattern.removeprefix("."))
    return pattern


def sender_key(text: str) -> str:
    """
    A sender's address or domain in its one spelling.

    :raises BadAddress: it is neither.
    """
    if "@" not in text:
        return typed_domain(text)
    local_part, domain = typed_outside(text)
    return f"{local_part.lower()}@{domain}"


def host_name(text: str) -> str:
    """
    A domain name in A-labels and lower case; what is none stays as it is.
    """
    return text if expected_domain(text) else typed_domain(text)


def expected_address(text: str) -> str | None:
    """
    An address in full, here or elsewhere, or nothing.
    """
    if text and _fails(typed_outside, text):
        return "an address such as 'you@example.org', or an empty string"
    return None


def expected_target(text: str) -> str | None:
    """
    An address in full, here or elsewhere.
    """
    if _fails(typed_outside, text):
        return "an address such as 'you@example.org'"
    return None


def expected_detail_separator(text: str) -> str | None:
    """
    What begins an address's detail.
    """
    if not text or "@" in text:
        return "one or more characters, '+' for example"
    return None


def expected_uidl_format(text: str) -> str | None:
    """
    The form of POP3's unique ids.
    """
    if _fails(UniqueIdFormat, text):
        return "a form such as '%08Xu%08Xv', '%v.%u' or '%g'"
    return None


def expected_template(template: str, fields: tuple[str, ...]) -> str | None:
    """
    A template of a path, different for each account.

    :param fields: that may be in it; ``home`` is as good as ``local``, and
        ``state`` and ``home`` are absolute.
    """
    expected = "a path with " + ", ".join(f"{{{name}}}" for name in fields)
    try:
        used = {
            name
            for _, name, _, _ in string.Formatter().parse(template)
            if name is not None
        }
    except ValueError:
        return expected
    if used - set(fields):
        return expected + " alone"
    if not used & {"local", "home"}:
        return expected + "; {local} must be there"
    if not template.startswith(("/", "{state}", "{home}")):
        return expected + "; it must be absolute, or begin with {state}"
    return None


def _fails(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except (ValueError, BadAddress):
        return True
    return False
