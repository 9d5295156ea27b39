"""
What a person types into a mail program, and the same for scripts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from mailsuite.disk import Disk

FILE_NAME = "first-start.json"


class ListenerFacts(msgspec.Struct, frozen=True):
    """
    Where one protocol is served.
    """

    protocol: str
    address: str
    port: int
    tls: str


class AccountFacts(msgspec.Struct, frozen=True):
    """
    An account that the first start made, while its password is that one.
    """

    user: str
    password: str


class Facts(msgspec.Struct, frozen=True):
    """
    The content of ``first-start.json``.
    """

    listeners: list[ListenerFacts]
    accounts: list[AccountFacts]
    ca_file: str | None
    state_folder: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """
    All there is to say about a running suite.

    :param new: whether the accounts were made at this start, so that their
        passwords are shown.
    """

    facts: Facts
    server_name: str
    mail_folder: str
    new: bool

    def without(self, users: Iterable[str]) -> Welcome:
        """
        The same, less the accounts of these users.
        """
        gone = set(users)
        accounts = [a for a in self.facts.accounts if a.user not in gone]
        facts = msgspec.structs.replace(self.facts, accounts=accounts)
        return replace(self, facts=facts)

    def write(self, disk: Disk) -> None:
        """
        Put the facts where scripts find them; whole or not at all, 0600.
        """
        octets = msgspec.json.format(msgspec.json.encode(self.facts))
        path = Path(self.facts.state_folder) / FILE_NAME
        disk.replace(str(path), octets + b"\n")

    def status(self) -> object:
        """
        The same keys in plain values, without the passwords.
        """
        plain = msgspec.to_builtins(self.facts)
        plain["accounts"] = [{"user": a.user} for a in self.facts.accounts]
        return plain

    def table(self, heading: str = "Mailsuite is running.") -> str:
        """
        What the terminal shows.
        """
        lines = ["", heading, ""]
        lines += ["  In your mail program:", ""]
        rows = [("", "Server", "Port", "Security")]
        for title, protocols in (
            ("IMAP", ("imap", "imaps")),
            ("POP3", ("pop3", "pop3s")),
            ("Outgoing (SMTP)", ("submission", "submissions")),
        ):
            rows += self._rows(title, protocols)
        lines += _columns(rows)
        lines += ["", *self._people()]
        lines += self._places()
        return "\n".join([*lines, ""])

    def _rows(
        self, title: str, protocols: Sequence[str]
    ) -> list[tuple[str, str, str, str]]:
        words = {"none": "none", "starttls": "STARTTLS", "implicit": "SSL/TLS"}
        return [
            (title, self.server_name, str(one.port), words[one.tls])
            for protocol in protocols
            for one in self.facts.listeners
            if one.protocol == protocol
        ]

    def _people(self) -> list[str]:
        accounts = self.facts.accounts
        if not accounts:
            return []
        if not self.new:
            users = ", ".join(account.user for account in accounts)
            path = Path(self.facts.state_folder) / FILE_NAME
            return [
                f"  Users: {users}",
                f"  Their first passwords: {path}",
            ]
        rows = [("User", "Password")]
        rows += [(account.user, account.password) for account in accounts]
        return _columns(rows)

    def _places(self) -> list[str]:
        ports = {
            one.protocol: f"{one.address} port {one.port}"
            for one in self.facts.listeners
        }
        lines = [""]
        if "smtp" in ports:
            lines.append(f"  Mail from other servers: {ports['smtp']}")
        if self.facts.ca_file:
            lines.append(
                f"  Certificate authority to trust: {self.facts.ca_file}"
            )
        lines.append(f"  Mail lies in: {self.mail_folder}")
        return lines


def read_facts(state: Path) -> Facts | None:
    """
    What an earlier start wrote; None if there is none that can be read.
    """
    try:
        octets = (state / FILE_NAME).read_bytes()
        return msgspec.json.decode(octets, type=Facts)
    except (OSError, msgspec.DecodeError):
        return None


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "    "
        + "  ".join(
            c.ljust(w) for c, w in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
