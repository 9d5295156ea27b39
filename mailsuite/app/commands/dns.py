"""
The DNS records of a domain: which are needed, and which are there.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
)

from mailsuite.accounts.errors import BadAddress
from mailsuite.accounts.names import typed_domain
from mailsuite.app.asking import Plain
from mailsuite.app.commands.terminal import (
    SuiteCommand,
    Where,
    as_json_option,
    show,
    table,
)
from mailsuite.app.config import Configuration
from mailsuite.app.dnscheck import Checked, Verdict, look_for
from mailsuite.app.dnsrecords import (
    Installation,
    Need,
    NotOffered,
    Reports,
    Wanted,
    records_for,
    records_without_mail,
)
from mailsuite.app.sending import dns_servers
from mailsuite.mail.dns import Found, Question, RecordType
from mailsuite.transfer.inquiries import answered
from mailsuite.transfer.nameservers import Server
from mailsuite.transfer.resolver import Resolver

T = TypeVar("T")

#: Levels above a domain that are looked at for its zone.
_LEVELS = 5


@click.command("dns", cls=SuiteCommand)
@click.argument("domain")
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="IP",
    help="Public address of this host; may be repeated.",
)
@click.option(
    "--reports", metavar="ADDRESS", help="Else postmaster of the domain."
)
@click.option(
    "--no-mail", is_flag=True, help="For a name that never sends or receives."
)
@click.option("--form", is_flag=True, help="Print a table for a web form.")
@click.option("--check", is_flag=True, help="Say which are there, or wrong.")
@as_json_option
@click.pass_obj
def dns(
    where: Where,
    domain: str,
    addresses: tuple[str, ...],
    reports: str | None,
    no_mail: bool,
    form: bool,
    check: bool,
    as_json: bool,
) -> None:
    """
    Print the DNS records that a domain needs, or check them.

    The status of a check is 1 if a record that is required or advised is
    missing or wrong.

    Example: mailsuite dns example.org --address 192.0.2.1
    """
    configuration = where.read()
    name = _typed(domain)
    reported = Reports(reports or f"postmaster@{name}")
    here = None if no_mail else _installation(where, configuration, name)

    def records(found: Sequence[str]) -> list[Wanted | NotOffered]:
        if here is None:
            return list(records_without_mail(name))
        return list(
            records_for(name, replace(here, addresses=tuple(found)), reported)
        )

    if check:
        checked = _run(
            lambda reactor: _checked(
                configuration, reactor, name, addresses, records
            )
        )
        show([_plain(one) for one in checked], as_json, lambda: _told(checked))
        if any(_fails(one) for one in checked):
            sys.exit(1)
    else:
        printed = records(addresses)
        wanted = _wanted(printed)
        show(
            [_plain_wanted(one) for one in wanted],
            as_json,
            lambda: (
                _form(wanted)
                if form
                else _zone(printed, hint=not addresses and here is not None)
            ),
        )


def _typed(text: str) -> str:
    """
    A domain that somebody typed, as A-labels.

    :raises click.BadParameter: it is none.
    """
    try:
        return typed_domain(text.strip().rstrip("."))
    except BadAddress as error:
        raise click.BadParameter(str(error)) from error


# --- What runs here ----------------------------------------------------------


def _installation(
    where: Where,
    configuration: Configuration,
    domain: str,
) -> Installation:
    keys: list[Plain] = where.perform("dkim.list", domain=domain)
    return Installation(
        host=configuration.host_name,
        addresses=(),
        ports={one.protocol: one.port for one in configuration.listen},
        keys=tuple(
            (key["selector"], key["record"])
            for key in keys
            if key["state"] != "retired"
        ),
        key_digests=_digests(where, configuration),
    )


def _digests(where: Where, configuration: Configuration) -> tuple[str, ...]:
    """
    Of the certificate that is shown to other servers, where it may be read.
    """
    if configuration.certificate:
        path = Path(configuration.certificate[0].chain)
    else:
        path = where.state_folder() / "certificates" / "server.pem"
    try:
        leaf = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError):
        return ()
    key = leaf.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    return (hashlib.sha256(key).hexdigest(),)


# --- Asking ------------------------------------------------------------------


def _run(work: Callable[[Any], Awaitable[T]]) -> T:
    """
    Have the reactor run until ``work`` is done.
    """
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react

    results: list[T] = []

    async def collect(reactor: Any) -> None:
        results.append(await work(reactor))

    try:
        react(lambda reactor: Deferred.fromCoroutine(collect(reactor)))
    except SystemExit as end:
        if end.code:
            raise
    return results[0]


async def _checked(
    configuration: Configuration,
    reactor: Any,
    domain: str,
    addresses: Sequence[str],
    records: Callable[[Sequence[str]], list[Wanted | NotOffered]],
) -> list[Checked]:
    """
    What the DNS says of all records.

    :param addresses: of our host; if there are none, the DNS is asked.
    """
    resolver = Resolver(reactor, dns_servers(configuration))
    found = addresses or await _addresses_of(resolver, configuration.host_name)
    return await _looked_for(resolver, reactor, domain, _wanted(records(found)))


def _wanted(records: Iterable[Wanted | NotOffered]) -> list[Wanted]:
    return [one for one in records if isinstance(one, Wanted)]


async def _addresses_of(resolver: Resolver, name: str) -> tuple[str, ...]:
    found: list[str] = []
    for kind in (RecordType.A, RecordType.AAAA):
        answer = await resolver.ask(Question(name, kind))
        found += [one for one in answer.records if isinstance(one, str)]
    return tuple(found)


async def _looked_for(
    resolver: Resolver,
    reactor: Any,
    domain: str,
    wanted: Sequence[Wanted],
) -> list[Checked]:
    """
    What the resolver says, and, where they answer, the domain's own servers:
    theirs counts, since it will be everybody's.
    """
    own = await _own_servers(resolver, domain)
    asked = [
        (name, Resolver(reactor, [Server(address)])) for name, address in own
    ]
    found = []
    for one in wanted:
        checked = await answered(look_for(one), resolver)
        if one.name == domain or one.name.endswith("." + domain):
            checked = await _by_owner(one, checked, asked)
        found.append(checked)
    return found


async def _own_servers(
    resolver: Resolver, domain: str
) -> list[tuple[str, str]]:
    """
    The authoritative servers of a domain's zone: name and address.
    """
    zone = domain
    for _ in range(_LEVELS):
        answer = await resolver.ask(Question(zone, RecordType.NS))
        if answer.found is Found.RECORDS:
            return [
                (str(name), address)
                for name in answer.records
                for address in (await _addresses_of(resolver, str(name)))[:1]
            ]
        _, _, zone = zone.partition(".")
        if "." not in zone:
            break
    return []


async def _by_owner(
    wanted: Wanted, checked: Checked, asked: Sequence[tuple[str, Resolver]]
) -> Checked:
    for name, resolver in asked:
        theirs = await answered(look_for(wanted), resolver)
        if theirs.verdict is Verdict.UNKNOWN:
            continue
        if theirs.verdict is not checked.verdict:
            remark = (
                f"{name} says so; the resolver still has: "
                f"{checked.verdict.value}"
            )
            return replace(theirs, remark=remark)
    return checked


# --- Shown -------------------------------------------------------------------


def _fails(one: Checked) -> bool:
    return (
        one.verdict is not Verdict.GOOD and one.wanted.need is not Need.OPTIONAL
    )


def _told(checked: Iterable[Checked]) -> str:
    lines = []
    for one in checked:
        wanted = one.wanted
        lines.append(
            f"{one.verdict.value:9}  {wanted.name}  {wanted.type.value}"
            + (f"  ({one.remark})" if one.remark else "")
        )
        if one.verdict is not Verdict.GOOD:
            lines.append(f"           {wanted.need.value}: {wanted.why}")
            lines.append(f"           expected  {wanted.zone_line()}")
            lines += [f"           found     {value}" for value in one.found]
    return "\n".join(lines)


def _zone(records: Iterable[Wanted | NotOffered], *, hint: bool) -> str:
    lines = []
    if hint:
        lines += [
            "; The host's own records (A, AAAA, PTR) are printed too with:"
            " --address IP",
            "",
        ]
    for one in records:
        match one:
            case Wanted():
                lines += [f"; {one.need.value}: {one.why}", one.zone_line()]
            case NotOffered(name, why):
                lines.append(f"; not offered: {name}: {why}.")
    return "\n".join(lines)


def _form(wanted: Iterable[Wanted]) -> str:
    rows = [("NAME", "TYPE", "VALUE")]
    rows += [(one.name, one.type.value, one.value) for one in wanted]
    return table(rows)


def _plain_wanted(one: Wanted) -> Plain:
    return {
        "name": one.name,
        "type": one.type.value,
        "value": one.value,
        "need": one.need.value,
        "why": one.why,
        "zone": one.zone_line(),
    }


def _plain(one: Checked) -> Plain:
    return _plain_wanted(one.wanted) | {
        "verdict": one.verdict.value,
        "found": list(one.found),
        "remark": one.remark,
    }
