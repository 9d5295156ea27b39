"""
The sockets that clients connect to: bound before anything else is done.

Implementation notes

- twistd asks for them before it goes into the background and before it gives
  privileges up: so a taken port is said on the terminal, and port 25 can be
  bound as root.
- Under systemd's socket activation (sd_listen_fds(3)) the sockets are there
  already; one belongs to the listener whose protocol is its name
  (FileDescriptorName=), else to that with its port.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from socket import AddressFamily

from mailsuite.app.config import Listener

_BACKLOG = 1024
_FIRST_PASSED = 3


@dataclass(frozen=True, slots=True)
class Bound:
    """
    A listener with its socket.

    :param port: the one that it has; not that of the configuration if that
        is 0.
    """

    listener: Listener
    socket: socket.socket
    port: int
    family: AddressFamily


class PortsTaken(Exception):
    """
    Listeners that cannot have their ports; the text names all of them.
    """


def open_all(
    listeners: Sequence[Listener], environment: Mapping[str, str]
) -> list[Bound]:
    """
    Bind every listener; connections wait until they are accepted.

    :raises PortsTaken: one cannot be bound; none is left open.
    """
    passed = _passed(environment)
    bound: list[Bound] = []
    troubles: list[str] = []
    for listener in listeners:
        found = _matching(listener, passed)
        try:
            bound.append(_bound(listener, found or _bind(listener)))
        except OSError as error:
            troubles.append(_trouble(listener, error))
    if troubles:
        for one in bound:
            one.socket.close()
        raise PortsTaken("\n".join(troubles))
    return bound


def _bound(listener: Listener, made: socket.socket) -> Bound:
    family = AddressFamily(made.family)
    return Bound(listener, made, made.getsockname()[1], family)


def _bind(listener: Listener) -> socket.socket:
    family = socket.AF_INET6 if ":" in listener.address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((listener.address, listener.port))
        made.listen(_BACKLOG)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


def _trouble(listener: Listener, error: OSError) -> str:
    place = f"{listener.address} port {listener.port} for {listener.protocol}"
    if error.errno == errno.EADDRINUSE:
        reason = "is taken by another program"
    elif error.errno == errno.EACCES:
        reason = "needs root: start as root with twistd --uid and --gid"
    else:
        reason = f"cannot be had ({error.strerror})"
    return f"{place} {reason}; to choose another: {listener.option}"


def _passed(environment: Mapping[str, str]) -> dict[str, list[socket.socket]]:
    """
    Sockets that systemd passed, by name.
    """
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = int(environment.get("LISTEN_FDS", "0"))
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    found: dict[str, list[socket.socket]] = {}
    for place in range(count):
        passed = socket.socket(fileno=_FIRST_PASSED + place)
        passed.setblocking(False)
        os.set_inheritable(passed.fileno(), False)
        name = names[place] if place < len(names) else ""
        found.setdefault(name, []).append(passed)
    return found


def _matching(
    listener: Listener, passed: dict[str, list[socket.socket]]
) -> socket.socket | None:
    named = passed.get(listener.protocol)
    if named:
        return named.pop(0)
    for waiting in passed.values():
        for place, one in enumerate(waiting):
            if one.getsockname()[1] == listener.port:
                return waiting.pop(place)
    return None
