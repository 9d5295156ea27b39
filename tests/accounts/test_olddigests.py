"""
Tests for ``mailsuite.accounts.olddigests``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.accounts import olddigests


class DigestTests(SynchronousTestCase):
    """
    Tests for the digests, by vectors that others made.
    """

    def test_md4(self) -> None:
        """
        RFC 1320 A.5.
        """
        self.assertEqual(
            olddigests.md4(b"").hex(), "31d6cfe0d16ae931b73c59d7e0c089c0"
        )
        self.assertEqual(
            olddigests.md4(b"1234567890" * 8).hex(),
            "e33b4ddc9c38f2199c3e7b164fcc0536",
        )

    def test_nt_hash_outside_ascii(self) -> None:
        """
        NTLM's digest is of UTF-16, a surrogate pair where one is needed.
        """
        self.assertEqual(
            olddigests.nt_hash("ü😀".encode()),
            olddigests.md4(b"\xfc\x00\x3d\xd8\x00\xde"),
        )

    def test_digest_md5(self) -> None:
        """
        RFC 2617 3.5's H(A1), which has the same form.
        """
        made = olddigests.digest_md5(
            "Mufasa", "testrealm@host.com", b"Circle Of Life"
        )
        self.assertEqual(made.hex(), "939e7578ed9e3c518a452acee763bce9")

    def test_cram_md5(self) -> None:
        """
        A password up to a block's size is the key, a longer one's digest is;
        as ``doveadm pw`` has it.
        """
        self.assertEqual(
            olddigests.cram_md5(b"hungry pass").hex(),
            "42ef78fbb3b6dcd294d269cc5b09591131124460f2a755cc9f41356620b552db",
        )
        self.assertEqual(
            olddigests.cram_md5(b"x" * 100).hex(),
            "52197db948d0932512a61b183e7d05b04e94d60a3bb0d00f92d3df52a5d275ca",
        )

    def test_one_time_password(self) -> None:
        """
        RFC 2289 Appendix C; the seed's case makes no difference.
        """
        vectors = {
            ("md4", "alpha1", 1): "65d20d1949b5f7ab",
            ("md5", "ALPHA1", 1): "7cd34c1040add14b",
            ("sha1", "Alpha1", 0): "ad85f658ebe383c9",
        }
        for (algorithm, seed, count), expected in vectors.items():
            made = olddigests.one_time_password(
                algorithm, seed, count, b"AbCdEfGhIjK"
            )
            self.assertEqual(made.hex(), expected)
