"""
The UNIX socket that programs of any local user hand their mail to.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from twisted.internet.interfaces import IListeningPort, IReactorUNIX
from twisted.internet.protocol import Factory

from mailsuite.app.asking import short_path
from mailsuite.app.localmail import SOCKET_NAME


def listen(
    state: Path, reactor: IReactorUNIX, factory: Factory
) -> IListeningPort:
    """
    Take connections of all local users; a socket that a killed suite left is
    removed.  The caller holds the state folder's lock.
    """
    path = state / SOCKET_NAME
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    port: IListeningPort = reactor.listenUNIX(
        short_path(path), factory, mode=0o666
    )
    return port
