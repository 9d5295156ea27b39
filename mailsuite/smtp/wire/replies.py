"""
SMTP's replies as values, and their octets.

Implementation notes

- Texts are constants of ours or addresses that the peer itself gave; nothing
  here prints an exception.
- A reply of 221 or 421 is the last of a connection (RFC 5321 3.8): the session
  goes by the code, so that no reply can say one thing and the connection do
  another.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reply:
    """
    One reply.

    :param enhanced: the enhanced status code (RFC 3463); None where there is
        none, as in the greeting and in all of 3yz.
    :param text: one line, or several with LF between them.
    """

    code: int
    enhanced: str | None
    text: str

    @property
    def is_refusal(self) -> bool:
        """
        Whether it is a 4yz or 5yz.
        """
        return self.code >= 400

    @property
    def is_last(self) -> bool:
        """
        Whether the connection ends after it.
        """
        return self.code in {221, 421}

    def octets(self, *, enhanced: bool) -> bytes:
        """
        As it goes over the wire.

        :param enhanced: whether the client was told of
            ENHANCEDSTATUSCODES (RFC 2034).
        """
        status = f"{self.enhanced} " if enhanced and self.enhanced else ""
        if "\n" not in self.text:
            return f"{self.code} {status}{self.text}\r\n".encode()
        *lines, last = self.text.split("\n")
        # RFC 2034 3: the enhanced code stands on each line.
        printed = [f"{self.code}-{status}{line}\r\n" for line in lines]
        printed.append(f"{self.code} {status}{last}\r\n")
        return "".join(printed).encode()
