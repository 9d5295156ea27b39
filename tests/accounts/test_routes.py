"""
Tests for ``mailsuite.accounts.routes``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.accounts.routes import (
    MOST_ADDRESSES,
    AccountRoute,
    DomainRoute,
    Facts,
    Found,
    Key,
    Routes,
)
from mailsuite.errors import ExpansionTooLarge
from mailsuite.mail.address import Address

OWN = DomainRoute(None, None)


def split(text: str) -> Key:
    """
    An address in its one spelling.
    """
    local_part, _, domain = text.rpartition("@")
    return local_part, domain


def account(number: int, *, scram: bool = True) -> AccountRoute:
    """
    An account that is open to logins.
    """
    return AccountRoute(number, False, 1, scram, None, None)


class RoutesTests(SynchronousTestCase):
    """
    Tests for ``Routes``.
    """

    def setUp(self) -> None:
        """
        Alice and Bob at localhost, Carol at example.org.
        """
        self.routes = Routes("localhost")
        self.number = 0
        self.learn(
            domains={"localhost": OWN, "example.org": OWN},
            accounts={
                "alice@localhost": account(1),
                "bob@localhost": account(2),
                "carol@example.org": account(3),
            },
        )

    def learn(
        self,
        *,
        domains: dict[str, DomainRoute | None] | None = None,
        accounts: dict[str, AccountRoute | None] | None = None,
        aliases: dict[str, list[str]] | None = None,
    ) -> frozenset[int]:
        """
        Apply a change.
        """
        self.number += 1
        facts = Facts(self.number, whole=False)
        facts.domains.update(domains or {})
        for address, route in (accounts or {}).items():
            facts.accounts[split(address)] = route
        for address, targets in (aliases or {}).items():
            facts.aliases[split(address)] = tuple(map(split, targets))
        return self.routes.apply(facts)

    def find(self, text: str) -> list[str] | None:
        """
        The accounts behind an address.
        """
        found = self.routes.find(Address.parse(text))
        if found is None:
            return None
        self.assertEqual(found.elsewhere, ())
        return ["@".join(address) for address in found.accounts]

    def owns(self, text: str, number: int) -> bool:
        """
        Whether an address is an account's.
        """
        return self.routes.leads_to(Address.parse(text), number)

    # Accounts

    def test_account(self) -> None:
        """
        An account's address leads to it, in any case.
        """
        self.assertEqual(self.find("BOB@LocalHost"), ["bob@localhost"])

    def test_nobody(self) -> None:
        """
        An address of ours that nobody has leads nowhere.
        """
        self.assertIsNone(self.find("dave@localhost"))

    def test_not_ours(self) -> None:
        """
        An address outside leads nowhere here.
        """
        self.assertIsNone(self.find("bob@example.net"))
        self.assertFalse(self.routes.is_ours("example.net"))

    def test_removed(self) -> None:
        """
        A removed account is found no more.
        """
        touched = self.learn(accounts={"bob@localhost": None})
        self.assertEqual(touched, {2})
        self.assertIsNone(self.find("bob@localhost"))
        self.assertIsNone(self.routes.account(2))

    def test_removed_and_added(self) -> None:
        """
        Another account with the same address touches both.
        """
        touched = self.learn(accounts={"bob@localhost": account(9)})
        self.assertEqual(touched, {2, 9})
        self.assertIsNone(self.routes.account(2))

    # Detail

    def test_detail(self) -> None:
        """
        What follows the separator is passed over.
        """
        self.assertEqual(self.find("bob+lists@localhost"), ["bob@localhost"])

    def test_detail_with_separators(self) -> None:
        """
        The first separator counts.
        """
        self.assertEqual(self.find("bob+a+b@localhost"), ["bob@localhost"])

    def test_exact_address_first(self) -> None:
        """
        An account whose address has the separator gets its own mail.
        """
        self.learn(accounts={"bob+work@localhost": account(4)})
        self.assertEqual(
            self.find("bob+work@localhost"), ["bob+work@localhost"]
        )

    def test_only_detail(self) -> None:
        """
        A separator at the start separates nothing.
        """
        self.assertIsNone(self.find("+bob@localhost"))

    def test_other_separators(self) -> None:
        """
        Each of the configured characters separates, and no other.
        """
        self.routes = Routes("localhost", "-_")
        self.learn(
            domains={"localhost": OWN}, accounts={"bob@localhost": account(2)}
        )
        self.assertEqual(self.find("bob-a_b@localhost"), ["bob@localhost"])
        self.assertEqual(self.find("bob_a-b@localhost"), ["bob@localhost"])
        self.assertIsNone(self.find("bob+a@localhost"))

    def test_no_separator(self) -> None:
        """
        Without a separator there is no detail.
        """
        self.routes = Routes("localhost", "")
        self.learn(
            domains={"localhost": OWN}, accounts={"bob@localhost": account(2)}
        )
        self.assertIsNone(self.find("bob+a@localhost"))

    # Aliases

    def test_alias(self) -> None:
        """
        An alias leads to all its targets, in their order.
        """
        self.learn(
            aliases={"us@localhost": ["bob@localhost", "alice@localhost"]}
        )
        self.assertEqual(
            self.find("us@localhost"), ["bob@localhost", "alice@localhost"]
        )

    def test_alias_with_detail(self) -> None:
        """
        An alias may have a detail, too.
        """
        self.learn(aliases={"us@localhost": ["bob@localhost"]})
        self.assertEqual(self.find("us+x@localhost"), ["bob@localhost"])

    def test_nested(self) -> None:
        """
        Aliases are followed through aliases, across domains, once for each
        account.
        """
        self.learn(
            aliases={
                "all@localhost": ["us@localhost", "bob@localhost"],
                "us@localhost": ["alice@localhost", "them@example.org"],
                "them@example.org": ["carol@example.org", "bob+x@localhost"],
            }
        )
        self.assertEqual(
            self.find("all@localhost"),
            ["alice@localhost", "carol@example.org", "bob@localhost"],
        )

    def test_loop(self) -> None:
        """
        A loop leads to whoever else is on the way.
        """
        self.learn(
            aliases={
                "a@localhost": ["b@localhost"],
                "b@localhost": ["a@localhost", "bob@localhost"],
            }
        )
        self.assertEqual(self.find("a@localhost"), ["bob@localhost"])

    def test_mere_loop(self) -> None:
        """
        A loop with nobody on it leads nowhere.
        """
        self.learn(
            aliases={
                "a@localhost": ["b@localhost"],
                "b@localhost": ["a@localhost"],
            }
        )
        self.assertIsNone(self.find("a@localhost"))

    def test_long_chain(self) -> None:
        """
        A long chain is followed to its end, until it is too long.
        """
        most = MOST_ADDRESSES
        chain = {
            f"a{n}@localhost": [f"a{n + 1}@localhost"] for n in range(most)
        }
        self.learn(aliases={**chain, f"a{most}@localhost": ["bob@localhost"]})
        self.assertEqual(self.find("a2@localhost"), ["bob@localhost"])
        with self.assertRaises(ExpansionTooLarge):
            self.find("a0@localhost")
        self.assertFalse(self.owns("a0@localhost", 2))

    def test_dangling(self) -> None:
        """
        A target that is gone is passed over.
        """
        self.learn(
            aliases={"us@localhost": ["dave@localhost", "bob@localhost"]}
        )
        self.assertEqual(self.find("us@localhost"), ["bob@localhost"])

    def test_target_elsewhere(self) -> None:
        """
        A target that is not ours is told as such.
        """
        self.learn(aliases={"us@localhost": ["x@example.net"]})
        found = self.routes.find(Address("us", "localhost"))
        assert found is not None
        self.assertEqual(found.accounts, ())
        self.assertEqual(found.elsewhere, (("x", "example.net"),))

    def test_here_and_elsewhere(self) -> None:
        """
        A chain may lead to accounts and outside, each once, and loops are
        cut.
        """
        self.learn(
            aliases={
                "us@localhost": ["them@localhost", "bob@localhost"],
                "them@localhost": ["X@example.net", "us@localhost",
                                   "X@example.net"],
            }
        )  # fmt: skip
        found = self.routes.find(Address("us", "localhost"))
        assert found is not None
        self.assertEqual(found.accounts, (("bob", "localhost"),))
        self.assertEqual(found.elsewhere, (("X", "example.net"),))

    def test_outside_that_became_ours(self) -> None:
        """
        An address whose domain is ours later is found in whatever case.
        """
        self.learn(aliases={"us@localhost": ["Bob@example.net"]})
        self.learn(
            domains={"example.net": OWN},
            accounts={"bob@example.net": account(9)},
        )
        self.assertEqual(self.find("us@localhost"), ["bob@example.net"])

    def test_removed_alias(self) -> None:
        """
        A removed alias leads nowhere.
        """
        self.learn(aliases={"us@localhost": ["bob@localhost"]})
        self.learn(aliases={"us@localhost": []})
        self.assertIsNone(self.find("us@localhost"))

    def test_expand(self) -> None:
        """
        An alias is expanded by one step; an account is none.
        """
        self.learn(
            aliases={
                "all@localhost": ["us@localhost"],
                "us@localhost": ["bob@localhost"],
            }
        )
        self.assertEqual(
            self.routes.expand(Address("All", "localhost")),
            (("us", "localhost"),),
        )
        self.assertEqual(self.routes.expand(Address("bob", "localhost")), ())

    # Domains

    def test_alias_domain(self) -> None:
        """
        An alias domain has the addresses of another.
        """
        self.learn(domains={"example.com": DomainRoute("example.org", None)})
        self.assertTrue(self.routes.is_ours("example.com"))
        self.assertEqual(
            self.find("carol+x@example.com"), ["carol@example.org"]
        )

    def test_catch_all(self) -> None:
        """
        The catch-all gets what nobody else does, and nothing more.
        """
        self.learn(
            domains={"example.org": DomainRoute(None, ("bob", "localhost"))}
        )
        self.assertEqual(self.find("any@example.org"), ["bob@localhost"])
        self.assertEqual(self.find("carol@example.org"), ["carol@example.org"])
        self.assertEqual(
            self.find("carol+x@example.org"), ["carol@example.org"]
        )

    def test_removed_domain(self) -> None:
        """
        A removed domain is no longer ours.
        """
        self.learn(
            domains={"example.org": None},
            accounts={"carol@example.org": None},
        )
        self.assertFalse(self.routes.is_ours("example.org"))

    # Postmaster

    def test_postmaster(self) -> None:
        """
        Postmaster and abuse lead to the domain's first account.
        """
        self.assertEqual(self.find("Postmaster@localhost"), ["alice@localhost"])
        self.assertEqual(self.find("abuse@example.org"), ["carol@example.org"])
        self.assertEqual(
            self.find("postmaster+x@localhost"), ["alice@localhost"]
        )

    def test_bare_postmaster(self) -> None:
        """
        Without a domain it is the default domain's (RFC 5321 4.5.1).
        """
        found = self.routes.find(Address("Postmaster", ""))
        assert found is not None
        self.assertEqual(found.accounts, (("alice", "localhost"),))

    def test_next_first_account(self) -> None:
        """
        When the first account goes, the next one reads postmaster's mail.
        """
        self.learn(accounts={"alice@localhost": None})
        self.assertEqual(self.find("postmaster@localhost"), ["bob@localhost"])

    def test_postmaster_of_an_empty_domain(self) -> None:
        """
        A domain without accounts has the default domain's.
        """
        self.learn(domains={"example.com": OWN})
        self.assertEqual(
            self.find("postmaster@example.com"), ["alice@localhost"]
        )

    def test_postmaster_without_default_domain(self) -> None:
        """
        If that has none either, it is the first account of all.
        """
        self.learn(
            domains={"example.com": OWN},
            accounts={"alice@localhost": None, "bob@localhost": None},
        )
        self.assertEqual(
            self.find("postmaster@example.com"), ["carol@example.org"]
        )

    def test_postmaster_by_configuration(self) -> None:
        """
        A configured account reads it in every domain.
        """
        self.routes = Routes("localhost", "+", ("bob", "localhost"))
        self.learn(
            domains={"localhost": OWN, "example.org": OWN},
            accounts={
                "alice@localhost": account(1),
                "bob@localhost": account(2),
            },
        )
        self.assertEqual(self.find("postmaster@localhost"), ["bob@localhost"])
        self.assertEqual(self.find("abuse@example.org"), ["bob@localhost"])

    def test_postmaster_outside(self) -> None:
        """
        The configuration may name somebody outside.
        """
        self.routes = Routes("localhost", "+", ("ops", "example.net"))
        self.learn(domains={"localhost": OWN})
        found = self.routes.find(Address("postmaster", "localhost"))
        assert found is not None
        self.assertEqual(found.elsewhere, (("ops", "example.net"),))

    def test_copies(self) -> None:
        """
        Whoever reads postmaster's mail, the copies go where they are to go:
        from each domain, account or alias, and each once.
        """
        self.routes = Routes(
            "localhost", "+", copies=(split("Carol@example.org"),
                                      split("ops@example.net"))
        )  # fmt: skip
        self.learn(
            domains={"localhost": OWN, "example.org": OWN},
            accounts={
                "postmaster@localhost": account(1),
                "carol@example.org": account(2),
                "dave@example.org": account(3),
            },
            aliases={"abuse@example.org": ["dave@example.org"]},
        )
        for text, reader in (
            ("postmaster@localhost", "postmaster@localhost"),
            ("abuse+x@example.org", "dave@example.org"),
        ):
            found = self.routes.find(Address.parse(text))
            assert found is not None
            self.assertEqual(
                found.accounts, (split(reader), ("carol", "example.org"))
            )
            self.assertEqual(found.elsewhere, (("ops", "example.net"),))
        self.assertEqual(
            self.routes.find(Address("MAILER-DAEMON", "example.org")),
            Found((split("carol@example.org"),), (split("ops@example.net"),)),
        )

    def test_no_copies_of_others(self) -> None:
        """
        Nobody else's mail is copied.
        """
        self.routes = Routes("localhost", copies=(("ops", "example.net"),))
        self.learn(
            domains={"localhost": OWN}, accounts={"bob@localhost": account(1)}
        )
        found = self.routes.find(Address("bob", "localhost"))
        assert found is not None
        self.assertEqual(found.elsewhere, ())

    def test_postmaster_alias(self) -> None:
        """
        An alias or account of that name comes first.
        """
        self.learn(
            aliases={"postmaster@localhost": ["bob@localhost"]},
            accounts={"abuse@localhost": account(7)},
        )
        self.assertEqual(self.find("postmaster@localhost"), ["bob@localhost"])
        self.assertEqual(self.find("abuse@localhost"), ["abuse@localhost"])

    def test_postmaster_before_catch_all(self) -> None:
        """
        The catch-all does not get postmaster's mail.
        """
        self.learn(
            domains={"localhost": DomainRoute(None, ("bob", "localhost"))}
        )
        self.assertEqual(self.find("postmaster@localhost"), ["alice@localhost"])

    def test_no_accounts(self) -> None:
        """
        Where there is nobody at all, nobody reads it.
        """
        self.routes = Routes("localhost")
        self.learn(domains={"localhost": OWN})
        self.assertIsNone(self.find("postmaster@localhost"))

    # Owning

    def test_owns_itself(self) -> None:
        """
        An account owns its address, with any detail, and no other's.
        """
        self.assertTrue(self.owns("bob@localhost", 2))
        self.assertTrue(self.owns("Bob+x@localhost", 2))
        self.assertFalse(self.owns("bob@localhost", 1))
        self.assertFalse(self.owns("dave@localhost", 2))
        self.assertFalse(self.owns("bob@example.net", 2))

    def test_owns_aliases(self) -> None:
        """
        It owns the aliases that lead to it, however far.
        """
        self.learn(
            aliases={
                "all@localhost": ["us@localhost"],
                "us@localhost": ["bob@localhost", "alice@localhost"],
            }
        )
        self.assertTrue(self.owns("all+x@localhost", 2))
        self.assertFalse(self.owns("all@localhost", 3))

    def test_owns_in_alias_domains(self) -> None:
        """
        It owns the same addresses in an alias domain.
        """
        self.learn(domains={"example.com": DomainRoute("example.org", None)})
        self.assertTrue(self.owns("carol@example.com", 3))

    def test_catch_all_does_not_own(self) -> None:
        """
        Who gets the rest may not send as anybody.
        """
        self.learn(
            domains={"example.org": DomainRoute(None, ("bob", "localhost"))}
        )
        self.assertFalse(self.owns("any@example.org", 2))

    def test_postmaster_owns(self) -> None:
        """
        Who reads postmaster's mail may answer it.
        """
        self.assertTrue(self.owns("postmaster@localhost", 1))
        self.assertFalse(self.owns("postmaster@localhost", 2))

    # Logging in

    def test_login_key(self) -> None:
        """
        A bare local part is one in the default domain.
        """
        self.learn(domains={"example.com": DomainRoute("example.org", None)})
        self.assertEqual(self.routes.login_key("Bob"), ("bob", "localhost"))
        self.assertEqual(
            self.routes.login_key("Carol@Example.com"),
            ("carol", "example.org"),
        )

    def test_all_scram(self) -> None:
        """
        One account without keys is enough; a suspended one does not count.
        """
        self.assertTrue(self.routes.all_scram)
        self.learn(accounts={"bob@localhost": account(2, scram=False)})
        self.assertFalse(self.routes.all_scram)
        suspended = AccountRoute(2, True, 1, False, None, None)
        self.learn(accounts={"bob@localhost": suspended})
        self.assertTrue(self.routes.all_scram)
        self.learn(accounts={"bob@localhost": account(2, scram=False)})
        self.learn(accounts={"bob@localhost": None})
        self.assertTrue(self.routes.all_scram)
