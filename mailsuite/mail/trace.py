"""
Trace fields: where a message came from and where replies of machines go.

Implementation notes

- What a peer said about itself (its HELO name) comes into a header field only
  if it looks like a name; else its address stands alone.
- Lines are ours to fold: each stays under the 78 octets of RFC 5322 2.1.1
  unless a name alone is longer.
"""

from __future__ import annotations

import re
from datetime import datetime

from mailsuite.mail.address import Address
from mailsuite.mail.datetimes import print_date
from mailsuite.mail.envelope import Origin

_NAME = re.compile(
    r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_.])?"
    r"|\[[0-9A-Za-z.:]{2,60}\]"
)
_NOT_IN_A_COMMENT = re.compile(r"[^ -'*-\[\]-~]")


def return_path(reverse_path: Address | None) -> bytes:
    """
    The Return-Path field of final delivery (RFC 5321 4.4), with its line end.
    """
    path = "" if reverse_path is None else str(reverse_path)
    return f"Return-Path: <{path}>\r\n".encode()


def received(
    origin: Origin,
    queue_id: str,
    when: datetime,
    only_recipient: Address | None = None,
) -> bytes:
    """
    The Received field of one hop (RFC 5321 4.4), with its line end.

    :param when: with its zone.
    :param only_recipient: for the FOR clause; None where there are several,
        since one must not learn of the others.  An address beyond ASCII is
        left out: it alone would demand SMTPUTF8 of every host to come.
    """
    tls = _NOT_IN_A_COMMENT.sub("", origin.tls or "")
    lines = [
        f"Received: from {_from_domain(origin)}",
        f"\tby {origin.our_name} with {origin.protocol}"
        + (f" ({tls})" if tls else ""),
    ]
    last = f"\tid {queue_id}"
    if only_recipient is not None and only_recipient.is_ascii:
        lines.append(last)
        last = f"\tfor <{only_recipient}>"
    lines.append(f"{last};")
    return "\r\n".join(lines).encode() + b"\r\n\t%b\r\n" % print_date(when)


def address_literal(peer: str) -> str:
    """
    An IP address as RFC 5321 4.1.3 writes it.
    """
    return f"[IPv6:{peer}]" if ":" in peer else f"[{peer}]"


def _from_domain(origin: Origin) -> str:
    """
    What the client called itself, and what it is.
    """
    named = origin.helo if _NAME.fullmatch(origin.helo) else ""
    if not origin.peer:
        return named or "localhost"
    literal = address_literal(origin.peer)
    return f"{named or literal} ({literal})"
