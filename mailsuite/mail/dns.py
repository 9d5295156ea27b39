"""
Questions to the DNS and their answers, as values.

What decides by DNS (where mail goes, whether a sender is who it says) yields
questions and takes answers, and so needs no network to be tested.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

_T = TypeVar("_T")


class RecordType(Enum):
    """
    The types that mail asks for.
    """

    A = "A"
    AAAA = "AAAA"
    CNAME = "CNAME"
    MX = "MX"
    NS = "NS"
    PTR = "PTR"
    SRV = "SRV"
    TLSA = "TLSA"
    TXT = "TXT"


class Found(Enum):
    """
    What an answer amounts to.
    """

    RECORDS = "records"
    #: The name exists and has none of that type.
    NO_RECORDS = "no records"
    #: The name does not exist (NXDOMAIN): an answer, not a failure.
    NO_NAME = "no name"
    #: SERVFAIL, a timeout, nonsense: nobody knows, for the moment.
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MailExchange:
    """
    An MX record (RFC 5321 5.1).

    :param host: in lower case without the last dot; empty is the null MX's.
    """

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class ServiceLocation:
    """
    An SRV record (RFC 2782); ``target`` as ``MailExchange.host``.
    """

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class TLSARecord:
    """
    A TLSA record (RFC 6698 2.1).
    """

    usage: int
    selector: int
    matching_type: int
    association: bytes


#: A and AAAA are addresses; PTR, NS and CNAME names in lower case without the
#: last dot; TXT the octets of its strings, joined.
Record = str | bytes | MailExchange | ServiceLocation | TLSARecord


@dataclass(frozen=True, slots=True)
class Question:
    """
    What is asked.

    :param name: A-labels in lower case, without the last dot.
    """

    name: str
    type: RecordType


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came back.

    :param records: in the order of the answer; empty unless ``found`` is
        ``RECORDS``.
    :param secure: DNSSEC vouches for it, by a resolver that may be believed.
    :param canonical: the name at the end of CNAMEs; the question's own if
        there was none.
    """

    found: Found
    records: tuple[Record, ...] = ()
    secure: bool = False
    canonical: str = ""


#: What yields questions, takes their answers and comes to a result.
Inquiry = Generator[Question, Answer, _T]
