"""
Whether a configuration can be used, before anybody relies on it.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mailsuite.app.config import (
    Configuration,
    ConfigurationFaulty,
    Fault,
    examine,
    find_file,
)
from mailsuite.app.sendingconfig import password_in
from mailsuite.app.tls import CertificateFaulty, Pair, load
from mailsuite.transfer.certificates import Authorities, NoAuthorities


def check(named: str | None, state: str | None) -> list[Fault]:
    """
    All that is wrong with the configuration, tried as the user who asks.

    :param named: the file, or None for the one that is found.
    :param state: the state folder, where it is not the configuration's.
    """
    try:
        path = find_file(named)
        if path is None:
            return []
        found, faults = examine(path)
    except ConfigurationFaulty as faulty:
        return faulty.faults
    return faults + try_out(str(path), found, Path(state or found.state))


def try_out(file: str, found: Configuration, state: Path) -> list[Fault]:
    """
    What this process cannot read or write of what the configuration names.
    """
    faults = []
    for place, one in enumerate(found.certificate):
        try:
            load(Pair(one.chain, one.key))
        except CertificateFaulty as faulty:
            faults.append(
                Fault(
                    file,
                    f"certificate[{place}]",
                    str(faulty),
                    "PEM files of a chain and its key, readable to this user",
                )
            )
    faults += _sending_faults(file, found)
    failed: set[str] = set()
    for key, folder in _folders(found, state):
        # What lies in the state folder fails with it.
        within = "state" in failed and state in folder.parents
        if not within and (reason := _trouble(folder)):
            failed.add(key)
            faults.append(
                Fault(
                    file,
                    key,
                    f"{folder}, which this user cannot write ({reason})",
                    "a folder of the user that the suite runs as",
                )
            )
    return faults


def _sending_faults(file: str, found: Configuration) -> list[Fault]:
    """
    The files that mail is sent with.
    """
    faults = []
    authorities = found.sending.authorities
    if authorities:
        try:
            Authorities([authorities])
        except NoAuthorities:
            faults.append(
                Fault(
                    file,
                    "sending.authorities",
                    f"{authorities}, which holds none for this user",
                    "a PEM file of certificates, readable to this user",
                )
            )
    for place, route in enumerate(found.route):
        if not route.password_file:
            continue
        try:
            password_in(route.password_file)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no password"
            faults.append(
                Fault(
                    file,
                    f"route[{place}].password_file",
                    f"{route.password_file}: {reason}",
                    "a file whose first line is the password, readable to"
                    " this user",
                )
            )
    return faults


def _folders(found: Configuration, state: Path) -> list[tuple[str, Path]]:
    """
    The state folder, and the fixed beginning of each template.
    """
    home = found.home.replace("{state}", str(state))
    maildir = found.maildir.replace("{state}", str(state))
    maildir = maildir.replace("{home}", home)
    return [
        ("state", state),
        ("home", Path(home.partition("{")[0])),
        ("maildir", Path(maildir.partition("{")[0])),
    ]


def _trouble(folder: Path) -> str | None:
    """
    Why a folder can neither be written nor made; None if it can.

    Tried with another folder that goes at once: root is told that it may write
    everywhere, even where the kernel lets nobody.
    """
    try:
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        os.rmdir(tempfile.mkdtemp(prefix=".mailsuite-", dir=folder))
    except OSError as error:
        return error.strerror or "an unknown error"
    return None
