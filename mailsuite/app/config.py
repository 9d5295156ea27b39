"""
What the operator decides: the configuration file, checked as a whole.

Implementation notes

- The file is TOML.  Every key has a default, and ``etc/mailsuite.toml`` shows
  each with a sentence; a key that is not known is an error.
- All that is wrong is found in one reading: each value is converted alone, so
  that one error does not hide the next.
"""

from __future__ import annotations

import os
import tomllib
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from mailsuite.app import values
from mailsuite.app.sendingconfig import (
    DNS,
    Checks,
    QueueTimes,
    Relay,
    Reports,
    Route,
    Sending,
    networks_faults,
    sending_faults,
)

ListenerProtocol = Literal[
    "smtp", "lmtp", "submission", "submissions",
    "imap", "imaps", "pop3", "pop3s",
]  # fmt: skip
TLSMode = Literal["none", "starttls", "implicit"]

#: Ports of the embedded default, where no privileges are needed.
EMBEDDED_PORTS: dict[str, int] = {
    "smtp": 2525,
    "lmtp": 2424,
    "submission": 2587,
    "submissions": 2465,
    "imap": 2143,
    "imaps": 2993,
    "pop3": 2110,
    "pop3s": 2995,
}

#: What a listener does about TLS unless it is told.
USUAL_TLS: dict[str, TLSMode] = {
    "smtp": "starttls",
    "lmtp": "none",
    "submission": "starttls",
    "submissions": "implicit",
    "imap": "starttls",
    "imaps": "implicit",
    "pop3": "starttls",
    "pop3s": "implicit",
}


