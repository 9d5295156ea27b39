"""
Tests for ``mailsuite.accounts.administration``.
"""

from __future__ import annotations

from mailsuite.accounts import account_rows
from mailsuite.accounts.account_rows import Verifiers
from mailsuite.accounts.entries import (
    AccountEntry,
    AliasEntry,
    AppPasswordEntry,
    DomainEntry,
)
from mailsuite.accounts.errors import (
    AddressTaken,
    AliasLoop,
    AppPasswordExists,
    BadAddress,
    BadName,
    BadPassword,
    BadQuota,
    DomainExists,
    DomainInUse,
    NoSuchAccount,
    NoSuchAlias,
    NoSuchAppPassword,
    NoSuchDomain,
    NoSuchTarget,
    TooManyTargets,
)
from mailsuite.accounts.routes import MOST_ADDRESSES
from mailsuite.errors import StoreBusy
from mailsuite.mail.address import Address
from tests.support.people import PeopleTestCase


class AdministrationTestCase(PeopleTestCase):
    """
    A test of what an operator does.
    """

    def verifiers(self, local_part: str) -> Verifiers:
        """
        What a login is judged by.
        """
        found = self.now(
            self.directory.read(account_rows.verifiers, local_part, "localhost")
        )
        assert found is not None
        return found

    def right(self, local_part: str, password: str) -> bool:
        """
        Whether a password is an account's.
        """
        return self.now(
            self.passwords.judge(self.verifiers(local_part), password)
        ).right


