"""
The reverse-paths of our reports: an own one for each, so that a bounce says
which report it is about.

Implementation notes

- A part of the local part is a hash with our secret: nobody can make us
  believe that reports came back which never left, or find an address here that
  takes mail.
- The same report to the same destination has the same path, also when it is
  sent again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

from mailsuite.mail.address import Address

_PATH = re.compile(r"report-([a-z2-7]{16})([a-z2-7]{8})", re.IGNORECASE)

_TOKEN_OCTETS = 10
_HASH_OCTETS = 5


class ReportReturns:
    """
    Makes the paths, and knows them again.

    :param keys: secrets; the first is used for new paths, all are good for
        old ones.
    :param domain: of the paths, as A-labels.
    """

    def __init__(self, keys: Sequence[bytes], domain: str) -> None:
        self._keys = keys
        self._domain = domain

    def path(self, report_id: str, destination: Address) -> Address:
        """
        The reverse-path of one report.
        """
        key = self._keys[0]
        token = _keyed(key, f"{report_id} {destination}", _TOKEN_OCTETS)
        return Address(
            f"report-{token}{_keyed(key, token, _HASH_OCTETS)}", self._domain
        )

    def token(self, path: Address) -> str | None:
        """
        What in a path is the report's own; None if it is no path of ours.
        """
        found = _PATH.fullmatch(path.local_part)
        if found is None or path.domain != self._domain:
            return None
        token, given = found[1].lower(), found[2].lower()
        for key in self._keys:
            if hmac.compare_digest(given, _keyed(key, token, _HASH_OCTETS)):
                return token
        return None

    def is_ours(self, address: Address) -> bool:
        """
        Whether a report may have been sent from this address.
        """
        return self.token(address) is not None


def _keyed(key: bytes, text: str, octets: int) -> str:
    made = hmac.digest(key, b"report " + text.encode(), hashlib.sha256)
    return base64.b32encode(made[:octets]).decode("ascii").lower()
