"""
What the operator decides: the configuration file, checked as a whole.

Implementation notes

- The file is TOML.  Every key has a default, and ``etc/mailsuite.toml`` shows
  each with a sentence; a key that is not known is an error.
- All that is wrong is found in one reading: each value is converted alone, so
  that one error does not hide the next.
"""

from __future__ import annotations

import ipaddress
import os
import string
import tomllib
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from mailsuite.mail.uniqueids import UniqueIdFormat

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
    listen: list[Listener] = []
    certificate: list[Certificate] = []
    limits: Limits = Limits()
    login: Login = Login()


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
    values = _struct(str(path), "", table, Configuration, faults)
    if not faults:
        faults = _contradictions(str(path), values)
    if faults:
        raise ConfigurationFaulty(faults)
    configuration: Configuration = values
    return _resolved(configuration, path)


def mail_folder(found: Configuration, state: Path) -> str:
    """
    The folder that all accounts' folders lie in: the fixed beginning of
    ``home``.
    """
    beginning = found.home.replace("{state}", str(state)).partition("{")[0]
    return os.path.dirname(beginning)


def _struct(
    file: str, key: str, table: object, kind: Any, faults: list[Fault]
) -> Any:
    """
    A struct of ``kind`` from a table, or None with ``faults`` added to.
    """
    if not isinstance(table, dict):
        faults.append(Fault(file, key, _shown(table), "a table"))
        return None
    hints = get_type_hints(kind)
    before = len(faults)
    values = {}
    for name, value in table.items():
        full = f"{key}.{name}" if key else name
        if name not in hints or (kind is Listener and name == "option"):
            known = ", ".join(sorted(set(hints) - {"option"}))
            faults.append(
                Fault(file, full, "an unknown key", f"one of {known}")
            )
            continue
        values[name] = _value(file, full, value, hints[name], faults)
    for field in msgspec.structs.fields(kind):
        if field.required and field.name not in table:
            full = f"{key}.{field.name}" if key else field.name
            faults.append(Fault(file, full, "nothing", _described(field.type)))
    if len(faults) > before:
        return None
    if kind is Listener:
        values["option"] = f"{key}.port in {file}"
    return kind(**values)


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
    faults = []
    for i, listener in enumerate(found.listen):
        key = f"listen[{i}]"
        if not 0 <= listener.port <= 65535:
            faults.append(
                Fault(file, f"{key}.port", str(listener.port), "0 to 65535")
            )
        faults += _networks(file, key, listener)
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
    for name in ("message_octets", "recipients", "received_fields",
                 "connections", "connections_per_address",
                 "open_databases"):  # fmt: skip
        value = getattr(found.limits, name)
        least = 100 if name in ("recipients", "received_fields") else 1
        if value < least:
            faults.append(
                Fault(file, f"limits.{name}", str(value), f"{least} or more")
            )
    for name, fields in (
        ("home", {"state", "domain", "local"}),
        ("maildir", {"state", "domain", "local", "home"}),
    ):
        faults += _template(file, name, getattr(found, name), fields)
    try:
        UniqueIdFormat(found.uidl_format)
    except ValueError as error:
        faults.append(
            Fault(
                file,
                "uidl_format",
                f"{found.uidl_format!r} ({error})",
                "a form such as '%08Xu%08Xv', '%v.%u' or '%g'",
            )
        )
    if not found.detail_separator or "@" in found.detail_separator:
        faults.append(
            Fault(
                file,
                "detail_separator",
                repr(found.detail_separator),
                "one or more characters, '+' for example",
            )
        )
    return faults


def _networks(file: str, key: str, listener: Listener) -> list[Fault]:
    faults = []
    try:
        ipaddress.ip_address(listener.address)
    except ValueError:
        faults.append(
            Fault(
                file,
                f"{key}.address",
                repr(listener.address),
                "an IP address, '0.0.0.0' or '::' for all",
            )
        )
    for i, network in enumerate(listener.proxy):
        try:
            ipaddress.ip_network(network)
        except ValueError:
            faults.append(
                Fault(
                    file,
                    f"{key}.proxy[{i}]",
                    repr(network),
                    "an IP address or network such as '10.0.0.0/8'",
                )
            )
    return faults


def _template(
    file: str, name: str, template: str, fields: set[str]
) -> list[Fault]:
    try:
        used = {
            field
            for _, field, _, _ in string.Formatter().parse(template)
            if field is not None
        }
    except ValueError:
        used = {"?"}
    expected = "a path with " + ", ".join(f"{{{f}}}" for f in sorted(fields))
    if used - fields:
        return [Fault(file, name, repr(template), expected + " alone")]
    needed = {"local"} if "home" not in used else set()
    if needed - used:
        return [
            Fault(
                file, name, repr(template), expected + "; {local} must be there"
            )
        ]
    return []


def _resolved(found: Configuration, path: Path) -> Configuration:
    """
    With paths made absolute, from the folder of the file.
    """
    folder = path.absolute().parent
    return msgspec.structs.replace(
        found,
        state=str(folder / found.state),
        certificate=[
            Certificate(str(folder / c.chain), str(folder / c.key))
            for c in found.certificate
        ],
    )