class Listener(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    One address and port that clients connect to.

    :param proxy: addresses or networks whose connections begin with a PROXY
        protocol header; empty for none.
    :param option: what the operator changes to get another port.
    """

    protocol: ListenerProtocol
    port: int
    address: str = "127.0.0.1"
    tls: TLSMode | None = None
    proxy: list[str] = []
    option: str = ""

    @property
    def tls_mode(self) -> TLSMode:
        """
        What is done about TLS here.
        """
        return self.tls or USUAL_TLS[self.protocol]


class Certificate(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    A certificate chain and its key, as PEM files.

    It is shown to clients that ask for one of its names; the first in the file
    to everybody else.
    """

    chain: str
    key: str


class Limits(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    How much of anything there may be.
    """

    message_octets: int = 50 * 1024 * 1024
    recipients: int = 1000
    received_fields: int = 100
    connections: int = 10000
    connections_per_address: int = 1000
    open_databases: int = 100


class Login(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    How people log in.
    """

    failure_seconds: float = 2.0
    plaintext: bool = False
    scram: Literal["auto", "always", "never"] = "auto"
    password_scheme: Literal["argon2id", "ssha256"] = "argon2id"


class Configuration(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """
    All of the operator's decisions.

    :param home: where an account's folder lies: a template of ``{state}``,
        ``{domain}`` and ``{local}``.
    :param maildir: where its maildir lies: the same, and ``{home}``.
    """

    host_name: str = "localhost"
    default_domain: str = "localhost"
    state: str = "./mailsuite-data"
    home: str = "{state}/mail/{domain}/{local}"
    maildir: str = "{home}/Maildir"
    separator: Literal["/", "."] = "/"
    detail_separator: str = "+"
    uidl_format: str = "%08Xu%08Xv"
    postmaster: str = ""
    postmaster_copies: list[str] = []
    listen: list[Listener] = []
    certificate: list[Certificate] = []
    limits: Limits = Limits()
    login: Login = Login()
    relay: Relay = Relay()
    dns: DNS = DNS()
    queue: QueueTimes = QueueTimes()
    sending: Sending = Sending()
    route: list[Route] = []
    checks: Checks = Checks()
    reports: Reports = Reports()


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One thing that is wrong with the configuration.
    """

    file: str
    key: str
    found: str
    expected: str

    def __str__(self) -> str:
        return (
            f"{self.file}: {self.key}: found {self.found}; "
            f"expected {self.expected}"
        )


class ConfigurationFaulty(Exception):
    """
    The configuration cannot be used; ``faults`` says all that is wrong.
    """

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


def find_file(named: str | None) -> Path | None:
    """
    The configuration file: that named, else MAILSUITE_CONFIG, else
    ``./mailsuite.toml``, else ``/etc/mailsuite/mailsuite.toml`` or
    ``/etc/mailsuite.toml``; None if there is none.

    :raises ConfigurationFaulty: the file that was named is not there.
    """
    chosen = named or os.environ.get("MAILSUITE_CONFIG")
    if chosen:
        path = Path(chosen)
        if not path.is_file():
            source = "--config" if named else "MAILSUITE_CONFIG"
            raise ConfigurationFaulty(
                [Fault(chosen, source, "no such file", "a readable TOML file")]
            )
        return path
    for path in (
        Path("mailsuite.toml"),
        Path("/etc/mailsuite/mailsuite.toml"),
        Path("/etc/mailsuite.toml"),
    ):
        if path.is_file():
            return path
    return None


def embedded(ports: Mapping[str, int] | None = None) -> Configuration:
    """
    The configuration where there is no file: all on loopback.

    :param ports: for protocols that shall not have their usual port; 0 is any
        free one.
    """
    chosen = EMBEDDED_PORTS | dict(ports or {})
    listen = [
        Listener(
            protocol=name,  # type: ignore[arg-type]  # keys are the literals
            port=port,
            option=f"--port {name}=NUMBER",
        )
        for name, port in chosen.items()
    ]
    return Configuration(listen=listen)


def read(path: Path) -> Configuration:
    """
    The configuration in a file.

    Relative paths in it are relative to its folder.

    :raises ConfigurationFaulty: with all that is wrong.
    """
    found, faults = examine(path)
    if faults:
        raise ConfigurationFaulty(faults)
    return found


def examine(path: Path) -> tuple[Configuration, list[Fault]]:
    """
    The configuration in a file, and all that is wrong with it; what is faulty
    has its default.

    :raises ConfigurationFaulty: it cannot be read at all.
    """
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigurationFaulty(
            [Fault(str(path), "(file)", reason, "a readable UTF-8 file")]
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationFaulty(
            [Fault(str(path), "(syntax)", str(error), "valid TOML")]
        ) from error
    faults: list[Fault] = []
    found: Configuration = _struct(str(path), "", table, Configuration, faults)
    given = table.get("queue")
    if isinstance(given, dict):
        queue = found.queue.following_days(given)
        found = msgspec.structs.replace(found, queue=queue)
    faults += _contradictions(str(path), found)
    return _resolved(found, path), faults


def mail_folder(found: Configuration, state: Path) -> str:
    """
    The folder that all mail lies in: the fixed beginning of ``maildir``.
    """
    whole = found.maildir.replace("{home}", found.home)
    beginning = whole.replace("{state}", str(state)).partition("{")[0]
    return os.path.dirname(beginning)


def _struct(
    file: str, key: str, table: object, kind: Any, faults: list[Fault]
) -> Any:
    """
    A struct of ``kind`` from a table; ``faults`` are added to.

    What is faulty has its default; without one there is no struct, but None.
    """
    if not isinstance(table, dict):
        faults.append(Fault(file, key, _shown(table), "a table"))
        table = {}
    hints = get_type_hints(kind)
    good = {}
    for name, value in table.items():
        full = f"{key}.{name}" if key else name
        if name not in hints or (kind is Listener and name == "option"):
            known = ", ".join(sorted(set(hints) - {"option"}))
            faults.append(
                Fault(file, full, "an unknown key", f"one of {known}")
            )
            continue
        before = len(faults)
        converted = _value(file, full, value, hints[name], faults)
        if converted is not None or len(faults) == before:
            good[name] = converted
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in table:
            full = f"{key}.{field.name}" if key else field.name
            faults.append(Fault(file, full, "nothing", _described(field.type)))
    if kind is Listener:
        # Stand-ins for what is faulty, so that the rest is looked at too.
        good = {"protocol": "imap", "port": 0} | good
        good["option"] = f"{key}.port in {file}"
    required = {f.name for f in msgspec.structs.fields(kind) if f.required}
    return kind(**good) if required <= set(good) else None


def _value(
    file: str, key: str, value: object, kind: Any, faults: list[Fault]
) -> Any:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(file, key, value, kind, faults)
    inner = get_args(kind)[0] if get_origin(kind) is list else None
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        if not isinstance(value, list):
            faults.append(Fault(file, key, _shown(value), "a list of tables"))
            return None
        return [
            _struct(file, f"{key}[{i}]", item, inner, faults)
            for i, item in enumerate(value)
        ]
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        faults.append(Fault(file, key, _shown(value), _described(kind)))
        return None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."


def _described(kind: Any) -> str:
    """
    A type in an operator's words.
    """
    origin = get_origin(kind)
    if origin is Literal:
        return "one of " + ", ".join(repr(choice) for choice in get_args(kind))
    if origin in (Union, types.UnionType):
        rest = [arg for arg in get_args(kind) if arg is not type(None)]
        return " or ".join(_described(arg) for arg in rest)
    if origin is list:
        return f"a list, each {_described(get_args(kind)[0])}"
    words = {
        str: "a string", int: "a whole number", bool: "true or false",
        float: "a number",
    }  # fmt: skip
    return words.get(kind, "a table")


def _contradictions(file: str, found: Configuration) -> list[Fault]:
    """
    What is wrong with values that are each well formed.
    """
    checked = [
        ("host_name", values.expected_domain(found.host_name)),
        ("default_domain", values.expected_domain(found.default_domain)),
        (
            "home",
            values.expected_template(found.home, ("state", "domain", "local")),
        ),
        (
            "maildir",
            values.expected_template(
                found.maildir, ("state", "domain", "local", "home")
            ),
        ),
        ("postmaster", values.expected_address(found.postmaster)),
        ("uidl_format", values.expected_uidl_format(found.uidl_format)),
        (
            "detail_separator",
            values.expected_detail_separator(found.detail_separator),
        ),
    ]
    faults = [
        Fault(file, key, repr(getattr(found, key)), expected)
        for key, expected in checked
        if expected is not None
    ]
    faults += [
        Fault(file, f"postmaster_copies[{place}]", repr(address), expected)
        for place, address in enumerate(found.postmaster_copies)
        if (expected := values.expected_target(address)) is not None
    ]
    places: dict[tuple[str, int], str] = {}
    for place, listener in enumerate(found.listen):
        # One that is not well formed has its fault already.
        if listener is None:
            continue
        key = f"listen[{place}]"
        faults += _listener_faults(file, key, listener)
        other = places.setdefault((listener.address, listener.port), key)
        if other != key and listener.port:
            faults.append(
                Fault(
                    file,
                    f"{key}.port",
                    f"{listener.port}, as in {other}",
                    "another port, or another address",
                )
            )
    faults += [
        Fault(file, *finding)
        for finding in sending_faults(
            found.relay,
            found.dns,
            found.queue,
            found.sending,
            found.route,
            found.checks,
        )
    ]
    return faults + _number_faults(file, found)


def _listener_faults(file: str, key: str, listener: Listener) -> list[Fault]:
    faults = []
    if expected := values.expected_number(listener.port, 0, 65535):
        faults.append(Fault(file, f"{key}.port", str(listener.port), expected))
    if expected := values.expected_ip_address(listener.address):
        faults.append(
            Fault(file, f"{key}.address", repr(listener.address), expected)
        )
    faults += [
        Fault(file, *finding)
        for finding in networks_faults(f"{key}.proxy", listener.proxy)
    ]
    mode = USUAL_TLS[listener.protocol]
    if mode == "implicit" and listener.tls not in (None, "implicit"):
        faults.append(
            Fault(
                file,
                f"{key}.tls",
                repr(listener.tls),
                f"'implicit', as {listener.protocol} is TLS throughout",
            )
        )
    return faults


def _number_faults(file: str, found: Configuration) -> list[Fault]:
    least = dict.fromkeys(found.limits.__struct_fields__, 1)
    least |= {"recipients": 100, "received_fields": 100}
    checked: list[tuple[str, float, float]] = [
        (f"limits.{name}", getattr(found.limits, name), bound)
        for name, bound in least.items()
    ]
    checked.append(("login.failure_seconds", found.login.failure_seconds, 0))
    return [
        Fault(file, key, str(value), expected)
        for key, value, bound in checked
        if (expected := values.expected_number(value, bound)) is not None
    ]


def _resolved(found: Configuration, path: Path) -> Configuration:
    """
    With paths made absolute, from the folder of the file, and the host's name
    in A-labels, as all hosts understand it; one that names no listener has
    those of a start without configuration.
    """
    folder = path.absolute().parent
    return msgspec.structs.replace(
        found,
        host_name=values.host_name(found.host_name),
        listen=found.listen
        or [
            msgspec.structs.replace(one, option=f"[[listen]] in {path}")
            for one in embedded().listen
        ],
        state=str(folder / found.state),
        certificate=[
            Certificate(str(folder / c.chain), str(folder / c.key))
            for c in found.certificate
            if c is not None  # not well formed: it has its fault
        ],
        sending=msgspec.structs.replace(
            found.sending,
            authorities=_beside(folder, found.sending.authorities),
        ),
        route=[
            msgspec.structs.replace(
                one, password_file=_beside(folder, one.password_file)
            )
            for one in found.route
            if one is not None
        ],
    )


def _beside(folder: Path, path: str) -> str:
    return str(folder / path) if path else ""
