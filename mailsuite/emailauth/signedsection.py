"""
A header section as signatures see it: fields by name, from the bottom up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mailsuite.emailauth.canonicalization import (
    Canonicalization,
    relaxed_field,
    simple_field,
)
from mailsuite.mail import headers

#: No message has as many fields that anybody wrote or read.
_MOST_FIELDS = 2_000


class SignedSection:
    """
    The header fields of one message, each canonicalized at most once.

    :param section: as it was received; the empty line at its end may be there.
    :ivar whole: all fields are here; False if there are too many of them to be
        looked at.
    """

    def __init__(self, section: bytes) -> None:
        self.whole = True
        self._fields: list[bytes] = []
        self._relaxed: dict[int, bytes] = {}
        self._places: dict[bytes, list[int]] = {}
        for place, (name, octets) in enumerate(headers.whole_fields(section)):
            if place == _MOST_FIELDS:
                self.whole = False
                break
            self._fields.append(octets)
            self._places.setdefault(name.lower(), []).append(place)

    def places(self, name: bytes) -> list[int]:
        """
        Where fields of that name stand, from the top down.

        :param name: in lower case.
        """
        return self._places.get(name, [])

    def field(self, place: int) -> bytes:
        """
        A field as it stands, its line end too.
        """
        return self._fields[place]

    def value(self, place: int) -> bytes:
        """
        What follows a field's colon.
        """
        return self._fields[place].partition(b":")[2]

    def relaxed(self, place: int) -> bytes:
        """
        A field in relaxed form.
        """
        if place not in self._relaxed:
            self._relaxed[place] = relaxed_field(self._fields[place])
        return self._relaxed[place]

    def selected(
        self,
        names: Iterable[bytes],
        canonicalization: Canonicalization,
        without: int | None = None,
    ) -> Iterator[bytes]:
        """
        The fields that ``h=`` names, canonicalized, in its order.

        A name that comes again is the next field above; one for which there
        is no field left stands for nothing (RFC 6376 5.4.2).

        :param names: in lower case.
        :param without: the place of the signature, which never signs itself.
        """
        left: dict[bytes, Iterator[int]] = {}
        for name in names:
            if name not in left:
                left[name] = reversed(self.places(name))
            for place in left[name]:
                if place == without:
                    continue
                if canonicalization is Canonicalization.RELAXED:
                    yield self.relaxed(place)
                else:
                    yield simple_field(self._fields[place])
                break


def signing_form(field: bytes, canonicalization: Canonicalization) -> bytes:
    """
    A signature's own field at the end of what it signs: canonicalized, without
    a line end (RFC 6376 3.7).
    """
    if canonicalization is Canonicalization.RELAXED:
        return relaxed_field(field).removesuffix(b"\r\n")
    return field.rstrip(b"\r\n")
