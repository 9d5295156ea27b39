"""
The private keys that outgoing mail is signed with (RFC 6376), as files.

``FOLDER/DOMAIN/SELECTOR.STATE.pem``, mode 0600.  A key is born ``next``: its
record is published, and it signs nothing yet; a domain's first keys are
``signing`` at once.  ``retired`` keys sign no more, but their records are still
needed for mail under way.

Implementation notes

- A key's state is in its name, so that it changes in one rename.
- All calls but ``signing`` block, and are made in pool threads.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

from mailsuite.disk import Disk
from mailsuite.emailauth.dkimkeys import (
    PrivateKey,
    SigningKey,
    UnusableKey,
    new_ed25519,
    new_rsa,
    private_text,
    read_private,
    record,
    record_name,
)
from mailsuite.errors import MailError

_FILE = re.compile(r"([a-z0-9][a-z0-9._-]*)\.(next|signing|retired)\.pem")
_SELECTOR = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class KeyState(Enum):
    """
    What a key is used for; the value stands in its file's name.
    """

    NEXT = "next"
    SIGNING = "signing"
    RETIRED = "retired"


class NoSuchKey(MailError):
    """
    The domain has no key of that selector.
    """

    public = "There is no such key"


class KeyExists(MailError):
    """
    The domain has a key of that selector.
    """

    public = "There is a key of that selector already"


class BadSelector(MailError):
    """
    A selector is a label of the DNS.
    """

    public = "A selector is made of letters, digits and hyphens"


class KeyUnreadable(MailError):
    """
    A key's file cannot be read, or holds none.
    """

    public = "A key cannot be read"


@dataclass(frozen=True, slots=True)
class StoredKey:
    """
    One key.

    :param record_name: of the TXT record that it is published in.
    :param record: that record's text.
    """

    domain: str
    selector: str
    state: KeyState
    record_name: str
    record: str


class Keys:
    """
    All signing keys of this installation.
    """

    def __init__(self, disk: Disk, folder: str) -> None:
        self._disk = disk
        self._folder = folder
        self._signing: dict[str, tuple[SigningKey, ...]] = {}

    def signing(self, domain: str) -> tuple[SigningKey, ...]:
        """
        The keys that mail of a domain is signed with; from memory.

        :param domain: as A-labels in lower case.
        """
        return self._signing.get(domain, ())

    def load(self) -> list[str]:
        """
        Read all keys anew.

        :return: the paths of those that cannot be used, each with why.
        """
        faults: list[str] = []
        found: dict[str, tuple[SigningKey, ...]] = {}
        for domain in self._domains():
            keys = []
            for path, selector, state in self._files(domain):
                if state is not KeyState.SIGNING:
                    continue
                try:
                    private = self._read(path)
                except (OSError, UnusableKey) as error:
                    faults.append(f"{path}: {error}")
                else:
                    keys.append(SigningKey(domain, selector, private))
            found[domain] = tuple(keys)
        self._signing = found
        return faults

    def stored(self, domain: str | None = None) -> list[StoredKey]:
        """
        The keys there are, of one domain or all.

        :raises KeyUnreadable: one cannot be read.
        """
        domains = self._domains() if domain is None else [domain]
        found = []
        for name in domains:
            for path, selector, state in self._files(name):
                try:
                    private = self._read(path)
                except (OSError, UnusableKey) as error:
                    reason = getattr(error, "strerror", None) or str(error)
                    raise KeyUnreadable(f"{path}: {reason}") from error
                found.append(_stored(name, selector, state, private))
        return found

    def new(
        self, domain: str, selector: str | None, today: date, bits: int
    ) -> list[StoredKey]:
        """
        Make an RSA and an Ed25519 key; on return they survive a power cut.

        :param selector: of the RSA key; the other's has an ``e`` more.  None
            for one made of the date.
        :raises BadSelector, KeyExists:
        """
        base = selector or self._free_selector(domain, today)
        taken = {name for _, name, _ in self._files(domain)}
        for name in (base, base + "e"):
            if not _SELECTOR.fullmatch(name):
                raise BadSelector
            if name in taken:
                raise KeyExists
        state = KeyState.NEXT if taken else KeyState.SIGNING
        made: dict[str, PrivateKey] = {
            base: new_rsa(bits),
            base + "e": new_ed25519(),
        }
        folder = os.path.join(self._folder, domain)
        self._disk.make_folders(folder, 0o700)
        for name, private in made.items():
            path = os.path.join(folder, f"{name}.{state.value}.pem")
            self._disk.replace(path, private_text(private))
        self.load()
        return [
            _stored(domain, name, state, private)
            for name, private in made.items()
        ]

    def use(self, domain: str) -> list[StoredKey]:
        """
        Sign with the ``next`` keys from here on; those before are retired.

        :raises NoSuchKey: there is no ``next`` key.
        """
        files = list(self._files(domain))
        if not any(state is KeyState.NEXT for _, _, state in files):
            raise NoSuchKey(f"There is no next key of {domain}")
        # In this order a crash leaves two that sign, never none.
        self._turn(domain, files, KeyState.NEXT, KeyState.SIGNING)
        self._turn(domain, files, KeyState.SIGNING, KeyState.RETIRED)
        self.load()
        return self.stored(domain)

    def remove(self, domain: str, selector: str) -> None:
        """
        Forget a key for good.

        :raises NoSuchKey: there is none.
        """
        for path, name, _ in self._files(domain):
            if name == selector:
                self._disk.unlink(path)
                self._disk.sync(folders=[os.path.dirname(path)])
                self.load()
                return
        raise NoSuchKey

    # Files

    def _turn(
        self,
        domain: str,
        files: list[tuple[str, str, KeyState]],
        old: KeyState,
        new: KeyState,
    ) -> None:
        folder = os.path.join(self._folder, domain)
        for path, selector, state in files:
            if state is old:
                name = f"{selector}.{new.value}.pem"
                self._disk.rename(path, os.path.join(folder, name))
        self._disk.sync(folders=[folder])

    def _domains(self) -> list[str]:
        try:
            return sorted(os.listdir(self._folder))
        except FileNotFoundError:
            return []

    def _files(self, domain: str) -> Iterator[tuple[str, str, KeyState]]:
        folder = os.path.join(self._folder, domain)
        try:
            names = sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        for name in names:
            if match := _FILE.fullmatch(name):
                yield os.path.join(folder, name), match[1], KeyState(match[2])

    def _read(self, path: str) -> PrivateKey:
        with open(path, "rb") as file:
            return read_private(file.read())

    def _free_selector(self, domain: str, today: date) -> str:
        taken = {name for _, name, _ in self._files(domain)}
        base = f"m{today:%Y%m%d}"
        number = 1
        selector = base
        while selector in taken or selector + "e" in taken:
            number += 1
            selector = f"{base}-{number}"
        return selector


def _stored(
    domain: str, selector: str, state: KeyState, private: PrivateKey
) -> StoredKey:
    name = record_name(SigningKey(domain, selector, private))
    return StoredKey(domain, selector, state, name, record(private))
