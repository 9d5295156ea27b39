"""
Whether the DNS has what a domain needs: by meaning, not by spelling.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from mailsuite.app.dnsrecords import Wanted
from mailsuite.mail.dns import (
    Answer,
    Found,
    Inquiry,
    MailExchange,
    Question,
    Record,
    RecordType,
    ServiceLocation,
    TLSARecord,
)


class Verdict(Enum):
    """
    What was found of a record.
    """

    GOOD = "good"
    MISSING = "missing"
    WRONG = "wrong"
    #: The DNS did not answer.
    UNKNOWN = "no answer"


@dataclass(frozen=True, slots=True)
class Checked:
    """
    A record that was looked for.

    :param found: what is there in its place, as zone files have it.
    :param remark: what to do, or what else is noticed; may be empty.
    """

    wanted: Wanted
    verdict: Verdict
    found: tuple[str, ...] = ()
    remark: str = ""


def look_for(wanted: Wanted) -> Inquiry[Checked]:
    """
    Ask for one record, and compare.
    """
    answer = yield Question(wanted.name, wanted.type)
    if answer.found is Found.FAILED:
        return Checked(wanted, Verdict.UNKNOWN)
    found = tuple(_shown(record) for record in answer.records)
    match wanted.type:
        case RecordType.TXT:
            return _text(wanted, answer)
        case RecordType.MX:
            return _exchange(wanted, answer, found)
        case RecordType.SRV:
            return _service(wanted, answer, found)
        case _:
            return _among(wanted, found)


# --- By type -----------------------------------------------------------------


def _among(wanted: Wanted, found: tuple[str, ...]) -> Checked:
    """
    The value is to be one of those found.
    """
    if not found:
        return Checked(wanted, Verdict.MISSING)
    value = wanted.value.lower().rstrip(".")
    if value in (one.lower().rstrip(".") for one in found):
        return Checked(wanted, Verdict.GOOD, found)
    return Checked(wanted, Verdict.WRONG, found)


def _exchange(
    wanted: Wanted, answer: Answer, found: tuple[str, ...]
) -> Checked:
    """
    The host is to be among the MX; at whatever preference.
    """
    host = wanted.value.split()[1].rstrip(".").lower()
    hosts = [
        record.host
        for record in answer.records
        if isinstance(record, MailExchange)
    ]
    if not hosts:
        return Checked(wanted, Verdict.MISSING)
    if host not in hosts:
        return Checked(
            wanted, Verdict.WRONG, found, f"{host or 'none'} is not among them"
        )
    if not host and len(hosts) > 1:
        return Checked(
            wanted, Verdict.WRONG, found, "a null MX stands alone (RFC 7505)"
        )
    return Checked(wanted, Verdict.GOOD, found)


def _service(wanted: Wanted, answer: Answer, found: tuple[str, ...]) -> Checked:
    """
    The port and host count; for what is not offered, no record says so too.
    """
    *_, port, host = wanted.value.split()
    there = {
        (record.port, record.target)
        for record in answer.records
        if isinstance(record, ServiceLocation)
    }
    offered = {one for one in there if one[1]}
    if host == ".":
        if offered:
            return Checked(
                wanted, Verdict.WRONG, found, "nothing listens there"
            )
        return Checked(wanted, Verdict.GOOD, found)
    if not there:
        return Checked(wanted, Verdict.MISSING)
    if (int(port), host.rstrip(".").lower()) not in there:
        return Checked(wanted, Verdict.WRONG, found)
    return Checked(wanted, Verdict.GOOD, found)


def _text(wanted: Wanted, answer: Answer) -> Checked:
    """
    One TXT record of its kind is to be there, with the tags that count.
    """
    texts = [
        record.decode("utf-8", "replace")
        for record in answer.records
        if isinstance(record, bytes)
    ]
    kind = _kind(wanted.value)
    found = tuple(text for text in texts if _kind(text) == kind)
    if not found:
        return Checked(wanted, Verdict.MISSING, tuple(texts))
    if len(found) > 1:
        return Checked(
            wanted, Verdict.WRONG, found, "there are several; all are ignored"
        )
    match kind:
        case "v=spf1":
            return _sender_policy(wanted, found[0])
        case "v=DMARC1":
            return _dmarc(wanted, found[0])
        case _:
            return _tags(wanted, found[0], _meant(wanted.value, kind))


def _kind(text: str) -> str:
    """
    What a TXT record is: its version tag; a DKIM key needs none.
    """
    version = text.partition(";")[0].split()
    first = version[0] if version else ""
    return first if first.startswith("v=") else "v=DKIM1"


def _sender_policy(wanted: Wanted, found: str) -> Checked:
    """
    RFC 7208: who may send is the operator's to say; it must end, and name us.
    """
    terms = found.lower().split()[1:]
    own = {"mx", "+mx", "a", "+a"}
    named = own.intersection(terms) or any(
        term.lstrip("+").startswith(
            ("ip4:", "ip6:", "include:", "a:", "mx:", "redirect=")
        )
        for term in terms
    )
    closed = any(
        term in {"-all", "~all"} or term.startswith("redirect=")
        for term in terms
    )
    if wanted.value == "v=spf1 -all":
        good = terms == ["-all"]
        remark = "" if good else "a name without mail has -all alone"
    else:
        good = bool(named) and closed
        remark = "" if good else f"compare with {wanted.value}"
    return Checked(
        wanted, Verdict.GOOD if good else Verdict.WRONG, (found,), remark
    )


def _dmarc(wanted: Wanted, found: str) -> Checked:
    """
    RFC 9989: any valid policy is the operator's choice.
    """
    tags = dict(_split(found))
    if "p" in dict(_split(wanted.value)):
        policy = tags.get("p", "none")
        if policy not in {"none", "quarantine", "reject"}:
            return Checked(
                wanted, Verdict.WRONG, (found,), f"p={policy} is no policy"
            )
        strict = wanted.value == "v=DMARC1; p=reject"
        if strict and policy != "reject":
            return Checked(
                wanted, Verdict.WRONG, (found,), "a name without mail rejects"
            )
        if not strict and "rua" not in tags:
            return Checked(
                wanted, Verdict.GOOD, (found,), "no rua: nobody sends reports"
            )
    return Checked(wanted, Verdict.GOOD, (found,))


def _meant(text: str, kind: str) -> dict[str, str]:
    """
    The tags that make the difference; the rest has defaults.
    """
    tags = dict(_split(text))
    if kind == "v=DKIM1":
        return {"k": tags.get("k", "rsa"), "p": tags.get("p", "")}
    return {"v": tags.get("v", "")}


def _tags(wanted: Wanted, found: str, meant: dict[str, str]) -> Checked:
    there = {"k": "rsa"} | dict(_split(found))
    wrong = [tag for tag, value in meant.items() if there.get(tag) != value]
    if wrong:
        return Checked(
            wanted,
            Verdict.WRONG,
            (found,),
            f"{', '.join(f'{tag}=' for tag in wrong)} differs",
        )
    return Checked(wanted, Verdict.GOOD, (found,))


def _split(text: str) -> Iterable[tuple[str, str]]:
    """
    The tags of ``tag=value; tag=value``, blanks within values dropped.
    """
    for part in text.split(";"):
        tag, equals, value = part.partition("=")
        if equals:
            yield tag.strip(), "".join(value.split())


def _shown(record: Record) -> str:
    """
    A record's value as a zone file has it.
    """
    match record:
        case bytes():
            return record.decode("utf-8", "replace")
        case MailExchange(preference, host):
            return f"{preference} {host}."
        case ServiceLocation(priority, weight, port, target):
            return f"{priority} {weight} {port} {target}."
        case TLSARecord(usage, selector, matching_type, association):
            return f"{usage} {selector} {matching_type} {association.hex()}"
        case str():
            return record