class AccountsTests(AdministrationTestCase):
    """
    Accounts.
    """

    def test_add(self) -> None:
        """
        A new account is told, in its one spelling, and known at once.
        """
        entry = self.now(
            self.administration.add_account("Bob@LOCALHOST", "hungry")
        )
        self.assertEqual(
            entry,
            AccountEntry(
                number=1,
                address="bob@localhost",
                suspended=False,
                has_password=True,
                octets_limit=None,
                messages_limit=None,
                password_version=1,
                scram=True,
                app_passwords=0,
            ),
        )
        self.assertTrue(self.directory.routes.has_account(("bob", "localhost")))
        self.assertTrue(self.right("bob", "hungry"))
        self.assertFalse(self.right("bob", "hungri"))

    def test_add_bare(self) -> None:
        """
        A bare local part is one in the default domain.
        """
        entry = self.now(self.administration.add_account("bob", "hungry"))
        self.assertEqual(entry.address, "bob@localhost")

    def test_add_twice(self) -> None:
        """
        An address is one account's.
        """
        self.add("bob")
        text = self.refused(
            AddressTaken, self.administration.add_account("BOB", "x")
        )
        self.assertEqual(text, "bob@localhost is an account already")

    def test_add_over_an_alias(self) -> None:
        """
        An alias's address is taken, too.
        """
        self.add("bob")
        self.now(self.administration.add_alias("rob", ["bob"]))
        self.refused(AddressTaken, self.administration.add_account("rob", "x"))

    def test_add_elsewhere(self) -> None:
        """
        The domain has to be ours.
        """
        text = self.refused(
            NoSuchDomain, self.administration.add_account("bob@a.org", "x")
        )
        self.assertEqual(text, "There is no domain a.org")

    def test_add_in_an_alias_domain(self) -> None:
        """
        An alias domain has no accounts of its own.
        """
        self.now(self.administration.add_domain("a.org", alias_of="localhost"))
        text = self.refused(
            NoSuchDomain, self.administration.add_account("bob@a.org", "x")
        )
        self.assertEqual(text, "The domain a.org is an alias of localhost")

    def test_add_without_password(self) -> None:
        """
        An empty password is none.
        """
        self.refused(BadPassword, self.administration.add_account("bob", ""))

    def test_list(self) -> None:
        """
        Accounts are listed by domain and local part.
        """
        self.now(self.administration.add_domain("a.org"))
        self.add("bob", "alice", "carol@a.org")
        entries = self.now(self.administration.list_accounts())
        self.assertEqual(
            [entry.address for entry in entries],
            ["carol@a.org", "alice@localhost", "bob@localhost"],
        )

    def test_list_a_domain(self) -> None:
        """
        Of one domain only its own are listed.
        """
        self.now(self.administration.add_domain("a.org"))
        self.add("bob", "carol@a.org")
        entries = self.now(self.administration.list_accounts("A.org"))
        self.assertEqual([entry.address for entry in entries], ["carol@a.org"])

    def test_list_no_domain(self) -> None:
        """
        A domain that is not ours has no list.
        """
        self.refused(NoSuchDomain, self.administration.list_accounts("a.org"))

    def test_set_password(self) -> None:
        """
        The new password is right from then on, the old one is not.
        """
        self.add("bob")
        entry = self.now(self.administration.set_password("bob", "thirsty"))
        self.assertEqual(entry.password_version, 2)
        self.assertTrue(self.right("bob", "thirsty"))
        self.assertFalse(self.right("bob", "hungry"))

    def test_set_password_of_nobody(self) -> None:
        """
        Who is not there has no password.
        """
        text = self.refused(
            NoSuchAccount, self.administration.set_password("bob", "x")
        )
        self.assertEqual(text, "There is no account bob@localhost")

    def test_new_password_new_salt(self) -> None:
        """
        A new password has a salt of its own.
        """
        self.add("bob")
        before = self.verifiers("bob").salt
        self.now(self.administration.set_password("bob", "thirsty"))
        self.assertNotEqual(self.verifiers("bob").salt, before)

    def test_suspend_and_resume(self) -> None:
        """
        Both are told, and both begin a new epoch of logins.
        """
        self.add("bob")
        suspended = self.now(self.administration.suspend("bob"))
        epoch = self.verifiers("bob").login_epoch
        resumed = self.now(self.administration.resume("bob"))
        self.assertTrue(suspended.suspended)
        self.assertFalse(resumed.suspended)
        self.assertEqual(epoch, 2)

    def test_suspend_nobody(self) -> None:
        """
        Who is not there cannot be suspended.
        """
        self.refused(NoSuchAccount, self.administration.suspend("bob"))
        self.refused(NoSuchAccount, self.administration.resume("bob"))

    def test_remove(self) -> None:
        """
        A removed account is gone; where its mail lies is told.
        """
        self.add("bob")
        record = self.now(self.administration.remove_account("bob"))
        self.assertEqual(record.home, "/mail/localhost/bob")
        self.assertEqual(self.now(self.administration.list_accounts()), ())
        self.refused(NoSuchAccount, self.administration.remove_account("bob"))

    def test_number_is_not_used_again(self) -> None:
        """
        The next account of the same address has another number.
        """
        self.add("bob")
        self.now(self.administration.remove_account("bob"))
        entry = self.now(self.administration.add_account("bob", "hungry"))
        self.assertEqual(entry.number, 2)

    def test_quota(self) -> None:
        """
        Limits are kept, and taken away by None.
        """
        self.add("bob")
        self.now(self.administration.set_quota("bob", 10, 20))
        entry = self.now(self.administration.quota("bob"))
        self.assertEqual((entry.octets_limit, entry.messages_limit), (10, 20))
        entry = self.now(self.administration.set_quota("bob"))
        self.assertEqual(
            (entry.octets_limit, entry.messages_limit), (None, None)
        )

    def test_bad_quota(self) -> None:
        """
        There is no less than nothing, and no more than can be kept.
        """
        self.add("bob")
        self.refused(BadQuota, self.administration.set_quota("bob", 1 << 63))
        self.refused(BadQuota, self.administration.set_quota("bob", -1))
        self.refused(NoSuchAccount, self.administration.quota("alice"))


class SharedPlacesTests(AdministrationTestCase):
    """
    Where ``home`` has no domain.
    """

    home = "/mail/{local}"

    def test_two_accounts_never_share_a_folder(self) -> None:
        """
        The same local part in another domain is refused, by an import too.
        """
        self.now(self.administration.add_domain("other.test"))
        self.add("bob@localhost")

        self.refused(
            AddressTaken,
            self.administration.add_account("bob@other.test", "hungry"),
        )
        imported = self.now(
            self.administration.import_accounts(
                ["ann@other.test:{PLAIN}x", "bob@other.test:{PLAIN}x",
                 "ann:{PLAIN}x"]
            )
        )  # fmt: skip

        self.assertEqual(imported.added, ("ann@other.test",))
        self.assertEqual([one.line for one in imported.refused], [2, 3])


