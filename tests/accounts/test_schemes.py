"""
Tests for ``mailsuite.accounts.schemes`` and ``crypt``.

What Dovecot keeps was made by Debian's ``doveadm pw`` of "hungry pass".
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from typing import ClassVar

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from mailsuite.accounts import crypt, schemes

PASSWORD = b"hungry pass"

SHA512_CRYPT = (
    "$6$R//RqKoA4ESUaMr.$EeKcEruHfZ1szwauw4k.tlJEUZe3UDQEjgB//YD3NoeqX4TgYos/"
    "yEC/7dpkG0hiODn2dqCnW5cZ4JqyhuWNo/"
)
SHA256_CRYPT = "$5$78i/hJN7IxojHvMH$fE..K9TXDTG57Y5bjAr3.PMMZy/jAAxLXl233ZlFUb6"
BCRYPT = "$2y$05$Q0e6o9hs.f6JxjsHx3UVyueUNRC1SmGjd9UhmD2keQf4sDlgZIw0."
YESCRYPT = (
    "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$6foLM1JhGupouWKMU70wxK61Kw9ZnecbACjJwRadqM2"
)
MD5_CRYPT = "$1$LqOUEXfZ$uWLsH38uU4lmYs5E5IVuL/"
SHA512 = (
    "2Reo7O3+rGyhbIKsEycYGL6SZsnMhpgqtCgi2FsEkGLGhy9gzFqw/9qirt9XelNrN/38UtiGZ"
    "f1GILGBZjsKAw=="
)
SCRAM = (
    "{SCRAM-SHA-256}4096,8AxN9dhV/Kampv8/ufk+hQ==,gG1OZ2X8OvG+pTK7a3N0f1qcD2Y4"
    "YWPTjemumXb3/hs=,CMezCDHve1cNAzzkEAapNmAqxOTkz/aa+/Uy68ob3x4="
)


class VerifyTests(SynchronousTestCase):
    """
    Tests for ``verify`` and ``why_not``, a scheme at a time.
    """

    def check(self, stored: str) -> None:
        """
        The right password fits and another does not; it can be imported.
        """
        self.assertIsNone(schemes.why_not(stored))
        self.assertTrue(schemes.verify(PASSWORD, stored))
        self.assertFalse(schemes.verify(b"hungry pasS", stored))

    def test_plain(self) -> None:
        """
        The password itself, under its three names.
        """
        self.check("{PLAIN}hungry pass")
        self.check("{CLEAR}hungry pass")
        self.check("{cleartext}hungry pass")

    def test_plain_in_base64(self) -> None:
        """
        The password itself, in base64.
        """
        self.check("{PLAIN.b64}aHVuZ3J5IHBhc3M=")

    def test_sha512_crypt(self) -> None:
        """
        SHA-512 of crypt(3), named, as CRYPT, and bare.
        """
        self.check("{SHA512-CRYPT}" + SHA512_CRYPT)
        self.check("{CRYPT}" + SHA512_CRYPT)
        self.check(SHA512_CRYPT)

    def test_sha256_crypt(self) -> None:
        """
        SHA-256 of crypt(3).
        """
        self.check("{SHA256-CRYPT}" + SHA256_CRYPT)

    def test_bcrypt(self) -> None:
        """
        Blowfish of crypt(3).
        """
        self.check("{BLF-CRYPT}" + BCRYPT)

    def test_md5_crypt(self) -> None:
        """
        MD5 of crypt(3), under both names.
        """
        self.check("{MD5-CRYPT}" + MD5_CRYPT)
        self.check("{MD5}" + MD5_CRYPT)

    def test_des_crypt(self) -> None:
        """
        DES of crypt(3), which looks at eight characters.
        """
        stored = "{DES-CRYPT}wwGNrWwXo2JWI"
        self.assertIsNone(schemes.why_not(stored))
        self.assertTrue(schemes.verify(PASSWORD, stored))
        self.assertFalse(schemes.verify(b"Hungry pass", stored))

    def test_yescrypt(self) -> None:
        """
        Debian's own hashes, made by its libxcrypt of "x".
        """
        self.assertIsNone(schemes.why_not(YESCRYPT))
        self.assertTrue(schemes.verify(b"x", YESCRYPT))
        self.assertFalse(schemes.verify(b"y", YESCRYPT))

    def test_rarer_kinds_of_crypt(self) -> None:
        """
        BSDi's DES, scrypt, gost-yescrypt and SHA-1 of crypt(3), made by
        Debian's libxcrypt of "x".
        """
        for stored in (
            "_J9..abcd5WNy9VUCfAY",
            "$7$C6..../....abcdefgh$"
            "yDJarlDslqyRlwPEqaF89ck8Pg8nnaIE7GnYWXrw182",
            "$gy$j9T$abcdefgh$CiTibHdBM/5r3qmg1i0DxivDn1U977EDVDgQAyycj9/",
            "$sha1$100$abcdefgh$Lv6emnYg6EOxP7o6CGcaBWq0c8nh",
        ):
            self.assertIsNone(schemes.why_not(stored), stored)
            self.assertTrue(schemes.verify(b"x", stored), stored)
            self.assertFalse(schemes.verify(b"y", stored), stored)

    def test_argon2id(self) -> None:
        """
        Argon2id with Dovecot's parameters.
        """
        self.check(
            "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$6BgwICdDwxIYwK6bdq/EzQ$"
            "Lw/YrBM5qMZu8/w7WMa3Pk/eY8KbHbuAEhkWpTq+Lkw"
        )

    def test_argon2i(self) -> None:
        """
        Argon2i with Dovecot's parameters.
        """
        self.check(
            "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$YHrLiUuFJ/VqDFsiQ5GaVA$"
            "moW9q4ydVfz+ZrStrcw5UGJahK+oNh+0TrlbYMETeog"
        )

    def test_sha1(self) -> None:
        """
        SHA-1 without salt, under both names and in hexadecimal.
        """
        self.check("{SHA}vQg2HYY1gFFmHJnLA2OYzKptH3c=")
        self.check("{SHA1}vQg2HYY1gFFmHJnLA2OYzKptH3c=")
        self.check("{SHA1.HEX}bd08361d86358051661c99cb036398ccaa6d1f77")

    def test_sha256(self) -> None:
        """
        SHA-256 without salt.
        """
        self.check("{SHA256}ZVDZmUCNuVnKmtlbZiUBkIqgbJAyqeDVBC57KlkwbRg=")

    def test_sha512(self) -> None:
        """
        SHA-512 without salt, with its encoding named or not.
        """
        self.check("{SHA512}" + SHA512)
        self.check("{SHA512.b64}" + SHA512)

    def test_salted_sha1(self) -> None:
        """
        SHA-1 and four octets of salt.
        """
        self.check("{SSHA}QPI3vwWsvZgwYpS0VXhKmr05CclY1ucP")

    def test_salted_sha256(self) -> None:
        """
        SHA-256 and salt, in base64 and hexadecimal.
        """
        self.check("{SSHA256}h01fgUnrT3h6gGnA1/WdJ/oCvI/lgB0MpPzw08O4oSu0Xnx5")
        self.check(
            "{SSHA256.HEX}3cf290b37ac925e7f2ad958dd38cca14582be7b5be0982546176d0"
            "cbbd96aace5b90e841"
        )

    def test_salt_that_makes_it_look_hexadecimal(self) -> None:
        """
        SHA-256 and 16 octets of salt have the length of hexadecimal.
        """
        stored = schemes.make_ssha256(PASSWORD, b"0123456789abcdef")
        self.assertEqual(len(stored), len("{SSHA256}") + 64)
        self.check(stored)

    def test_salted_sha512(self) -> None:
        """
        SHA-512 and salt.
        """
        self.check(
            "{SSHA512}92iQ1+EF7ajJbKIiDsG1mgqc7vx+cLYSWSkOVTOCrqsKDojjDyAeQidGE"
            "Wq4PPltSdgptO7luRtcURoi8OjZwA5tSCw="
        )

    def test_md5(self) -> None:
        """
        MD5 in hexadecimal, in base64, and with salt.
        """
        self.check("{PLAIN-MD5}5b526b1ffff77fe57ab37eab958f8faf")
        self.check("{LDAP-MD5}W1JrH//3f+V6s36rlY+Prw==")
        self.check("{SMD5}GtzrD3PA2RwkyIrs32clRQtNj0E=")

    def test_pbkdf2(self) -> None:
        """
        PBKDF2 with SHA-1.
        """
        self.check(
            "{PBKDF2}$1$g7KkvTX9uBNduY9e$5000$"
            "ccdbcfd31ae77cc20ec89f87541da0bd24f311ea"
        )

    def test_scram(self) -> None:
        """
        SCRAM-SHA-256's keys.
        """
        self.check(SCRAM)

    def test_scram_sha1(self) -> None:
        """
        SCRAM's keys by SHA-1, with salt and count.
        """
        self.check(
            "{SCRAM-SHA-1}4096,S03mREgggbL43WRpB5PNig==,QmCf0emtwzbWYrPvL97YPP"
            "8Rgy0=,poEDbkEcnVsrOz+hZ5XPSk+5PPg="
        )

    def test_cram_md5(self) -> None:
        """
        HMAC's inner states, under their two names.
        """
        states = (
            "42ef78fbb3b6dcd294d269cc5b09591131124460f2a755cc9f41356620b552db"
        )
        self.check("{CRAM-MD5}" + states)
        self.check("{HMAC-MD5.hex}" + states)
        self.check("{CRAM-MD5.B64}Qu94+7O23NKU0mnMWwlZETESRGDyp1XMn0E1ZiC1Uts=")

    def test_digest_md5(self) -> None:
        """
        A digest with the user in it, whole or without the domain.
        """
        for stored in (
            "{DIGEST-MD5}794603feb70e84b0f369533c1cd34eb7",
            "{DIGEST-MD5.B64}eUYD/rcOhLDzaVM8HNNOtw==",
            "{DIGEST-MD5.HEX}31c8958f01c505d7c884b083575e6b05",
        ):
            self.assertIsNone(schemes.why_not(stored))
            self.assertTrue(schemes.verify(PASSWORD, stored, "bob@localhost"))
            self.assertFalse(schemes.verify(PASSWORD, stored, "rob@localhost"))
            self.assertFalse(schemes.verify(b"hungry", stored, "bob@localhost"))

    def test_md4(self) -> None:
        """
        MD4, in hexadecimal or base64.
        """
        self.check("{PLAIN-MD4}1133b1097e61a6c415115d0fc199a6ce")
        self.check("{PLAIN-MD4.B64}ETOxCX5hpsQVEV0PwZmmzg==")

    def test_ntlm(self) -> None:
        """
        MD4 of the password in UTF-16; another's octets may be no UTF-8.
        """
        stored = "{NTLM}8846f7eaee8fb117ad06bdd830b7586c"
        self.assertIsNone(schemes.why_not(stored))
        self.assertTrue(schemes.verify(b"password", stored))
        self.assertFalse(schemes.verify(b"Password", stored))
        self.assertFalse(schemes.verify(b"\xff", stored))

    def test_lanman(self) -> None:
        """
        LAN Manager's, which sees no case; what it cannot see fits nothing.
        """
        stored = "{LANMAN}e52cac67419a9a224a3b108f3fa6cb6d"
        self.assertIsNone(schemes.why_not(stored))
        self.assertTrue(schemes.verify(b"PassWord", stored))
        self.assertFalse(schemes.verify(b"passwort", stored))
        self.assertFalse(schemes.verify("\u4e00".encode(), stored))

    def test_rpa(self) -> None:
        """
        MD5 of the password in UTF-16, high octets first.
        """
        self.check(
            "{RPA}" + hashlib.md5("hungry pass".encode("utf-16-be")).hexdigest()
        )

    def test_one_time_password(self) -> None:
        """
        What one-time passwords are made from, by each digest.
        """
        self.check("{OTP}sha1 1024 197de08f456f4d8d d272d48d02b358a8")
        secret = b"This is a test."
        for stored in (
            # RFC 2289 Appendix C
            "{OTP}md5 0 TeSt 9E876134D90499DD",
            "{OTP}md5 99 TeSt 50FE1962C4965880",
            "{SKEY}md4 99 TeSt C5E612776E6C237A",
            "{OTP}sha1 99 TeSt 87FEC7768B73CCF9",
        ):
            self.assertIsNone(schemes.why_not(stored))
            self.assertEqual(
                (schemes.verify(secret, stored), schemes.verify(b"x", stored)),
                (True, False),
                stored,
            )

    def test_truncated(self) -> None:
        """
        After the octets that count a password may go on as it likes.
        """
        for stored in (
            "{PLAIN-TRUNC}6-hungry",
            "{PLAIN-TRUNC}6-hungry pass",
            schemes.make_truncated(b"hungry", b"salt", 6),
        ):
            self.assertIsNone(schemes.why_not(stored))
            self.assertTrue(schemes.verify(PASSWORD, stored))
            self.assertFalse(schemes.verify(b"hungr", stored))
        self.check("{PLAIN-TRUNC}20-hungry pass")

    def test_ours(self) -> None:
        """
        Each scheme that we make is verified, and known as made so.
        """
        for scheme, make in schemes.MAKERS.items():
            stored = make(PASSWORD, b"0123456789abcdef")
            self.check(stored)
            self.assertTrue(schemes.is_made_as(stored, scheme))

    def test_argon2id_with_other_parameters(self) -> None:
        """
        An Argon2id with less memory is not what we make.
        """
        stored = "$argon2id$v=19$m=4096,t=2,p=1$c2FsdHNhbHQ$aaaa"
        self.assertFalse(schemes.is_made_as(stored, "argon2id"))


class RefusedTests(SynchronousTestCase):
    """
    What can never be verified is told as such, and fits no password.
    """

    def check(self, stored: str, why: str) -> None:
        """
        It cannot be imported, and fits nothing.
        """
        self.assertEqual(schemes.why_not(stored), why)
        self.assertFalse(schemes.verify(PASSWORD, stored))

    def test_unknown_scheme(self) -> None:
        """
        A scheme that nobody knows is named.
        """
        self.check("{WHIRLPOOL}42ef78fb", "{WHIRLPOOL} is not known")

    def test_damaged_old_digest(self) -> None:
        """
        Digests of old mechanisms have their length.
        """
        self.check("{CRAM-MD5}42ef78fb", "it is damaged")
        self.check("{DIGEST-MD5}42ef78fb", "it is damaged")
        self.check("{NTLM}x", "it is damaged")

    def test_damaged_one_time_password(self) -> None:
        """
        One-time passwords have four parts and a bearable count.
        """
        self.check("{OTP}sha1 1024 197de08f456f4d8d", "it is damaged")
        self.check("{OTP}sha1 1024 a d272d48d02b358", "it is damaged")
        self.check(
            "{OTP}sha1 10000 a d272d48d02b358a8",
            "10000 steps would take too long, 9999 are the most",
        )
        self.check(
            "{OTP}sha9 1 a d272d48d02b358a8",
            "one-time passwords by sha9 are not known",
        )

    def test_truncated_to_nothing(self) -> None:
        """
        A password of which nothing counts, or nobody knows how much, would
        let everybody in.
        """
        self.check("{PLAIN-TRUNC}0-", "it is damaged")
        self.check("{PLAIN-TRUNC}hungry pass", "it is damaged")

    def test_empty_password(self) -> None:
        """
        An empty password fits nothing, not even an empty one.
        """
        self.assertFalse(schemes.verify(b"", "{PLAIN}"))
        self.assertFalse(
            schemes.verify(b"", "{PLAIN-MD5}d41d8cd98f00b204e9800998ecf8427e")
        )

    def test_unknown_encoding(self) -> None:
        """
        An encoding that nobody knows is named.
        """
        self.check("{SHA.uu}xyz", "the encoding .uu is not known")

    def test_unknown_crypt(self) -> None:
        """
        A crypt(3) hash of another system is refused.
        """
        unknown = "it is no hash that this system knows"
        self.check("$9$abcdefgh$abcdefgh", unknown)
        self.check("hungry", unknown)
        self.check("", unknown)
        self.check("!locked", unknown)

    def test_damaged_digest(self) -> None:
        """
        A digest of another length is damaged.
        """
        self.check("{SHA256}ZVDZmUCNuVnK", "it is damaged")
        self.check("{SSHA}AAAA", "it is damaged")

    def test_salt_where_none_is(self) -> None:
        """
        A digest with more after it is damaged, where no salt belongs.
        """
        self.check("{SHA}QPI3vwWsvZgwYpS0VXhKmr05CclY1ucP", "it is damaged")

    def test_damaged_base64(self) -> None:
        """
        What is no base64 is damaged.
        """
        self.check("{SSHA}***", "it is damaged")

    def test_damaged_argon2(self) -> None:
        """
        A PHC string that is cut is damaged.
        """
        self.check("$argon2id$v=19$m=19456", "it is damaged")

    def test_greedy_argon2(self) -> None:
        """
        A hash that would take all our memory, or go through it for long, is
        refused.
        """
        self.check(
            "$argon2id$v=19$m=1048577,t=1,p=1$c2FsdHNhbHQ$aaaa",
            "1048577 KiB would take too long, 1048576 are the most",
        )
        self.check(
            "$argon2id$v=19$m=65536,t=33,p=1$c2FsdHNhbHQ$aaaa",
            "2162688 KiB in all would take too long, 2097152 are the most",
        )

    def test_greedy_iterations(self) -> None:
        """
        Keys that would take long to make are refused.
        """
        why = "3000001 iterations would take too long, 3000000 are the most"
        for stored in (
            "{PBKDF2}$1$salt$3000001$" + 20 * "ab",
            SCRAM.replace("4096", "3000001"),
            "{SCRAM-SHA-1}3000001,S03mREgggbL43WRpB5PNig==,QmCf0emtwzbWYrPvL97"
            "YPP8Rgy0=,poEDbkEcnVsrOz+hZ5XPSk+5PPg=",
        ):
            self.check(stored, why)

    def test_damaged_pbkdf2(self) -> None:
        """
        A digest by SHA-1 has its length, and was made at least once.
        """
        self.check("{PBKDF2}$1$salt$5000$aabb", "it is damaged")
        self.check("{PBKDF2}$1$salt$0$" + 20 * "ab", "it is damaged")

    def test_greedy_crypt(self) -> None:
        """
        A crypt(3) hash that would occupy a thread for minutes is refused, as
        is one just beyond what is borne; none is tried.
        """
        for stored, found in (
            (SHA512_CRYPT.replace("$6$", "$6$rounds=999999999$"), "999999999"),
            (SHA512_CRYPT.replace("$6$", "$6$rounds=1000001$"), "1000001"),
            (SHA256_CRYPT.replace("$5$", "$5$rounds=1000001$"), "1000001"),
            ("$sha1$1000001$abcdefgh$" + 28 * "a", "1000001"),
        ):
            self.check(
                "{CRYPT}" + stored,
                f"{found} rounds would take too long, 1000000 are the most",
            )
        self.check(
            "_zzzzabcd5WNy9VUCfAY",
            "16777215 rounds would take too long, 4000000 are the most",
        )
        for cost in (15, 31):
            self.check(
                "{BLF-CRYPT}" + BCRYPT.replace("$05$", f"${cost}$"),
                f"a cost of {cost} would take too long, 14 is the most",
            )

    def test_greedy_memory_of_crypt(self) -> None:
        """
        A crypt(3) hash that would take a GiB is refused.
        """
        why = "1024 MiB would take too long, 512 are the most"
        self.check(YESCRYPT.replace("$j9T$", "$jFT$"), why)
        self.check(YESCRYPT.replace("$y$j9T$", "$gy$jFT$"), why)
        self.check("$7$I6..../....abcdefgh$" + 43 * "a", why)
        self.check("$7$C6..../.../abcdefgh$" + 43 * "a", "268435472" + why[4:])

    def test_bearable_crypt(self) -> None:
        """
        What takes long, but not too long, may be imported.
        """
        for stored in (
            SHA512_CRYPT.replace("$6$", "$6$rounds=1000000$"),
            SHA256_CRYPT.replace("$5$", "$5$rounds=1000$"),
            BCRYPT.replace("$05$", "$14$"),
            BCRYPT.replace("$2y$", "$2b$"),
            YESCRYPT.replace("$j9T$", "$jET$"),
            YESCRYPT.replace("$j9T$", "$j75$"),
        ):
            self.assertIsNone(schemes.why_not(stored), stored)

    def test_damaged_crypt(self) -> None:
        """
        A crypt(3) hash that is not of its kind's form fits no password, and
        so is none.
        """
        for stored in (
            "$6$short",
            "$2y$05$short",
            "$1$abc$xyz",
            SHA512_CRYPT[:-1],
            SHA512_CRYPT + "a",
            SHA256_CRYPT[:-1],
            MD5_CRYPT[:-1],
            BCRYPT[:-1],
            BCRYPT + ".",
            YESCRYPT[:-1],
            # A salt that crypt(3) would have cut, or have written another way.
            SHA512_CRYPT.replace("ESUa", "ESUaa"),
            MD5_CRYPT.replace("EXfZ", "EXfZZ"),
            BCRYPT.replace("3UVyu", "3UVyv"),
            SHA512_CRYPT.replace("$6$", "$6$rounds=999$"),
            SHA512_CRYPT.replace("$6$", "$6$rounds=05000$"),
            BCRYPT.replace("$05$", "$03$"),
            BCRYPT.replace("$05$", "$32$"),
        ):
            self.check("{CRYPT}" + stored, "it is damaged")

    def test_unknown_pbkdf2(self) -> None:
        """
        Another kind of PBKDF2 is named.
        """
        self.check("{PBKDF2}$2$salt$1000$aabb", "PBKDF2 of kind 2 is not known")

    def test_damaged_scram(self) -> None:
        """
        SCRAM's keys have their length, and are two.
        """
        self.check("{SCRAM-SHA-256}4096,AAAA,AAAA,AAAA", "it is damaged")
        self.check("{SCRAM-SHA-256}4096,AAAA", "it is damaged")


class ClearTests(SynchronousTestCase):
    """
    Tests for ``clear`` and ``scram``.
    """

    def test_clear(self) -> None:
        """
        What is kept in clear is given.
        """
        self.assertEqual(schemes.clear("{PLAIN}hungry pass"), PASSWORD)
        self.assertIsNone(schemes.clear("{SHA256}hungry"))

    def test_scram(self) -> None:
        """
        SCRAM's parts are given.
        """
        found = schemes.scram(SCRAM)
        assert found is not None
        salt, iterations, keys = found
        self.assertEqual((len(salt), iterations), (16, 4096))
        self.assertEqual(len(keys.stored_key), 32)
        self.assertIsNone(schemes.scram("{PLAIN}x"))


class WithoutLibcryptTests(SynchronousTestCase):
    """
    Tests for ``crypt`` where the system has none.
    """

    def setUp(self) -> None:
        """
        Take the system's libcrypt away.
        """
        self.patch(crypt, "_crypt_r", None)
        crypt._system_knows.cache_clear()
        self.addCleanup(crypt._system_knows.cache_clear)

    def test_portable(self) -> None:
        """
        MD5, SHA-256 and SHA-512 are verified by the library.
        """
        for hashed in (MD5_CRYPT, SHA256_CRYPT, SHA512_CRYPT):
            self.assertTrue(crypt.can_verify(hashed))
            self.assertTrue(crypt.verify_crypt(PASSWORD, hashed))
            self.assertFalse(crypt.verify_crypt(b"other", hashed))

    def test_others(self) -> None:
        """
        The others are not, and that is told.
        """
        for hashed in (BCRYPT, "$y$j9T$abc$def", "wwGNrWwXo2JWI"):
            self.assertFalse(crypt.can_verify(hashed))
            self.assertFalse(crypt.verify_crypt(PASSWORD, hashed))


class CryptTests(SynchronousTestCase):
    """
    Tests for ``crypt`` with the system's libcrypt.
    """

    def test_kinds(self) -> None:
        """
        The cheapest settings are settings: Debian's libcrypt takes them all.
        """
        for kind, setting in crypt._CHEAPEST.items():
            self.assertTrue(crypt._system_knows(setting), kind)

    def test_nul_in_a_password(self) -> None:
        """
        A NUL does not make a password its first part.
        """
        self.assertFalse(crypt.verify_crypt(PASSWORD + b"\0x", SHA512_CRYPT))

    def test_long_password(self) -> None:
        """
        A password that libcrypt does not take is not tried by slower means.
        """
        hashed = crypt.sha512_crypt.using(rounds=1000).hash(513 * "x")
        self.assertFalse(crypt.verify_crypt(513 * b"x", hashed))

    def test_nothing_equals_a_failure(self) -> None:
        """
        The mark of a failure is nobody's hash.
        """
        self.assertFalse(crypt.verify_crypt(PASSWORD, "*0"))
        self.assertFalse(crypt.verify_crypt(PASSWORD, "*1"))


class DovecotTests(SynchronousTestCase):
    """
    What the installed Dovecot makes is verified here.
    """

    doveadm: ClassVar[str | None] = shutil.which("doveadm")

    def ask(self, *words: str) -> str:
        """
        What ``doveadm pw`` says.
        """
        if self.doveadm is None:
            raise SkipTest("doveadm is not installed")
        said = subprocess.run(
            [self.doveadm, "pw", *words],
            check=True,
            capture_output=True,
            text=True,
        )
        return said.stdout.removesuffix("\n")

    def made(self, scheme: str) -> str:
        """
        Our password in a scheme.
        """
        stored = self.ask(
            "-s", scheme, "-u", "bob@localhost", "-p", "hungry pass"
        )
        if scheme.startswith("PLAIN-TRUNC"):
            # doveadm leaves out what the scheme needs.
            return stored.replace("}", "}11-")
        return stored

    def verifies(self, stored: str) -> bool:
        """
        Whether the password fits, and no other does.
        """
        right, wrong = (
            schemes.verify(password, stored, "bob@localhost")
            for password in (PASSWORD, b"hungri pass")
        )
        return schemes.why_not(stored) is None and right and not wrong

    def test_all(self) -> None:
        """
        Every scheme that Dovecot lists.
        """
        listed = self.ask("-l").split()
        self.assertGreater(len(listed), 20)
        unknown = [
            scheme for scheme in listed if not self.verifies(self.made(scheme))
        ]
        self.assertEqual(unknown, [])

    def test_encodings(self) -> None:
        """
        Digests in each encoding.
        """
        unknown = [
            f"{scheme}.{encoding}"
            for scheme in (
                "SHA", "SHA256", "SSHA", "SSHA256", "SSHA512", "SMD5",
                "PLAIN-MD4", "PLAIN-MD5", "LDAP-MD5", "CRAM-MD5", "DIGEST-MD5",
                "SHA512-CRYPT", "PLAIN",
            )
            for encoding in ("HEX", "B64", "BASE64")
            if not self.verifies(self.made(f"{scheme}.{encoding}"))
        ]  # fmt: skip
        self.assertEqual(unknown, [])
