"""
The floors of docs/architecture.md: who may import whom.
"""

from __future__ import annotations

import ast
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import mailsuite

_ROOT = Path(mailsuite.__file__).parent

#: Pure rooms: the standard library (less what waits or touches the world),
#: what lies below, and pure libraries.
_PURE = (
    "mailsuite.errors",
    "mailsuite.mail",
    "mailsuite.wire",
    "mailsuite.emailauth",
    "mailsuite.smtp.wire",
    "mailsuite.pop3.wire",
    "mailsuite.pop3.multiline",
    "mailsuite.pop3.responses",
    "mailsuite.imap.wire",
    "mailsuite.imap.news",
    "mailsuite.imap.view",
    "mailsuite.imap.bodystructure",
    "mailsuite.imap.envelope",
    "mailsuite.imap.sections",
)
_NOT_PURE = {
    "twisted", "zope", "time", "random", "secrets", "os", "pathlib",
    "socket", "ssl", "select", "threading", "subprocess", "tempfile",
    "sqlite3", "io", "asyncio", "OpenSSL", "click", "logging",
}  # fmt: skip

#: What a room may know of the others; its own room and the pure floors below
#: it always.
_LOWER = {"mailsuite.errors", "mailsuite.mail", "mailsuite.wire"}
_SHELL = {
    "mailsuite.interfaces",
    "mailsuite.conversation",
    "mailsuite.channel",
}
_MAY = {
    "mailsuite.errors": set[str](),
    "mailsuite.mail": {"mailsuite.errors"},
    "mailsuite.wire": {"mailsuite.errors", "mailsuite.mail"},
    "mailsuite.emailauth": _LOWER,
    "mailsuite.disk": {
        "mailsuite.errors",
        "mailsuite.disksteps",
        "mailsuite.disksync",
    },
    "mailsuite.disksteps": set[str](),
    "mailsuite.disksync": set[str](),
    "mailsuite.interfaces": _LOWER,
    "mailsuite.conversation": _LOWER | {"mailsuite.interfaces"},
    "mailsuite.channel": {
        "mailsuite.interfaces",
        "mailsuite.conversation",
    },
    "mailsuite.smtp": _LOWER | _SHELL,
    "mailsuite.pop3": _LOWER | _SHELL,
    "mailsuite.imap": _LOWER | _SHELL,
    "mailsuite.store": _LOWER | {"mailsuite.interfaces", "mailsuite.disk"},
    "mailsuite.accounts": _LOWER | {"mailsuite.interfaces", "mailsuite.disk"},
    "mailsuite.transfer": _LOWER
    | {
        "mailsuite.interfaces",
        "mailsuite.disk",
        "mailsuite.smtp",
        "mailsuite.emailauth",
    },
}

#: SMTP's client: what `transfer` may know of SMTP.
_SMTP_CLIENT = {
    "mailsuite.smtp.client",
    "mailsuite.smtp.clientlogin",
    "mailsuite.smtp.clienttls",
    "mailsuite.smtp.opening",
    "mailsuite.smtp.place",
    "mailsuite.smtp.sender",
    "mailsuite.smtp.wire.capabilities",
    "mailsuite.smtp.wire.failures",
    "mailsuite.smtp.wire.peerreplies",
}

#: Steps that change files, which `store`, `transfer` and `accounts` leave to
#: `disk`.
_FILE_CHANGES = {
    "rename", "replace", "unlink", "remove", "link", "symlink", "mkdir",
    "makedirs", "rmdir", "removedirs", "fsync", "fdatasync", "truncate",
    "ftruncate", "utime", "write", "pwrite", "chmod", "chown",
}  # fmt: skip
_THROUGH_DISK = ("mailsuite.store", "mailsuite.transfer", "mailsuite.accounts")


def _modules() -> list[tuple[str, ast.Module]]:
    found = []
    for path in sorted(_ROOT.rglob("*.py")):
        parts = path.relative_to(_ROOT.parent).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        found.append((".".join(parts), ast.parse(path.read_text())))
    return found


def _imports(tree: ast.Module) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
            if node.module in {"mailsuite", "twisted.internet"}:
                names += [f"{node.module}.{a.name}" for a in node.names]
    return names


def _inside(name: str, rooms: set[str] | tuple[str, ...]) -> bool:
    return any(name == room or name.startswith(room + ".") for room in rooms)


def _room(name: str) -> str:
    return ".".join(name.split(".")[:2])


class FloorsTests(SynchronousTestCase):
    """
    Imports go downwards only.
    """

    def test_pure_rooms_touch_nothing(self) -> None:
        """
        What parses and prints has no Twisted, clock, file or chance.
        """
        breaches = [
            f"{name} imports {imported}"
            for name, tree in _modules()
            if _inside(name, _PURE)
            for imported in _imports(tree)
            if imported.split(".")[0] in _NOT_PURE
        ]
        self.assertEqual(breaches, [])

    def test_rooms_know_their_floors_alone(self) -> None:
        """
        A room imports from itself, from below, and from nobody else.
        """
        breaches = []
        for name, tree in _modules():
            room = _room(name)
            if room in {"mailsuite", "mailsuite.app", "mailsuite.testing"}:
                continue
            allowed = _MAY[room] | {room}
            breaches += [
                f"{name} imports {imported}"
                for imported in _imports(tree)
                if imported.startswith("mailsuite.")
                and not _inside(imported, allowed)
            ]
        self.assertEqual(breaches, [])

    def test_transfer_uses_smtp_as_a_client_only(self) -> None:
        """
        ``transfer`` may use SMTP's client, not its conversations.
        """
        breaches = [
            f"{name} imports {imported}"
            for name, tree in _modules()
            if _room(name) == "mailsuite.transfer"
            for imported in _imports(tree)
            if _inside(imported, {"mailsuite.smtp"})
            and imported not in _SMTP_CLIENT
        ]
        self.assertEqual(breaches, [])

    def test_nobody_imports_the_reactor(self) -> None:
        """
        The reactor arrives through constructors.
        """
        breaches = [
            name
            for name, tree in _modules()
            if "twisted.internet.reactor" in _imports(tree)
            and name != "mailsuite.app.maker"
        ]
        self.assertEqual(breaches, [])

    def test_files_change_through_disk_alone(self) -> None:
        """
        No step that a crash test must see bypasses the recorder.
        """
        breaches = []
        for name, tree in _modules():
            if not _inside(name, _THROUGH_DISK):
                continue
            for node in ast.walk(tree):
                if (
                    isinstance(node, ast.Attribute)
                    and isinstance(node.value, ast.Name)
                    and node.value.id in {"os", "shutil"}
                    and (
                        node.attr in _FILE_CHANGES or node.value.id == "shutil"
                    )
                ):
                    breaches.append(f"{name}:{node.lineno} os.{node.attr}")
        self.assertEqual(breaches, [])

    def test_no_drawers(self) -> None:
        """
        No module's name says nothing.
        """
        drawers = {"util", "utils", "helpers", "common", "misc", "manager"}
        named = {name for name, _ in _modules()}
        self.assertEqual(
            [n for n in sorted(named) if n.split(".")[-1] in drawers], []
        )