class AliasTests(AdministrationTestCase):
    """
    Aliases.
    """

    def test_add(self) -> None:
        """
        An alias is kept in its targets' order, each once.
        """
        self.add("alice", "bob")
        entry = self.now(
            self.administration.add_alias("us", ["bob", "alice", "BOB"])
        )
        expected = AliasEntry(
            "us@localhost", ("bob@localhost", "alice@localhost")
        )
        self.assertEqual(entry, expected)
        self.assertEqual(
            self.now(self.administration.list_aliases()), (expected,)
        )

    def test_list_a_domain(self) -> None:
        """
        Of one domain only its own aliases are listed.
        """
        self.add("bob")
        self.now(self.administration.add_domain("a.org"))
        self.now(self.administration.add_alias("us", ["bob"]))
        self.now(self.administration.add_alias("us@a.org", ["bob"]))
        entries = self.now(self.administration.list_aliases("a.org"))
        self.assertEqual([entry.address for entry in entries], ["us@a.org"])

    def test_elsewhere(self) -> None:
        """
        A target may be outside, where the local part keeps its case.
        """
        self.add("bob")
        entry = self.now(
            self.administration.add_alias("us", ["bob", "X/y@Example.NET"])
        )
        self.assertEqual(entry.targets, ("bob@localhost", "X/y@example.net"))
        self.assertEqual(self.now(self.administration.list_aliases()), (entry,))

    def test_elsewhere_in_quotes(self) -> None:
        """
        A target outside whose local part needs quotes is none.
        """
        self.refused(
            BadAddress, self.administration.add_alias("us", ['"a b"@a.org'])
        )

    def test_nobody(self) -> None:
        """
        A target in a domain of ours has to exist, and nothing is kept.
        """
        self.add("bob")
        text = self.refused(
            NoSuchTarget, self.administration.add_alias("us", ["bob", "rob"])
        )
        self.assertEqual(
            text,
            "rob@localhost does not exist here: add it first, as an account"
            " or an alias",
        )
        self.assertEqual(self.now(self.administration.list_aliases()), ())

    def test_somebody_by_another_way(self) -> None:
        """
        With a detail, as postmaster, in an alias domain and by a catch-all an
        address exists.
        """
        self.add("bob")
        self.now(self.administration.add_domain("a.org", "localhost"))
        self.now(self.administration.add_domain("b.org", catch_all="bob"))
        targets = ["bob+x", "postmaster", "bob@a.org", "rob@b.org"]
        entry = self.now(self.administration.add_alias("us", targets))
        self.assertEqual(len(entry.targets), 4)

    def test_dead_alias(self) -> None:
        """
        An alias whose targets are gone is no target.
        """
        self.add("bob")
        self.now(self.administration.add_alias("us", ["bob"]))
        self.now(self.administration.remove_account("bob"))
        text = self.refused(
            NoSuchTarget, self.administration.add_alias("them", ["us"])
        )
        self.assertEqual(text, "us@localhost is an alias that leads to nobody")

    def test_itself(self) -> None:
        """
        An alias cannot stand for itself.
        """
        self.add("bob")
        text = self.refused(
            AliasLoop, self.administration.add_alias("us", ["bob", "US"])
        )
        self.assertEqual(
            text,
            "The alias would lead back to itself: us@localhost -> us@localhost",
        )

    def test_loop(self) -> None:
        """
        A loop through other aliases is told with its way.
        """
        self.add("bob")
        self.now(self.administration.add_alias("a", ["bob"]))
        self.now(self.administration.add_alias("b", ["bob", "a"]))
        self.now(self.administration.remove_alias("a"))
        text = self.refused(
            AliasLoop, self.administration.add_alias("a", ["bob", "b"])
        )
        self.assertEqual(
            text,
            "The alias would lead back to itself: a@localhost ->"
            " b@localhost -> a@localhost",
        )

    def test_too_many(self) -> None:
        """
        An alias for more addresses than are followed is refused.
        """
        targets = [f"x{number}@a.org" for number in range(MOST_ADDRESSES + 1)]
        self.refused(
            TooManyTargets, self.administration.add_alias("us", targets)
        )
        self.now(self.administration.add_alias("us", targets[1:]))

    def test_taken(self) -> None:
        """
        An account's or alias's address cannot be an alias.
        """
        self.add("bob")
        self.now(self.administration.add_alias("us", ["bob"]))
        self.refused(AddressTaken, self.administration.add_alias("us", ["bob"]))
        self.refused(AddressTaken, self.administration.add_alias("bob", ["us"]))

    def test_no_targets(self) -> None:
        """
        An alias stands for somebody.
        """
        self.refused(BadAddress, self.administration.add_alias("us", []))

    def test_no_domain(self) -> None:
        """
        An alias is in a domain of ours.
        """
        self.refused(
            NoSuchDomain, self.administration.add_alias("us@a.org", ["bob"])
        )

    def test_remove(self) -> None:
        """
        A removed alias is gone.
        """
        self.add("bob")
        self.now(self.administration.add_alias("us", ["bob"]))
        self.now(self.administration.remove_alias("us"))
        self.assertEqual(self.now(self.administration.list_aliases()), ())
        self.refused(NoSuchAlias, self.administration.remove_alias("us"))


