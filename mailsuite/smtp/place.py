"""
Where a server is.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a server is.

    :param name: the host's, for people and for SNI.
    :param source: our own address; empty leaves it to the system.
    """

    address: str
    port: int
    name: str
    source: str = ""

    def __str__(self) -> str:
        """
        As logs and notifications have it.
        """
        return f"{self.name} [{self.address}]:{self.port}"
