"""
Ports that nothing listens at, each given once.
"""

from __future__ import annotations

import socket

_given: set[int] = set()


def free_port(address: str = "127.0.0.1") -> int:
    """
    A port of that address.

    The system may name one again that nobody has bound yet, so those that
    were given are remembered.
    """
    while True:
        with socket.socket() as probe:
            probe.bind((address, 0))
            port: int = probe.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port
