"""
Mail addresses: a local part and a domain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]++"
_DOT_ATOM = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+")


@dataclass(frozen=True, slots=True)
class Address:
    """
    local-part@domain (RFC 5321 4.1.2, RFC 6531 3.3).

    :param local_part: without quotes, as it was meant; its case is kept.
    :param domain: in lower case; a U-label stays one; an address literal
        keeps its brackets; empty for a bare ``postmaster``.
    """

    local_part: str
    domain: str

    @classmethod
    def parse(cls, text: str) -> Address:
        """
        Split ``text`` at its last ``@``; for addresses that people typed.

        :raises ValueError: there is no local part or no domain.
        """
        # Not all that Unicode calls space: a local part may begin with it.
        local_part, at, domain = text.strip(" \t\r\n").rpartition("@")
        if not at or not local_part or not domain or " " in domain:
            raise ValueError(f"not an address: {text!r}")
        if local_part[0] == local_part[-1] == '"' and len(local_part) > 1:
            local_part = re.sub(r"\\(.)", r"\1", local_part[1:-1])
        return cls(local_part, domain.lower())

    @property
    def is_ascii(self) -> bool:
        """
        Whether it can travel without SMTPUTF8.
        """
        return self.local_part.isascii() and self.domain.isascii()

    def __str__(self) -> str:
        """
        As it stands in a path, the local part quoted where it must be.
        """
        local_part = self.local_part
        if not _DOT_ATOM.fullmatch(local_part):
            quoted = re.sub(r'(["\\])', r"\\\1", local_part)
            local_part = f'"{quoted}"'
        return f"{local_part}@{self.domain}" if self.domain else local_part