class DomainTests(AdministrationTestCase):
    """
    Domains.
    """

    def test_list(self) -> None:
        """
        Domains are listed with what is special about them.
        """
        self.add("bob", "alice")
        self.now(self.administration.add_domain("a.org", catch_all="bob"))
        self.now(self.administration.add_domain("b.org", alias_of="a.org"))
        self.assertEqual(
            self.now(self.administration.list_domains()),
            (
                DomainEntry("a.org", None, "bob@localhost", 0),
                DomainEntry("b.org", "a.org", None, 0),
                DomainEntry("localhost", None, None, 2),
            ),
        )

    def test_add_twice(self) -> None:
        """
        A domain is there once.
        """
        self.refused(DomainExists, self.administration.add_domain("LocalHost"))

    def test_alias_of_an_alias(self) -> None:
        """
        An alias domain repeats a real one.
        """
        self.now(self.administration.add_domain("a.org", alias_of="localhost"))
        self.refused(
            NoSuchDomain,
            self.administration.add_domain("b.org", alias_of="a.org"),
        )

    def test_catch_all_elsewhere(self) -> None:
        """
        A catch-all may be outside.
        """
        entry = self.now(
            self.administration.add_domain("a.org", catch_all="X@b.org")
        )
        self.assertEqual(entry.catch_all, "X@b.org")
        found = self.now(self.directory.resolve(Address("bob", "a.org")))
        assert found is not None
        self.assertEqual(found.elsewhere, (Address("X", "b.org"),))

    def test_add_with_catch_all_nowhere(self) -> None:
        """
        A catch-all is no address that does not exist, and the domain is not
        added.
        """
        for nobody in ("rob", "rob@a.org"):
            self.refused(
                NoSuchTarget,
                self.administration.add_domain("a.org", catch_all=nobody),
            )
        self.assertFalse(self.directory.is_ours("a.org"))

    def test_catch_all_by_itself(self) -> None:
        """
        That a catch-all catches an address does not make it exist.
        """
        self.add("bob")
        self.now(self.administration.set_catch_all("localhost", "bob"))
        self.refused(
            NoSuchTarget,
            self.administration.set_catch_all("localhost", "rob"),
        )

    def test_set_catch_all(self) -> None:
        """
        A catch-all can be set and taken away.
        """
        self.add("bob")
        entry = self.now(self.administration.set_catch_all("localhost", "bob"))
        self.assertEqual(entry.catch_all, "bob@localhost")
        entry = self.now(self.administration.set_catch_all("localhost", None))
        self.assertIsNone(entry.catch_all)

    def test_catch_all_of_an_alias_domain(self) -> None:
        """
        An alias domain has none of its own.
        """
        self.now(self.administration.add_domain("a.org", alias_of="localhost"))
        self.refused(
            NoSuchDomain, self.administration.set_catch_all("a.org", "bob")
        )

    def test_remove(self) -> None:
        """
        A removed domain is no longer ours.
        """
        self.now(self.administration.add_domain("a.org"))
        self.now(self.administration.remove_domain("a.org"))
        self.assertFalse(self.directory.is_ours("a.org"))
        self.refused(NoSuchDomain, self.administration.remove_domain("a.org"))

    def test_remove_with_accounts(self) -> None:
        """
        A domain that something depends on stays; the text says on what.
        """
        self.now(self.administration.add_domain("a.org"))
        self.add("bob@a.org", "carol")
        self.now(self.administration.add_alias("rob@a.org", ["bob@a.org"]))
        self.now(self.administration.add_alias("us", ["bob@a.org"]))
        self.now(self.administration.add_domain("b.org", alias_of="a.org"))
        self.now(self.administration.add_domain("c.org", catch_all="bob@a.org"))
        text = self.refused(
            DomainInUse, self.administration.remove_domain("a.org")
        )
        self.assertEqual(
            text,
            "The domain a.org has 1 accounts, 1 aliases,"
            " 2 aliases that lead to it, 1 alias domains,"
            " 1 catch-alls that lead to it",
        )

    def test_remove_default(self) -> None:
        """
        The default domain stays.
        """
        self.refused(
            DomainInUse, self.administration.remove_domain("localhost")
        )


