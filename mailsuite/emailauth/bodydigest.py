"""
The hash of a body, made while it streams, once for all signatures.

Implementation notes

- Empty lines at the end of a body do not count (RFC 6376 3.4.3).  They are
  hashed as they come, beside a copy of the hash from before them: a megabyte
  of empty lines costs no more when something follows than when nothing does.
- There is no hash of the first ``l=`` octets: a signature that leaves a part of
  the body to others is no pass here, so the whole body's is enough.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailsuite.emailauth.canonicalization import (
    Canonicalization,
    RelaxedBody,
    SimpleBody,
)

#: What is canonicalized in one go: it stays in the processor's cache.
_STRETCH = 64 * 1024

_LINE_ENDS_REVERSED = re.compile(rb"(?:\n\r)*+")


@dataclass(frozen=True, slots=True)
class BodyDigest:
    """
    A canonicalized body's SHA-256 and length.
    """

    sha256: bytes
    octets: int


class BodyDigests:
    """
    The digests of one body in the canonicalizations that are asked for.

    Needs no reactor and shares nothing: any thread may use it, one at a time.
    """

    def __init__(self, canonicalizations: Iterable[Canonicalization]) -> None:
        self._bodies = {
            canonicalization: _HashedBody(canonicalization)
            for canonicalization in canonicalizations
        }

    def update(self, octets: bytes) -> None:
        """
        Add a piece of the body, of any size.
        """
        for start in range(0, len(octets), _STRETCH):
            stretch = octets[start : start + _STRETCH]
            for body in self._bodies.values():
                body.update(stretch)

    def digest(self, canonicalization: Canonicalization) -> BodyDigest:
        """
        What the pieces so far come to as a whole body.

        :raises KeyError: it was not asked for in the beginning.
        """
        return self._bodies[canonicalization].digest()


class _HashedBody:
    """
    One canonicalization of a body and its hash.
    """

    __slots__ = ("_canonical", "_ended", "_hash", "_octets", "_simple", "_size")

    def __init__(self, canonicalization: Canonicalization) -> None:
        self._simple = canonicalization is Canonicalization.SIMPLE
        self._canonical: SimpleBody | RelaxedBody = (
            SimpleBody() if self._simple else RelaxedBody()
        )
        self._hash = hashlib.sha256()
        self._size = 0
        #: The hash and the octets up to the last line that is not empty.
        self._ended = self._hash.copy()
        self._octets = 0

    def update(self, octets: bytes) -> None:
        canonical = self._canonical.feed(octets)
        cut = _content_end(canonical)
        if cut:
            view = memoryview(canonical)
            self._hash.update(view[:cut])
            self._ended = self._hash.copy()
            self._octets = self._size + cut
            self._hash.update(view[cut:])
        else:
            self._hash.update(canonical)
        self._size += len(canonical)

    def digest(self) -> BodyDigest:
        last = self._canonical.end()
        if last:
            whole = self._hash.copy()
            whole.update(last)
            octets = self._size + len(last)
        else:
            whole = self._ended.copy()
            octets = self._octets
        if octets or self._simple:
            # The last line ends, as if it had ended so (RFC 6376 3.4.3).
            whole.update(b"\r\n")
            octets += 2
        return BodyDigest(whole.digest(), octets)


def _content_end(octets: bytes) -> int:
    """
    Where the line ends begin that nothing follows.
    """
    content = len(octets.rstrip(b"\r\n"))
    if content == len(octets):
        return content
    tail = octets[content:]
    found = _LINE_ENDS_REVERSED.match(tail[::-1])
    return len(octets) - (found.end() if found else 0)
