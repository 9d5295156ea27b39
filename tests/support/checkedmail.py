"""
Mail from crepes.fr to hamburger.edu, and the DNS that says whether it is what
it says, for tests.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import dkimkeys
from mailsuite.emailauth.dkimkeys import SigningKey
from mailsuite.emailauth.signing import signature_fields
from mailsuite.interfaces import AccountRecord
from mailsuite.mail.uids import UID
from mailsuite.transfer.checks import CheckPolicy
from tests.emailauth.signatures import digest, ed25519_key, parts, rsa_key
from tests.support.memory_resolver import MemoryResolver, zone
from tests.support.memory_store import MemoryStore
from tests.support.queueing import NOON, now
from tests.support.receptions import BOB, CAROL
from tests.support.transferring import Transferring, write

CREPES = SigningKey("crepes.fr", "e", ed25519_key().private)
HAMBURGER = SigningKey("hamburger.edu", "r", rsa_key().private)

PEER = """
7.2.0.192.in-addr.arpa. 60 IN PTR mail.crepes.fr.
mail.crepes.fr. 60 IN A 192.0.2.7
"""
GOOD = 'crepes.fr. 60 IN TXT "v=spf1 a:mail.crepes.fr -all"'
BAD = 'crepes.fr. 60 IN TXT "v=spf1 ip4:192.0.2.99 -all"'

SECTION = (
    b"From: Alice <alice@crepes.fr>\r\nTo: bob@hamburger.edu\r\n"
    b"Subject: ketchup\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000\r\n"
)
BODY = b"Do you like ketchup?\r\n"
MESSAGE = SECTION + b"\r\n" + BODY
LARGE = MESSAGE + b"How about pickles? \r\n" * 60_000


def dmarc(policy: str) -> str:
    """
    What the owner of crepes.fr asks for.
    """
    return f'_dmarc.crepes.fr. 60 IN TXT "v=DMARC1; p={policy}"'


def key_line(key: SigningKey) -> str:
    """
    A key's record.
    """
    name = dkimkeys.record_name(key)
    return f'{name}. 60 IN TXT "{dkimkeys.record(key.private)}"'


def signed(message: bytes = MESSAGE, key: SigningKey = CREPES) -> bytes:
    """
    A message that its author's domain has signed.
    """
    section, body = parts(message)
    fields = signature_fields([key], section, digest(body), int(NOON))
    return fields + message


class CheckedMailTestCase(SynchronousTestCase):
    """
    Has a reception that checks what comes.
    """

    def setUp(self) -> None:
        self.started(CheckPolicy())

    def started(self, policy: CheckPolicy) -> None:
        """
        Begin with a policy.
        """
        self.resolver = MemoryResolver()
        self.mail = Transferring(
            self.mktemp(), resolver=self.resolver, policy=policy
        ).start()
        self.directory = self.mail.directory
        self.bob = self.directory.add_account(BOB)
        self.carol = self.directory.add_account(CAROL)

    def publish(self, *lines: str) -> None:
        """
        The DNS has this, and the peer's names.
        """
        self.resolver.answers = zone(PEER + "\n".join(lines))

    def come(self, octets: bytes = MESSAGE, *recipients: str) -> None:
        """
        A message arrives.
        """
        transaction = self.mail.begin(*(recipients or [BOB]))
        write(transaction, octets)
        now(transaction.commit())
        self.mail.clock.advance(1)

    def results(self) -> dict[str, str]:
        """
        The verdicts on the last message.
        """
        return {one.method: one.result for one in self.mail.noted[-1].results}

    def junk(self, record: AccountRecord) -> list[bytes]:
        """
        The messages in an account's Junk.
        """
        store = self.mail.store
        assert store is not None
        return now(messages(store, record, "Junk"))


async def messages(
    store: MemoryStore, record: AccountRecord, name: str
) -> list[bytes]:
    """
    The messages in a mailbox; none where there is no such mailbox.
    """
    account = await store.account(record)
    entries = await account.entries()
    if name not in [entry.name for entry in entries if entry.selectable]:
        return []
    mailbox = await account.mailbox(name)
    found = []
    for uid in mailbox.messages.uids:
        content = await mailbox.open(UID(uid))
        found.append(await content.read(0, content.size))
    mailbox.release()
    account.release()
    return found