class AppPasswordTests(AdministrationTestCase):
    """
    App passwords.
    """

    def test_add(self) -> None:
        """
        An app password is as good as the account's own.
        """
        self.add("bob")
        password = self.now(
            self.administration.add_app_password("bob", "phone")
        )
        self.assertTrue(self.right("bob", password))
        self.assertTrue(self.right("bob", "hungry"))
        self.assertEqual(
            self.now(self.administration.list_app_passwords("bob")),
            (AppPasswordEntry("phone", 1_000_000_000),),
        )

    def test_any_of_many(self) -> None:
        """
        Each of an account's app passwords is right, no other account's is.
        """
        self.add("alice", "bob")
        phone, tablet = (
            self.now(self.administration.add_app_password("bob", name))
            for name in ("phone", "tablet")
        )
        self.assertTrue(self.right("bob", phone))
        self.assertTrue(self.right("bob", tablet))
        self.assertFalse(self.right("alice", phone))

    def test_survives_a_new_password(self) -> None:
        """
        App passwords outlive the account's own; salt and count are kept.
        """
        self.add("bob")
        phone = self.now(self.administration.add_app_password("bob", "phone"))
        salt = self.verifiers("bob").salt
        self.now(self.administration.set_password("bob", "thirsty"))
        self.assertTrue(self.right("bob", phone))
        self.assertEqual(self.verifiers("bob").salt, salt)

    def test_salt_changes_meanwhile(self) -> None:
        """
        A salt that another change replaces while we hash is asked for anew.
        """
        self.add("bob")
        hashing = self.passwords.app_keys
        calls = []

        async def app_keys(password: str, salt: bytes, count: int) -> object:
            calls.append(salt)
            if len(calls) == 1:
                await self.administration.set_password("bob", "thirsty")
            return await hashing(password, salt, count)

        self.patch(self.passwords, "app_keys", app_keys)
        phone = self.now(self.administration.add_app_password("bob", "phone"))

        self.assertEqual(len(calls), 2)
        self.assertTrue(self.right("bob", phone))

    def test_app_password_while_a_password_is_set(self) -> None:
        """
        An app password that is added while we hash a new password holds the
        account to its salt.
        """
        self.add("bob")
        make = self.passwords.make
        phones: list[str] = []

        async def made(password: str, shared: object) -> object:
            if not phones:
                phones.append(
                    await self.administration.add_app_password("bob", "phone")
                )
            return await make(password, shared)

        self.patch(self.passwords, "make", made)
        self.now(self.administration.set_password("bob", "thirsty"))

        self.assertTrue(self.right("bob", phones[0]))
        self.assertTrue(self.right("bob", "thirsty"))
        self.assertFalse(self.right("bob", "hungry"))

    def test_salt_that_never_rests(self) -> None:
        """
        Where the salt changes each time, we give up and say busy.
        """
        self.add("bob")
        keys = self.passwords.app_keys

        async def app_keys(password: str, salt: bytes, count: int) -> object:
            await self.administration.set_password("bob", "thirsty")
            return await keys(password, salt, count)

        self.patch(self.passwords, "app_keys", app_keys)
        self.refused(
            StoreBusy, self.administration.add_app_password("bob", "phone")
        )

    def test_name_is_taken(self) -> None:
        """
        A name stands for one app password.
        """
        self.add("bob")
        self.now(self.administration.add_app_password("bob", "phone"))
        self.refused(
            AppPasswordExists,
            self.administration.add_app_password("bob", "phone"),
        )

    def test_bad_name(self) -> None:
        """
        A name can be shown on one line.
        """
        self.add("bob")
        self.refused(BadName, self.administration.add_app_password("bob", ""))
        self.refused(
            BadName, self.administration.add_app_password("bob", "a\nb")
        )

    def test_remove(self) -> None:
        """
        A removed app password is wrong, and open sessions end.
        """
        self.add("bob")
        phone = self.now(self.administration.add_app_password("bob", "phone"))
        before = self.verifiers("bob").login_epoch
        self.now(self.administration.remove_app_password("bob", "phone"))
        self.assertFalse(self.right("bob", phone))
        self.assertNotEqual(self.verifiers("bob").login_epoch, before)
        self.refused(
            NoSuchAppPassword,
            self.administration.remove_app_password("bob", "phone"),
        )

    def test_nobody(self) -> None:
        """
        Who is not there has none.
        """
        self.refused(
            NoSuchAccount, self.administration.add_app_password("bob", "x")
        )
        self.refused(
            NoSuchAccount, self.administration.list_app_passwords("bob")
        )

    def test_gone_with_the_account(self) -> None:
        """
        A new account of the same address does not inherit them.
        """
        self.add("bob")
        phone = self.now(self.administration.add_app_password("bob", "phone"))
        self.now(self.administration.remove_account("bob"))
        self.add("bob")
        self.assertFalse(self.right("bob", phone))
