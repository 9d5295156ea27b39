"""
Signing messages with DKIM (RFC 6376 5).

Implementation notes

- Relaxed in header and body: what relays commonly change is not signed.
- No ``l=``: what is added below a signed text would be shown as signed.  No
  ``x=``: mail that waits in a queue or is verified later stays what it is.
- A name stands in ``h=`` once more than in the message ("oversigned"), so that
  a second From or Subject put in front breaks the signature.  Only fields that
  lists rightly add or change are signed just as often as they are there.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence

from mailsuite.emailauth.bodydigest import BodyDigest
from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.dkimkeys import SigningKey
from mailsuite.emailauth.signaturefield import Algorithm
from mailsuite.emailauth.signedsection import SignedSection, signing_form

#: Of the body whose digest ``signature_fields`` takes.
CANONICALIZATION = Canonicalization.RELAXED

_OVERSIGNED = (
    b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"Reply-To",
    b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding",
)  # fmt: skip
_SIGNED = (
    b"Sender", b"In-Reply-To", b"References", b"Auto-Submitted",
    b"Resent-Date", b"Resent-From", b"Resent-Sender", b"Resent-To",
    b"Resent-Cc", b"Resent-Message-ID",
    b"List-Id", b"List-Help", b"List-Unsubscribe", b"List-Unsubscribe-Post",
    b"List-Subscribe", b"List-Post", b"List-Owner", b"List-Archive",
)  # fmt: skip

#: Octets of a line that we write; RFC 5322 2.1.1 has 78.
_WIDTH = 76

#: Octets of base64 on a line of its own.
_STRETCH = 68


def signature_fields(
    keys: Sequence[SigningKey],
    section: bytes,
    body: BodyDigest,
    now: int,
) -> bytes:
    """
    One DKIM-Signature for each key, for the top of the header section.

    Ed25519 comes below RSA: who knows one algorithm alone looks at the first.

    :param body: in ``CANONICALIZATION``.
    :param now: seconds since 1970.
    :return: whole fields; empty if the message has no From, since such a
        signature would not be valid (RFC 6376 5.4), or too many fields.
    """
    signed = SignedSection(section)
    if not signed.places(b"from") or not signed.whole:
        return b""
    names = signed_names(signed)
    inner = hashlib.sha256()
    lower = [name.lower() for name in names]
    for field in signed.selected(lower, CANONICALIZATION):
        inner.update(field)
    ordered = sorted(keys, key=lambda key: key.algorithm is Algorithm.ED25519)
    return b"".join(
        signed_field(
            b"DKIM-Signature",
            key,
            (b"v=1", *message_tags(key, names, body, now)),
            inner.copy(),
        )
        for key in ordered
    )


def signed_names(
    section: SignedSection, more: Iterable[bytes] = ()
) -> list[bytes]:
    """
    What goes into ``h=``.

    :param more: names that are signed as often as they are there.
    """
    names: list[bytes] = []
    for name in _OVERSIGNED:
        names += [name] * (len(section.places(name.lower())) + 1)
    for name in (*_SIGNED, *more):
        names += [name] * len(section.places(name.lower()))
    return names


def message_tags(
    key: SigningKey,
    names: Sequence[bytes],
    body: BodyDigest,
    now: int,
) -> Iterable[bytes]:
    """
    The tags of a signature over a message but its first and ``b=``.
    """
    return (
        *key_tags(key, now),
        b"c=%b/%b" % ((CANONICALIZATION.value.encode(),) * 2),
        b"h=" + b":".join(names),
        b"bh=" + base64.b64encode(body.sha256),
    )


def key_tags(key: SigningKey, now: int) -> Iterable[bytes]:
    """
    The tags that say who signs, how and when.
    """
    return (
        b"a=" + key.algorithm.value.encode(),
        b"d=" + key.domain.encode(),
        b"s=" + key.selector.encode(),
        b"t=%d" % now,
    )


def signed_field(
    name: bytes,
    key: SigningKey,
    tags: Iterable[bytes],
    covered: hashlib._Hash,
) -> bytes:
    """
    A signature's whole field, folded, CR LF at its end.

    :param covered: the hash of what it signs before itself; changed here.
    """
    field = name + b":" + _folded(name, tags) + b";\r\n\tb="
    covered.update(signing_form(field, Canonicalization.RELAXED))
    text = base64.b64encode(key.sign(covered.digest()))
    lines = [text[i : i + _STRETCH] for i in range(0, len(text), _STRETCH)]
    return field + b"\r\n\t ".join(lines) + b"\r\n"


def _folded(name: bytes, tags: Iterable[bytes]) -> bytes:
    """
    Tags with spaces between them, on lines that are not too long.
    """
    lines: list[bytes] = []
    line = b""
    room = _WIDTH - len(name) - 1
    for word in _words(tags):
        if line and len(line) + len(word) > room:
            lines.append(line)
            line, room = b"", _WIDTH - 8
        line += word
    lines.append(line)
    return b" " + b"\r\n\t".join(part.strip() for part in lines)


def _words(tags: Iterable[bytes]) -> Iterable[bytes]:
    """
    Where a fold may come: after a semicolon, and after a colon in ``h=``.
    """
    whole = b"; ".join(tags)
    start = 0
    for end, octet in enumerate(whole, 1):
        if octet in b" :":
            yield whole[start:end]
            start = end
    yield whole[start:]
