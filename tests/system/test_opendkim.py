"""
OpenDKIM verifies what we sign, and we verify what it signs.
"""

from __future__ import annotations

import re
import subprocess
import time
from itertools import product
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import dkimkeys, signing
from mailsuite.emailauth.dkimkeys import SigningKey
from tests.emailauth.signatures import (
    BODY,
    SECTION,
    digest,
    ed25519_key,
    outcomes,
    rsa_key,
    verified,
    zone_of,
)
from tests.support.suite import need

KEYS = (rsa_key(), ed25519_key())
PASS = ("pass", "")

_LINE = b"Some  words \t of a text, and  UTF-8: \xc3\xa4. \r\n"
_SIZES = (1_000, 1_000_000, 25_000_000)


class OpenDKIMTests(SynchronousTestCase):
    """
    The Debian package ``opendkim``, in its mode for tests of one message, with
    keys from a file instead of the DNS.
    """

    def setUp(self) -> None:
        """
        A folder for its files.
        """
        self.program = need("opendkim")
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir(parents=True)

    def run_it(self, message: bytes, *lines: str) -> str:
        """
        What it says of a message.

        :param lines: of its configuration.
        """
        configuration = self.folder / "opendkim.conf"
        configuration.write_text("\n".join((*lines, "RequireSafeKeys no", "")))
        content = self.folder / "message"
        content.write_bytes(message)
        done = subprocess.run(
            [self.program, "-x", configuration, "-vvv", "-t", content],
            capture_output=True,
            timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.decode()

    def verdicts(self, message: bytes) -> list[str]:
        """
        What it finds of each signature.
        """
        published = self.folder / "keys"
        published.write_text(
            "".join(
                f"{dkimkeys.record_name(key)} {dkimkeys.record(key.private)}\n"
                for key in KEYS
            )
        )
        told = self.run_it(
            message,
            "Mode v",
            f"TestPublicKeys {published}",
            "AlwaysAddARHeader yes",
        )
        return re.findall(r"\bdkim=(\w+)", told)

    def signed_by_it(
        self, message: bytes, key: SigningKey, canonicalization: str
    ) -> bytes:
        """
        The message with its signature.
        """
        private = self.folder / "private"
        private.write_bytes(dkimkeys.private_text(key.private))
        told = self.run_it(
            message,
            "Mode s",
            f"Domain {key.domain}",
            f"Selector {key.selector}",
            f"KeyFile {private}",
            f"SignatureAlgorithm {key.algorithm.value}",
            f"Canonicalization {canonicalization}",
            "InternalHosts 0.0.0.0/0",
            "OversignHeaders From",
        )
        found = re.search(r"hname='DKIM-Signature' hvalue='([^']*)'", told)
        assert found is not None, told
        value = found[1].replace("\n", "\r\n").encode()
        return b"DKIM-Signature: " + value.strip() + b"\r\n" + message

    def test_it_verifies_ours(self) -> None:
        """
        Both signatures, at 1 kB, 1 MB and 25 MB.
        """
        for size in _SIZES:
            body = _LINE * (size // len(_LINE))
            self.assertEqual(self.verdicts(_signed(body)), ["pass", "pass"])

    def test_it_verifies_bodies_of_all_kinds(self) -> None:
        """
        Empty, with empty lines at the end, with blanks.
        """
        for body in (b"", b"\r\n\r\n", BODY, b"x\r\n\r\n \r\n"):
            self.assertEqual(self.verdicts(_signed(body)), ["pass", "pass"])

    def test_it_sees_a_change(self) -> None:
        """
        Of a field, of the body, and of a field that was added.
        """
        message = _signed(BODY)

        for changed in (
            message.replace(b"figures", b"figure5"),
            message.replace(b"here", b"hear"),
            b"Subject: another\r\n" + message,
        ):
            self.assertEqual(self.verdicts(changed), ["fail", "fail"])

    def test_we_verify_its(self) -> None:
        """
        With both algorithms and all canonicalizations.
        """
        message = SECTION + b"\r\n" + BODY
        pairs = product(("simple", "relaxed"), repeat=2)

        for key, (header, body) in product(KEYS, pairs):
            made = self.signed_by_it(message, key, f"{header}/{body}")
            # 2.11.0-beta2 does not verify its own Ed25519 signatures over
            # simple header fields, and nor do we.
            good = key is rsa_key() or header == "relaxed"
            ours = outcomes(verified(made, zone_of(*KEYS)))
            self.assertEqual(ours == [PASS], good)
            self.assertEqual(self.verdicts(made) == ["pass"], good)

    def test_we_verify_its_at_all_sizes(self) -> None:
        """
        1 kB, 1 MB and 25 MB.
        """
        for size in _SIZES:
            message = SECTION + b"\r\n" + _LINE * (size // len(_LINE))
            made = self.signed_by_it(message, rsa_key(), "relaxed/relaxed")
            self.assertEqual(outcomes(verified(made, zone_of(*KEYS))), [PASS])

    def test_sha1(self) -> None:
        """
        ``opendkim-testmsg`` still signs with it; it is no pass here.
        """
        private = self.folder / "private"
        private.write_bytes(dkimkeys.private_text(rsa_key().private))

        done = subprocess.run(
            [
                need("opendkim-testmsg"),
                *("-C", "-d", "example.org", "-s", "r1", "-k", private),
            ],
            input=SECTION + b"\r\n" + BODY,
            capture_output=True,
            timeout=60,
            check=True,
        )

        self.assertIn(b"a=rsa-sha1", done.stdout)
        self.assertEqual(
            outcomes(verified(done.stdout, zone_of(*KEYS))),
            [("policy", "SHA-1 is not accepted")],
        )


def _signed(body: bytes) -> bytes:
    """
    A message that we sign now: it does not believe the future.
    """
    now = int(time.time())
    fields = signing.signature_fields(KEYS, SECTION, digest(body), now)
    return fields + SECTION + b"\r\n" + body
