"""
The signatures that a message gets here: DKIM where it begins its way, ARC
where it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailsuite.emailauth import results
from mailsuite.emailauth.arcseal import seal
from mailsuite.emailauth.bodydigest import BodyDigests
from mailsuite.emailauth.dkimkeys import SigningKey
from mailsuite.emailauth.dmarc import author_domains
from mailsuite.emailauth.domains import mail_domain
from mailsuite.emailauth.results import AuthenticationResults
from mailsuite.emailauth.signaturefield import Algorithm
from mailsuite.emailauth.signing import CANONICALIZATION, signature_fields
from mailsuite.interfaces import IContent
from mailsuite.transfer.checks import Examined
from mailsuite.transfer.router import Routed


class Signatures:
    """
    Signs with the keys of the author's domain, and seals with our own.

    :param keys: of a domain, by its A-labels.
    :param sealer: the domain that seals what is forwarded.
    :param our_name: the host that the results are of.
    :param now: seconds since 1970.
    """

    def __init__(
        self,
        keys: Callable[[str], Sequence[SigningKey]],
        *,
        sealer: str,
        our_name: str,
        now: Callable[[], float],
    ) -> None:
        self._keys = keys
        self._sealer = sealer
        self._our_name = our_name
        self._now = now

    def of_author(self, section: bytes) -> tuple[SigningKey, ...]:
        """
        The keys that a message with this header section is signed with.
        """
        for author in author_domains(section):
            domain = mail_domain(author)
            if domain is not None and (keys := self._keys(domain)):
                return tuple(keys)
        return ()

    def wanted(self, section: bytes, routed: Sequence[Routed]) -> bool:
        """
        Whether the body has to be hashed for a signature of ours.
        """
        return bool(self.of_author(section) or self._seals(routed))

    def fields(
        self,
        section: bytes,
        routed: Sequence[Routed],
        body: BodyDigests | None,
        found: Examined | None,
    ) -> bytes:
        """
        The fields for the top of the header section.

        :param section: as the message leaves.
        :param body: its digests; None if none were wanted.
        :param found: what the checks came to; None for a message that begins
            its way here.
        """
        if body is None:
            return b""
        now = int(self._now())
        if found is None:
            keys = self.of_author(section)
            if not keys:
                return b""
            digest = body.digest(CANONICALIZATION)
            return signature_fields(keys, section, digest, now)
        if not self._seals(routed):
            return b""
        return seal(
            self._sealing_keys()[0],
            section,
            body.digest(CANONICALIZATION),
            chain=found.arc,
            results=results.value(
                AuthenticationResults(self._our_name, found.results)
            ),
            now=now,
        )

    async def of_notification(self, content: IContent) -> bytes:
        """
        The signatures of a message that this host itself writes.

        :param content: as it is sent; some dozens of kilobytes.
        """
        return self.of_octets(await content.read(0, content.size))

    def of_octets(self, octets: bytes) -> bytes:
        """
        The same for octets in memory.
        """
        section, _, rest = octets.partition(b"\r\n\r\n")
        body = BodyDigests([CANONICALIZATION])
        body.update(rest)
        return self.fields(section + b"\r\n", (), body, None)

    def _seals(self, routed: Sequence[Routed]) -> bool:
        return any(one.forwarded for one in routed) and bool(
            self._sealing_keys()
        )

    def _sealing_keys(self) -> list[SigningKey]:
        return [
            key
            for key in self._keys(self._sealer)
            if key.algorithm is Algorithm.RSA
        ]
