"""
The command line of ``twistd mailsuite``.
"""

from __future__ import annotations

from twisted.application.service import IService
from twisted.python import usage

from mailsuite.app.config import EMBEDDED_PORTS


class StartOptions(usage.Options):
    """
    What ``start`` takes.
    """

    synopsis = "[options]"
    longdesc = (
        "Start the suite: SMTP, submission, LMTP, POP3 and IMAP over one "
        "store.  With no configuration it listens on loopback alone, makes "
        "two accounts and says what to type into a mail program.  Example: "
        "twistd -n mailsuite start --state /tmp/mail --port imap=3143"
    )
    optParameters = [
        [
            "config",
            "c",
            None,
            "Configuration file; else MAILSUITE_CONFIG, ./mailsuite.toml, "
            "/etc/mailsuite/mailsuite.toml or /etc/mailsuite.toml.",
        ],
        [
            "domain",
            "d",
            None,
            "Domain of the accounts where there is no configuration file.  "
            "[default: localhost]",
        ],
        [
            "state",
            "s",
            None,
            "Folder of mail, accounts and keys; made if it is missing.  "
            "[default: the configuration's, else ./mailsuite-data]",
        ],
    ]
    optFlags = [
        [
            "ephemeral",
            "e",
            "Take free ports, and a state folder that goes at the stop (if "
            "--state names it, it must be new or empty).",
        ],
        [
            "transcript",
            "t",
            "Print every conversation as it happens, secrets masked.",
        ],
    ]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Twisted's
        # Twisted would show the line ends and margins of docstrings.
        self.docs = {
            name: " ".join((text or "").split())
            for name, text in self.docs.items()
        }
        self.ports: dict[str, int] = {}
        self.routes: list[tuple[str, str]] = []

    def opt_route(self, text: str) -> None:
        """
        Where mail for a domain goes instead of where the DNS says:
        DOMAIN=HOST:PORT, as in example.org=127.0.0.1:3525; .example.org is
        all below it, * all domains.  May be repeated.
        """
        # Imported late: twistd --help reads this module for every plugin.
        from mailsuite.app import values

        domain, _, via = text.partition("=")
        if values.expected_recipients(domain) or values.expected_hop(via):
            raise usage.UsageError(f"--route {text}: expected DOMAIN=HOST:PORT")
        self.routes.append((domain, via))

    def opt_port(self, text: str) -> None:
        """
        Port of a protocol where there is no configuration file:
        PROTOCOL=NUMBER, as in imap=3143; 0 is any free one.  May be repeated.
        """
        protocol, equals, number = text.partition("=")
        known = ", ".join(EMBEDDED_PORTS)
        if not equals or protocol not in EMBEDDED_PORTS:
            raise usage.UsageError(
                f"--port {text}: expected PROTOCOL=NUMBER, with one of {known}"
            )
        if not number.isdecimal() or int(number) > 65535:
            raise usage.UsageError(
                f"--port {text}: expected a number from 0 to 65535"
            )
        self.ports[protocol] = int(number)

    opt_p = opt_port


class Options(usage.Options):
    """
    What ``twistd mailsuite`` takes.
    """

    synopsis = ""
    longdesc = (
        "An all-in-one mail suite.  Example: twistd -n mailsuite start runs "
        "it in the foreground; twistd mailsuite start in the background, with "
        "twistd.pid and twistd.log in this folder.  The command 'mailsuite' "
        "manages accounts; see mailsuite --help."
    )
    subCommands = [
        ["start", None, StartOptions, "Start the suite."],
    ]

    def postOptions(self) -> None:
        """
        There must be something to do.
        """
        if self.subCommand is None:
            raise usage.UsageError(
                "say what to do, for example: twistd mailsuite start"
            )


def makeService(options: Options) -> IService:
    """
    The suite as a service.  (Name and case are Twisted's.)
    """
    # Imported late: twistd --help reads this module for every plugin.
    from mailsuite.app.maker import make_service

    return make_service(options)
