"""
How much a POP3 listener bears.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What one connection may ask of us.

    :param errors: lines that are no command, are not known or come out of
        order.
    :param failed_logins: of one connection.
    :param silence_seconds: how long a client may say nothing; RFC 1939 3 has
        10 minutes at least.
    """

    errors: int = 50
    failed_logins: int = 3
    silence_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Listener:
    """
    What all connections to one listener have in common.

    :param clear_passwords: passwords may cross the network in clear.
    """

    clear_passwords: bool = False
    limits: Limits = field(default=Limits())
