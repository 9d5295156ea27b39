"""
Sender rewriting: a forwarded message's reverse-path becomes an address of
ours, from which a bounce finds its way back.

``SRS0=HASH=TT=DOMAIN=LOCAL@OURS`` stands for ``LOCAL@DOMAIN``; an address that
another forwarder rewrote is wrapped once, as ``SRS1=HASH=FORWARDER==...``, and
leads back to that forwarder.

Implementation notes

- The hash keeps others from using us to reach whom they like; TT, days modulo
  1024 in base32, ends an address's life.
- Both are compared without regard to case: some servers change it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

from mailsuite.mail.address import Address

_DAY = 86400
_DAYS_VALID = 21
_DAYS = 1024

_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_HASH_LENGTH = 8

_SRS0 = re.compile(
    r"SRS0[=+-]([A-Z2-7]{8})=([A-Z2-7]{2})=([^=]+)=(.+)", re.IGNORECASE
)
_SRS1 = re.compile(r"SRS1[=+-]([A-Z2-7]{8})=([^=]+)=([=+-].+)", re.IGNORECASE)
_ANY = re.compile(
    r"SRS(?:(0)([=+-])(.+)|(1)[=+-][^=]*=([^=]+=[=+-].+))", re.IGNORECASE
)


class NotOurs(Exception):
    """
    The address was not made here, or its time is over.
    """


class SenderRewriting:
    """
    Makes addresses, and reads back those that it made.

    :param keys: secrets; the first is used for new addresses, all are good
        for old ones.
    :param domain: of the addresses.
    """

    def __init__(self, keys: Sequence[bytes], domain: str) -> None:
        self._keys = keys
        self.domain = domain

    def rewritten(self, sender: Address, now: float) -> Address:
        """
        The address under which a message of ``sender`` is forwarded.

        :param now: seconds since 1970.
        """
        foreign = _ANY.fullmatch(sender.local_part)
        if foreign is None:
            day = int(now // _DAY) % _DAYS
            rest = f"{_days(day)}={sender.domain}={sender.local_part}"
            return self._address(f"SRS0={self._hash(rest)}={rest}")
        if foreign[1]:
            # Whom SRS0 leads back to is that forwarder's to say.
            rest = f"{sender.domain}={foreign[2]}{foreign[3]}"
        else:
            rest = foreign[5]
        return self._address(f"SRS1={self._hash(rest)}={rest}")

    def original(self, local_part: str, now: float) -> Address | None:
        """
        Whom a bounce to one of our addresses is for.

        :return: None if this is no rewritten address at all.
        :raises NotOurs: it is one, and not good.
        """
        if _ANY.fullmatch(local_part) is None:
            return None
        if match := _SRS0.fullmatch(local_part):
            rest = local_part[match.start(2) :]
            self._check(match[1], rest)
            age = (int(now // _DAY) - _day_of(match[2])) % _DAYS
            if age > _DAYS_VALID:
                raise NotOurs("too old")
            return Address(match[4], match[3].lower())
        if match := _SRS1.fullmatch(local_part):
            self._check(match[1], local_part[match.start(2) :])
            return Address(f"SRS0{match[3]}", match[2].lower())
        raise NotOurs("not of this form")

    def _address(self, local_part: str) -> Address:
        return Address(local_part, self.domain)

    def _check(self, given: str, rest: str) -> None:
        for key in self._keys:
            if hmac.compare_digest(given.upper(), _keyed(key, rest)):
                return
        raise NotOurs("another hash")

    def _hash(self, rest: str) -> str:
        return _keyed(self._keys[0], rest)


def _keyed(key: bytes, rest: str) -> str:
    made = hmac.digest(key, rest.lower().encode(), hashlib.sha256)
    return base64.b32encode(made)[:_HASH_LENGTH].decode()


def _days(day: int) -> str:
    return _BASE32[day >> 5] + _BASE32[day & 31]


def _day_of(text: str) -> int:
    high, low = (_BASE32.index(char) for char in text.upper())
    return high << 5 | low
