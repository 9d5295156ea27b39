"""
What each listener speaks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.protocols.tls import TLSMemoryBIOFactory

from mailsuite.app.config import Configuration, Listener
from mailsuite.app.proxying import ProxiedFactory
from mailsuite.app.tls import Certificates
from mailsuite.conversation import (
    Conversation,
    ConversationFactory,
    Settings,
    TranscriptOf,
)
from mailsuite.imap.idling import Idlers
from mailsuite.imap.protocol import REFUSAL, BuildIMAP
from mailsuite.imap.session import Service
from mailsuite.interfaces import ILogin, IMailboxService, IReception
from mailsuite.pop3.listener import Listener as POP3Listener
from mailsuite.pop3.protocol import pop3_factory
from mailsuite.smtp.listener import Limits as SMTPLimits
from mailsuite.smtp.listener import Listener as SMTPListener
from mailsuite.smtp.listener import Purpose
from mailsuite.smtp.networks import Networks
from mailsuite.smtp.protocol import smtp_factory
from mailsuite.wire.transcript import Transcript

_PURPOSES = {
    "smtp": Purpose.MX,
    "lmtp": Purpose.LMTP,
    "submission": Purpose.SUBMISSION,
    "submissions": Purpose.SUBMISSION,
}


@dataclass(frozen=True, slots=True)
class Shared:
    """
    What all front-ends have in common.

    :param clock: a reactor; Twisted has no one interface for what all want.
    :param transcript: shows a line of a conversation.
    """

    configuration: Configuration
    clock: Any
    certificates: Certificates
    login: ILogin
    mailboxes: IMailboxService
    reception: IReception
    transcript: Callable[[str], None] | None


class FrontEnds:
    """
    Makes the factory of each listener, and ends their conversations.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._conversations: list[set[Conversation]] = []
        self._imap = Service(
            login=shared.login,
            mailboxes=shared.mailboxes,
            clock=shared.clock,
            idlers=Idlers(shared.clock),
            separator=shared.configuration.separator,
            append_limit=shared.configuration.limits.message_octets,
            clear_passwords=shared.configuration.login.plaintext,
        )

    def factory(self, listener: Listener) -> Factory:
        """
        What a listener's port builds its connections with.
        """
        mode = listener.tls_mode
        settings = Settings(
            self._shared.clock,
            self._shared.certificates if mode == "starttls" else None,
        )
        self._conversations.append(settings.open_conversations)
        factory: Any = self._protocol(listener, settings)
        if mode == "implicit":
            factory = TLSMemoryBIOFactory(
                self._shared.certificates, False, factory
            )
            factory.noisy = False
        if listener.proxy:
            factory = ProxiedFactory(
                factory, listener.proxy, self._shared.clock
            )
        whole: Factory = factory
        return whole

    def local_factory(self) -> Factory:
        """
        What the socket of local programs builds its connections with.
        """
        settings = Settings(self._shared.clock, None)
        self._conversations.append(settings.open_conversations)
        return self._smtp(
            Purpose.LOCAL, settings, self._transcript("smtp", "local")
        )

    async def end_conversations(self, patience: float) -> None:
        """
        Tell every session, and wait until they are gone or the patience is
        at its end.

        :param patience: seconds.
        """
        for conversations in self._conversations:
            for conversation in list(conversations):
                conversation.stop()
        clock = self._shared.clock
        until = clock.seconds() + patience
        while any(self._conversations) and clock.seconds() < until:
            pause: Deferred[None] = Deferred()
            clock.callLater(0.02, pause.callback, None)
            await pause
        for conversations in self._conversations:
            for conversation in list(conversations):
                conversation.transport.abortConnection()

    def _protocol(
        self, listener: Listener, settings: Settings
    ) -> ConversationFactory:
        shared = self._shared
        found = shared.configuration
        limits = {
            "most": found.limits.connections,
            "most_per_address": found.limits.connections_per_address,
        }
        name = listener.protocol.rstrip("s")
        if name in ("imap", "pop3"):
            transcript = self._transcript(name, listener.protocol)
        else:
            transcript = self._transcript("smtp", listener.protocol)
        if name == "imap":
            return ConversationFactory(
                settings,
                BuildIMAP(self._imap),
                refusal=REFUSAL,
                transcript=transcript,
                **limits,
            )
        if name == "pop3":
            return pop3_factory(
                settings,
                POP3Listener(clear_passwords=found.login.plaintext),
                login=shared.login,
                transcript=transcript,
                **limits,
            )
        return self._smtp(_PURPOSES[listener.protocol], settings, transcript)

    def _smtp(
        self,
        purpose: Purpose,
        settings: Settings,
        transcript: TranscriptOf | None,
    ) -> ConversationFactory:
        shared = self._shared
        found = shared.configuration
        bears = SMTPLimits(recipients=found.limits.recipients)
        if purpose in (Purpose.LMTP, Purpose.LOCAL):
            # A list's server may hand over any number of dead addresses.
            bears = replace(bears, refused_recipients=sys.maxsize)
        most = found.limits.connections_per_address
        if purpose is Purpose.LOCAL:
            # All local users come from one place.
            most = found.limits.connections
        return smtp_factory(
            settings,
            SMTPListener(
                purpose,
                found.host_name,
                clear_passwords=found.login.plaintext,
                limits=bears,
                trusted=Networks.parse(found.relay.networks),
            ),
            reception=shared.reception,
            login=shared.login,
            transcript=transcript,
            most=found.limits.connections,
            most_per_address=most,
        )

    def _transcript(self, notation: str, protocol: str) -> TranscriptOf | None:
        show = self._shared.transcript
        if show is None:
            return None
        numbers = iter(range(1, 2**62))

        def begin(host: str) -> _Shown:
            label = f"{protocol} {next(numbers)}"
            show(f"{label}: connection from {host or 'this host'}")
            return _Shown(Transcript(notation), label, show)

        return begin


@dataclass(frozen=True, slots=True)
class _Shown:
    """
    A transcript whose lines are shown as they come.
    """

    transcript: Transcript
    label: str
    show: Callable[[str], None]

    def client(self, octets: bytes) -> None:
        """
        The client said this.
        """
        for line in self.transcript.client(octets):
            self.show(f"{self.label}  {line}")

    def server(self, octets: bytes) -> None:
        """
        We said this.
        """
        for line in self.transcript.server(octets):
            self.show(f"{self.label}  {line}")
