"""
The forms in which header fields and bodies are signed (RFC 6376 3.4).

Implementation notes

- A body is canonicalized piece by piece.  What a cut leaves open (a CR, blanks
  that may be a line's last) is kept back, in one or two octets.
- Empty lines at the end of a body are not dropped here: see ``bodydigest``.
- Most pieces have nothing to change in the relaxed form, and those of base64
  not even a blank: that is seen by searches, without a copy.
"""

from __future__ import annotations

from enum import Enum


class Canonicalization(Enum):
    """
    RFC 6376's two algorithms.
    """

    SIMPLE = "simple"
    RELAXED = "relaxed"


def simple_field(octets: bytes) -> bytes:
    """
    A whole header field, ended by CR LF (RFC 6376 3.4.1).
    """
    return octets.rstrip(b"\r\n") + b"\r\n"


def relaxed_field(octets: bytes) -> bytes:
    """
    A whole header field in relaxed form, ended by CR LF (RFC 6376 3.4.2).
    """
    name, _, value = octets.partition(b":")
    value = _squeezed(value.replace(b"\r\n", b"")).strip(b" \r\n")
    return b"%b:%b\r\n" % (name.rstrip(b" \t").lower(), value)


class SimpleBody:
    """
    A body in simple form (RFC 6376 3.4.3), cut anywhere but within CR LF.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, octets: bytes) -> bytes:
        """
        What is certain with this piece.
        """
        if self._kept:
            octets = self._kept + octets
        if octets.endswith(b"\r"):
            self._kept = b"\r"
            return octets[:-1]
        self._kept = b""
        return octets

    def end(self) -> bytes:
        """
        The last octets, when no piece follows.
        """
        return self._kept


class RelaxedBody:
    """
    A body in relaxed form (RFC 6376 3.4.4), cut anywhere but within CR LF.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, octets: bytes) -> bytes:
        """
        What is certain with this piece.
        """
        if self._kept:
            octets = self._kept + octets
        end = len(octets) - octets.endswith(b"\r")
        if end and octets[end - 1] in b" \t":
            certain = octets[:end].rstrip(b" \t")
            self._kept = b" " + octets[end:]
            return _relaxed(certain)
        self._kept = octets[end:]
        return _relaxed(octets[:end] if self._kept else octets)

    def end(self) -> bytes:
        """
        The last octets, when no piece follows.
        """
        return self._kept if self._kept != b" " else b""


def _relaxed(octets: bytes) -> bytes:
    """
    Blanks as one space, none at the end of a line; no cut within either.
    """
    return _squeezed(octets).replace(b" \r\n", b"\r\n")


def _squeezed(octets: bytes) -> bytes:
    """
    All blanks in a row as one space.

    A row is halved again and again; that is much quicker than a pattern.
    """
    if b"\t" in octets:
        octets = octets.replace(b"\t", b" ")
    if b" " in octets:
        while b"  " in octets:
            octets = octets.replace(b"  ", b" ")
    return octets
