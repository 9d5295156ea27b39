"""
One message on its way in, from MAIL to the end of its content.

Implementation notes

- What is wrong with the content is remembered and told at its end.
- Fields that depend on the whole content (results of checks, signatures) stand
  in front of the rest, so they are known before the content is handed over
  from memory; a large one is already in a file, and gets them when it is
  copied into a maildir, or as the queue's prefix.
- Hashing what is more than a read of the network goes to a thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from twisted.logger import Logger
from zope.interface import implementer

from mailsuite.emailauth import results
from mailsuite.emailauth.bodydigest import BodyDigests
from mailsuite.emailauth.canonicalization import Canonicalization
from mailsuite.emailauth.results import AuthenticationResults
from mailsuite.emailauth.signing import CANONICALIZATION
from mailsuite.errors import (
    MailError,
    MailLoop,
    MessageTooLarge,
    OverQuota,
    StoreFull,
    TooManyRecipients,
)
from mailsuite.interfaces import IIncoming, ITransaction
from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Envelope, Recipient
from mailsuite.mail.trace import received, return_path
from mailsuite.transfer.checks import Examined, Treatment, summary
from mailsuite.transfer.content import ReceivedContent
from mailsuite.transfer.handover import Message, delivered_to
from mailsuite.transfer.header import LARGE, hops, tls_is_optional, without
from mailsuite.transfer.router import Routed
from mailsuite.transfer.submission import (
    check_author,
    missing_fields,
    without_hidden_recipients,
)

if TYPE_CHECKING:
    from mailsuite.transfer.reception import Reception

#: Octets that are hashed on the reactor at once, about a millisecond's worth.
_AT_ONCE = 64 * 1024


@implementer(ITransaction)
class Transaction:
    """
    See ``ITransaction``.
    """

    _log = Logger()

    def __init__(
        self,
        reception: Reception,
        queue_id: str,
        envelope: Envelope,
        owns: Callable[[Address], bool] | None,
    ) -> None:
        self.queue_id = queue_id
        self._reception = reception
        self._envelope = envelope
        self._owns = owns
        self._routed: list[Routed] = []
        self._failure: MailError | None = None
        self._examination = reception.examination(
            envelope, logged_in=owns is not None
        )
        self._section = b""
        self._tls_optional = False
        self._complete = False
        self._digests: BodyDigests | None = None
        self._unhashed: list[bytes] = []
        self._content = ReceivedContent(
            self._place,
            reception.budget,
            self._rewrite,
            self._watch,
            reception.in_pool,
        )

    # --- What the session calls -----------------------------------------------

    async def add_recipient(self, recipient: Recipient) -> None:
        """
        Accept a recipient, or say why not.
        """
        if len(self._routed) >= self._reception.limits.recipients:
            raise TooManyRecipients
        routed = await self._reception.route(
            recipient, self._envelope, logged_in=self._owns is not None
        )
        await self._check_room(routed)
        self._routed.append(routed)

    def write(self, octets: bytes) -> Awaitable[None] | None:
        """
        The next piece of the content.
        """
        if self._failure is not None:
            return None
        if self._content.size + len(octets) > self._reception.limits.size:
            self._fail(MessageTooLarge())
            raise MessageTooLarge
        written = self._content.write(octets)
        if written is None and not self._unhashed:
            return None
        return self._wait_for(written)

    async def commit(self) -> tuple[MailError | None, ...]:
        """
        The content is complete: deliver it.
        """
        if self._failure is not None:
            raise self._failure
        try:
            kept = await self._content.finish()
            await self._hash()
            message = await self._message(kept)
            return await self._reception.hand_over(
                self.queue_id, self._whole_envelope(), message, self._routed
            )
        except MailError as error:
            self._fail(error)
            raise
        finally:
            self._discard()

    def abort(self) -> None:
        """
        Forget it all.
        """
        self._discard()

    # --- While it comes -------------------------------------------------------

    async def _check_room(self, routed: Routed) -> None:
        """
        Refuse a recipient none of whose accounts has room.
        """
        octets = self._envelope.sender.size or 0
        for place, record in enumerate(routed.accounts, 1):
            try:
                await self._reception.check_room(record, octets)
            except OverQuota:
                if place == len(routed.accounts) and not routed.elsewhere:
                    raise
            else:
                return

    async def _wait_for(self, written: Awaitable[None] | None) -> None:
        try:
            if written is not None:
                await written
            await self._hash()
        except StoreFull as error:
            self._fail(error)
            raise
        except MailError as error:
            self._fail(error)

    def _fail(self, error: MailError) -> None:
        self._failure = error
        self._discard()
        self._log.info(
            "Refused {queue_id} from {reverse_path}: {reason}",
            queue_id=self.queue_id,
            reverse_path=f"<{self._envelope.sender.reverse_path or ''}>",
            reason=error.public,
            peer=self._envelope.origin.peer or self._envelope.origin.helo,
        )

    def _discard(self) -> None:
        self._content.discard()
        if self._examination is not None:
            self._examination.abandon()

    async def _place(self) -> IIncoming:
        """
        A file for large content: the store's, if a maildir may take it as it
        is, else the queue's.
        """
        if any(one.accounts for one in self._routed):
            return await self._reception.mailboxes.incoming(None)
        return self._reception.queue.new_content()

    def _rewrite(self, section: bytes, rest: bytes) -> bytes:
        """
        The octets to keep in place of these.

        :raises MailLoop, SenderRefused:
        """
        if hops(section) > self._reception.limits.hops:
            raise MailLoop
        if (mark := delivered_to(self._routed)) and mark in section:
            raise MailLoop
        wanted: set[Canonicalization] = set()
        if self._examination is not None:
            wanted |= self._examination.take_header(section)
        section = without(section, (b"Return-Path",))
        section = results.without(section, self._reception.our_names)
        self._tls_optional = tls_is_optional(section)
        if self._owns is not None:
            check_author(section, self._owns)
            section = without_hidden_recipients(section)
        # What is no field must not become the rest of one of ours.
        if not section and not rest.startswith(b"\r\n"):
            rest = b"\r\n" + rest
        section = self._begun(section)
        self._section = section
        if self._reception.signs(section, self._routed):
            wanted.add(CANONICALIZATION)
        if wanted:
            self._digests = BodyDigests(wanted)
            self._watch(rest.removeprefix(b"\r\n"))
        front = self._return_path
        if self._examination is None and not wanted:
            # All that stands in front is known.
            front += self._trace()
            self._complete = True
        return b"".join((front, section, rest))

    def _begun(self, section: bytes) -> bytes:
        """
        The section with what it lacks, if the message begins its way here
        (RFC 6409 8).
        """
        if self._owns is None and not self._envelope.origin.trusted:
            return section
        origin = self._envelope.origin
        author = None
        if origin.user is not None:
            author = Address.parse(origin.user)
        elif origin.listener == "local":
            author = self._envelope.sender.reverse_path
        added = missing_fields(
            section, self._now, self.queue_id, origin, author
        )
        return added + section

    def _watch(self, octets: bytes) -> None:
        if self._digests is not None and octets:
            if len(octets) <= _AT_ONCE and not self._unhashed:
                self._digests.update(octets)
            else:
                self._unhashed.append(octets)

    async def _hash(self) -> None:
        if self._unhashed:
            digests, pieces = self._digests, self._unhashed
            assert digests is not None
            self._unhashed = []
            await self._reception.in_pool(
                lambda: digests.update(b"".join(pieces))
            )

    # --- At its end -----------------------------------------------------------

    async def _message(self, kept: bytes | IIncoming) -> Message:
        """
        What is to be delivered, with all our fields.

        :raises NotAuthentic:
        """
        skip = len(self._return_path)
        if self._complete:
            return Message(kept=kept, skip=skip)
        found = await self._examined()
        added = b""
        if found is not None:
            added = results.field(
                AuthenticationResults(
                    self._envelope.origin.our_name, found.results
                )
            )
        signing = partial(
            self._reception.signatures,
            self._section,
            self._routed,
            self._digests,
            found,
        )
        if len(self._section) > LARGE:
            signatures = await self._reception.in_pool(signing)
        else:
            signatures = signing()
        return Message(
            kept=kept,
            skip=skip,
            late=signatures + added + self._trace(),
            junk=found is not None and found.treatment is Treatment.JUNK,
        )

    async def _examined(self) -> Examined | None:
        """
        What the checks come to; None where there are none.

        :raises NotAuthentic:
        """
        if self._examination is None:
            return None
        found = await self._examination.result(self._digests or BodyDigests(()))
        self._tell(found)
        if found.refusal is not None:
            raise found.refusal
        return found

    @property
    def _return_path(self) -> bytes:
        return return_path(self._envelope.sender.reverse_path)

    def _trace(self) -> bytes:
        alone = len(self._routed) == 1
        return delivered_to(self._routed) + received(
            self._envelope.origin,
            self.queue_id,
            self._now,
            self._routed[0].recipient.forward_path if alone else None,
        )

    def _tell(self, found: Examined) -> None:
        self._reception.noted(self._envelope, found)
        self._log.info(
            "Checked {queue_id} from {peer}: {results}",
            queue_id=self.queue_id,
            peer=self._envelope.origin.peer,
            results=summary(found.results),
            treatment=found.treatment.name.lower(),
        )

    @property
    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._reception.clock.seconds(), UTC)

    def _whole_envelope(self) -> Envelope:
        sender = self._envelope.sender
        if self._tls_optional and not sender.requiretls:
            sender = replace(sender, tls_optional=True)
        return Envelope(
            self._envelope.origin,
            sender,
            tuple(one.recipient for one in self._routed),
        )
