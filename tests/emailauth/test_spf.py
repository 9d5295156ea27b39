"""
Tests for ``mailsuite.emailauth.spf``: what the RFC's suite leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.emailauth import spf
from mailsuite.emailauth.spf import Scope, SPFIdentity, SPFResult
from mailsuite.emailauth.verdict import Verdict
from mailsuite.mail.address import Address
from mailsuite.mail.dns import MailExchange, Record, RecordType
from tests.emailauth.zone import Zone

_NAMES = ["example.org", "a.example", "b.example", "c.example"]
_specs = st.sampled_from(
    [*_NAMES, "%{d}", "%{p}.b.example", "%{l1r-}.%{o}", "%{ir}.%{v}.a.example"]
)
_terms = (
    st.builds("{}:{}".format, st.sampled_from(["a", "mx", "ptr"]), _specs)
    | st.builds("{}:{}".format, st.sampled_from(["include", "exists"]), _specs)
    | st.builds("redirect={}".format, _specs)
    | st.sampled_from(["a/24", "mx//64", "ptr", "~all", "exp=a.example"])
    | st.text(max_size=8)
)
_records = st.lists(_terms, max_size=8).map(
    lambda terms: ("v=spf1 " + " ".join(terms)).encode()
)
_hosts = st.fixed_dictionaries(
    {
        RecordType.TXT: st.lists(_records, min_size=1, max_size=1),
        RecordType.A: st.lists(st.ip_addresses(v=4).map(str), max_size=2),
        RecordType.MX: st.lists(
            st.builds(MailExchange, st.integers(0, 9), st.sampled_from(_NAMES)),
            max_size=12,
        ),
    }
)


def spf_zone(
    records: Mapping[str, str],
    others: Mapping[str, Mapping[RecordType, Sequence[Record]]] | None = None,
    silent: Sequence[str] = (),
) -> Zone:
    """
    A zone with SPF records by their domains.
    """
    zone: dict[str, Mapping[RecordType, Sequence[Record]]] = {
        domain: {RecordType.TXT: [text.encode()]}
        for domain, text in records.items()
    }
    return Zone(zone | dict(others or {}), silent)


def checked(
    zone: Zone, sender: str = "alice@example.org", client: str = "192.0.2.1"
) -> SPFResult:
    """
    What SPF says of a sender and a client.
    """
    return zone.resolve(
        spf.check(
            client,
            spf.mail_from(Address.parse(sender), "mx.example.net"),
            "mx.example.net",
            receiver="our.example",
            now=1_700_000_000,
        )
    )


class IdentityTests(SynchronousTestCase):
    """
    Tests for ``mail_from``.
    """

    def test_null_path(self) -> None:
        """
        The null reverse-path stands for postmaster at the HELO name.
        """
        self.assertEqual(
            spf.mail_from(None, "mx.example.net"),
            SPFIdentity(Scope.MAIL_FROM, "postmaster", "mx.example.net"),
        )


class CheckTests(SynchronousTestCase):
    """
    Tests for ``check``.
    """

    def test_says_why(self) -> None:
        """
        The term that matched is told, and whose it is.
        """
        zone = spf_zone(
            {
                "example.org": "v=spf1 redirect=_spf.example.org",
                "_spf.example.org": "v=spf1 ip4:192.0.2.0/28 ~all",
            }
        )

        found = checked(zone)

        self.assertEqual(found.verdict, Verdict.PASS)
        self.assertEqual(found.why, "ip4:192.0.2.0/28 of _spf.example.org")

    def test_mapped_address(self) -> None:
        """
        An IPv4-mapped client is an IPv4 client, for ``a`` and ``ip4``.
        """
        zone = spf_zone({"example.org": "v=spf1 ip4:192.0.2.1 -all"})

        found = checked(zone, client="::ffff:192.0.2.1")

        self.assertEqual(found.verdict, Verdict.PASS)

    def test_domain_that_never_mails(self) -> None:
        """
        Only ``v=spf1 -all`` of the very domain is told as such.
        """
        zone = spf_zone(
            {
                "example.org": "v=spf1 -all",
                "spaced.example": "V=SPF1  -ALL ",
                "other.example": "v=spf1 mx -all",
                "soft.example": "v=spf1 ~all",
                "there.example": "v=spf1 redirect=example.org",
            }
        )

        self.assertTrue(checked(zone).fails_all)
        self.assertTrue(checked(zone, "a@spaced.example").fails_all)
        self.assertFalse(checked(zone, "a@other.example").fails_all)
        self.assertFalse(checked(zone, "a@soft.example").fails_all)
        redirected = checked(zone, "a@there.example")
        self.assertEqual(redirected.verdict, Verdict.FAIL)
        self.assertFalse(redirected.fails_all)

    def test_circle(self) -> None:
        """
        Records that include each other end at ten lookups.
        """
        zone = spf_zone(
            {
                "example.org": "v=spf1 include:example.com -all",
                "example.com": "v=spf1 include:example.org -all",
            }
        )

        found = checked(zone)

        self.assertEqual(found.verdict, Verdict.PERMERROR)
        self.assertEqual(len(zone.asked), 11)

    def test_questions_are_bounded(self) -> None:
        """
        The worst record costs as many questions as RFC 7208 allows.
        """
        terms = [f"mx:m{number}.example" for number in range(20)]
        hosts = [MailExchange(1, f"h{number}.example") for number in range(10)]
        zone = spf_zone(
            {"example.org": f"v=spf1 {' '.join(terms)} -all"},
            {
                f"m{number}.example": {RecordType.MX: hosts}
                for number in range(20)
            }
            | {
                f"h{number}.example": {RecordType.A: ["198.51.100.1"]}
                for number in range(10)
            },
        )

        found = checked(zone)

        self.assertEqual(found.verdict, Verdict.PERMERROR)
        self.assertEqual(len(zone.asked), 1 + 10 * 11)

    def test_two_void_lookups(self) -> None:
        """
        Two lookups may find nothing, the third may not.
        """
        two = spf_zone({"example.org": "v=spf1 a:a.example mx:b.example ?all"})
        three = spf_zone(
            {"example.org": "v=spf1 a:a.example a:b.example a:c.example ?all"}
        )

        self.assertEqual(checked(two).verdict, Verdict.NEUTRAL)
        self.assertEqual(checked(three).verdict, Verdict.PERMERROR)

    def test_clients_names_are_no_void_lookups(self) -> None:
        """
        A client without a reverse zone does not break a sender's record.
        """
        zone = spf_zone(
            {
                "example.org": "v=spf1 a:a.example a:b.example"
                " ptr exists:%{p}.x.y -all"
            },
            {"unknown.x.y": {RecordType.A: ["127.0.0.2"]}},
        )

        self.assertEqual(checked(zone).verdict, Verdict.PASS)

    def test_long_names(self) -> None:
        """
        A name that is too long loses whole labels on its left (RFC 7208 7.3),
        however many it has.
        """
        spec = "%{d}." * 1500 + "%{d}"
        zone = spf_zone({"a.bc.example": f"v=spf1 exists:{spec} -all"})
        whole = spec.replace("%{d}", "a.bc.example")

        checked(zone, "alice@a.bc.example")

        name = zone.asked[1].name
        dropped = whole.removesuffix("." + name)
        self.assertNotEqual(dropped, whole)
        self.assertLessEqual(len(name), 253)
        last = dropped.rpartition(".")[2]
        self.assertGreater(len(last) + 1 + len(name), 253)

    def test_words_for_the_log(self) -> None:
        """
        What a record holds comes into the log without line ends, and short.
        """
        zone = spf_zone(
            {"example.org": "v=spf1 bad\r\nSep 1 00:00:00 evil" + "x" * 1000}
        )

        why = checked(zone).why

        self.assertTrue(why.isprintable())
        self.assertLess(len(why), 300)

    def test_null_exchange(self) -> None:
        """
        The empty host of a null MX is not asked for.
        """
        zone = spf_zone(
            {},
            {
                "example.org": {
                    RecordType.TXT: [b"v=spf1 mx -all"],
                    RecordType.MX: [MailExchange(0, "")],
                }
            },
        )

        self.assertEqual(checked(zone).verdict, Verdict.FAIL)
        self.assertEqual(len(zone.asked), 2)

    def test_no_answer(self) -> None:
        """
        A lookup without an answer is a temperror, even in an include.
        """
        zone = spf_zone(
            {
                "example.org": "v=spf1 include:example.com -all",
                "example.com": "v=spf1 a:silent.example -all",
            },
            silent=["silent.example"],
        )

        found = checked(zone)

        self.assertEqual(found.verdict, Verdict.TEMPERROR)
        self.assertEqual(found.why, "no answer for A of silent.example")

    def test_long_record(self) -> None:
        """
        A record that is longer than any is not read.
        """
        zone = spf_zone({"example.org": "v=spf1 " + "a " * 10_000})

        self.assertEqual(checked(zone).verdict, Verdict.PERMERROR)
        self.assertEqual(len(zone.asked), 1)


class AnyZoneTests(SynchronousTestCase):
    """
    Tests for ``check`` in whatever zone.
    """

    @settings(deadline=10_000)
    @given(
        st.dictionaries(st.sampled_from(_NAMES), _hosts),
        st.ip_addresses().map(str),
        st.text(max_size=20),
    )
    def test_any_records(
        self,
        zone: dict[str, dict[RecordType, list[Record]]],
        client: str,
        local_part: str,
    ) -> None:
        """
        Whatever records say of each other, there is a result, after a bounded
        number of questions.
        """
        resolver = Zone(zone)
        identity = SPFIdentity(Scope.MAIL_FROM, local_part, "example.org")

        found = resolver.resolve(
            spf.check(client, identity, local_part, receiver="us", now=0)
        )

        self.assertIsInstance(found, SPFResult)
        # The record, ten mechanisms of eleven questions, the client's names
        # and the explanation.
        self.assertLessEqual(len(resolver.asked), 1 + 10 * 11 + 11 + 1)


class InternationalTests(SynchronousTestCase):
    """
    Tests for ``check`` of internationalized addresses (RFC 8616 4).
    """

    def test_domain(self) -> None:
        """
        A U-label is asked for as an A-label, in macros too.
        """
        zone = spf_zone(
            {"xn--bcher-kva.example": "v=spf1 exists:%{o}.l.example -all"},
            {"xn--bcher-kva.example.l.example": {RecordType.A: ["127.0.0.2"]}},
        )

        found = checked(zone, "alice@b\u00fccher.example")

        self.assertEqual(found.verdict, Verdict.PASS)

    def test_local_part(self) -> None:
        """
        A term with a local part that is not ASCII matches nothing, escaped
        or not, and asks for nothing.
        """
        zone = spf_zone(
            {
                "example.org": "v=spf1 exists:%{l}.a.example"
                " exists:%{S}.a.example exists:%{d}.a.example ?all"
            },
            {"example.org.a.example": {RecordType.A: ["127.0.0.2"]}},
        )

        found = checked(zone, "\u00fcser@example.org")

        self.assertEqual(found.verdict, Verdict.PASS)
        self.assertEqual(len(zone.asked), 2)


class ExplanationTests(SynchronousTestCase):
    """
    Tests for the explanation that ``check`` gives.
    """

    def _explained(self, text: bytes, sender: str) -> str:
        zone = spf_zone(
            {"example.org": "v=spf1 -all exp=why.example.org"},
            {"why.example.org": {RecordType.TXT: [text]}},
        )
        return checked(zone, sender).explanation

    def test_words(self) -> None:
        """
        Macros are put in, those too that only an explanation has.
        """
        told = self._explained(
            b"%{c} is not %{d} to %{r} at %{t}, %{S}", "a b@example.org"
        )

        self.assertEqual(
            told,
            "192.0.2.1 is not example.org to our.example at 1700000000,"
            " a%20b%40example.org",
        )

    def test_no_line_ends(self) -> None:
        """
        Text that could break a reply is not told.
        """
        self.assertEqual(
            self._explained(b"a\r\n250 ok", "alice@example.org"), ""
        )
        self.assertEqual(self._explained(b"%{l}", "\u00fcser@example.org"), "")

    def test_length(self) -> None:
        """
        However often a macro stands there, the text is short.
        """
        told = self._explained(b"%{s}" * 200, "alice" * 12 + "@example.org")

        self.assertEqual(len(told), 400)
