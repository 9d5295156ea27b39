"""
Where an account's mail lies, by the configuration's templates.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from string import Formatter

_FIELDS = frozenset({"domain", "local"})


@dataclass(frozen=True, slots=True)
class Places:
    """
    The templates ``home`` and ``maildir``.

    ``{domain}`` and ``{local}`` are an address's; ``maildir`` may begin with
    ``{home}``.

    :param home: absolute; without ``{domain}``, accounts must differ in their
        local parts.
    """

    home: str
    maildir: str = "{home}/Maildir"

    def __post_init__(self) -> None:
        """
        :raises ValueError: two accounts would share a place, a field is
            unknown, or a path is not absolute.
        """
        self._check("home", self.home, _FIELDS)
        self._check("maildir", self.maildir, _FIELDS | {"home"})
        for name, path in zip(
            ("home", "maildir"), self.of("local", "domain"), strict=True
        ):
            if not os.path.isabs(path):
                raise ValueError(f"{name} is not an absolute path: {path}")

    @property
    def by_local_part(self) -> bool:
        """
        Whether a local part alone decides where its mail lies.
        """
        return self.of("local", "one") == self.of("local", "other")

    def of(self, local_part: str, domain: str) -> tuple[str, str]:
        """
        (home, maildir) of an account.
        """
        home = self.home.format(domain=domain, local=local_part)
        maildir = self.maildir.format(
            domain=domain, local=local_part, home=home
        )
        return home, maildir

    @staticmethod
    def _check(name: str, template: str, fields: frozenset[str]) -> None:
        parts = Formatter().parse(template)
        used = {field for _, field, _, _ in parts if field is not None}
        if unknown := used - fields:
            raise ValueError(f"{name} has an unknown field: {sorted(unknown)}")
        if "home" not in used and "local" not in used:
            raise ValueError(f"{name} lacks {{local}}")
