"""
What every resolver promises, as tests: the fake's and the real one's.
"""

from __future__ import annotations

from zope.interface.verify import verifyObject

from mailsuite.interfaces import IResolver
from mailsuite.mail.dns import (
    Answer,
    Found,
    MailExchange,
    Question,
    RecordType,
    ServiceLocation,
    TLSARecord,
)

#: What the DNS must hold, as lines of the root zone.
ZONE = """
crepes.test. 300 IN MX 20 b.crepes.test.
crepes.test. 300 IN MX 10 A.crepes.test.
crepes.test. 300 IN TXT "v=spf1 " "mx -all"
a.crepes.test. 300 IN A 192.0.2.1
a.crepes.test. 300 IN AAAA 2001:db8::1
alias.crepes.test. 300 IN CNAME a.crepes.test.
null.test. 300 IN MX 0 .
_submission._tcp.crepes.test. 300 IN SRV 0 1 587 a.crepes.test.
_25._tcp.a.crepes.test. 300 IN TLSA 3 1 0 0102030405060708
1.2.0.192.in-addr.arpa. 300 IN PTR A.crepes.test.
xn--crpes-isa.test. 300 IN A 192.0.2.3
"""

_TLSA = bytes.fromhex("0102030405060708")


class ResolverContract:
    """
    The contract.  A subclass gives a resolver for ``ZONE`` in which
    ``bogus.test`` fails, ``secure`` being what it says of a signed zone.
    """

    secure: bool
    resolver: IResolver

    async def ask(self, name: str, kind: RecordType) -> Answer:
        """
        Ask for it.
        """
        return await self.resolver.ask(Question(name, kind))

    def found(self, *records: object, canonical: str) -> Answer:
        """
        The answer with these records.
        """
        # The tests say which types these are.
        return Answer(Found.RECORDS, records, self.secure, canonical)  # type: ignore[arg-type]

    def test_provides_its_interface(self) -> None:
        """
        It is a resolver.
        """
        verifyObject(IResolver, self.resolver)

    async def test_each_type_has_its_value(self) -> None:
        """
        A record of each type comes as that type's value.
        """
        location = ServiceLocation(0, 1, 587, "a.crepes.test")
        for name, kind, record in (
            ("a.crepes.test", RecordType.A, "192.0.2.1"),
            ("a.crepes.test", RecordType.AAAA, "2001:db8::1"),
            ("alias.crepes.test", RecordType.CNAME, "a.crepes.test"),
            ("null.test", RecordType.MX, MailExchange(0, "")),
            ("crepes.test", RecordType.TXT, b"v=spf1 mx -all"),
            ("1.2.0.192.in-addr.arpa", RecordType.PTR, "a.crepes.test"),
            ("_submission._tcp.crepes.test", RecordType.SRV, location),
            (
                "_25._tcp.a.crepes.test",
                RecordType.TLSA,
                TLSARecord(3, 1, 0, _TLSA),
            ),
        ):
            answer = await self.ask(name, kind)
            self.assertEqual(answer, self.found(record, canonical=name))

    async def test_several_records_come_together(self) -> None:
        """
        All records of a name come, in any order; hosts in lower case.
        """
        answer = await self.ask("crepes.test", RecordType.MX)
        self.assertEqual(
            set(answer.records),
            {
                MailExchange(10, "a.crepes.test"),
                MailExchange(20, "b.crepes.test"),
            },
        )

    async def test_cname_is_followed(self) -> None:
        """
        The records at the end of CNAMEs come, with the name there.
        """
        answer = await self.ask("alias.crepes.test", RecordType.A)
        self.assertEqual(
            answer, self.found("192.0.2.1", canonical="a.crepes.test")
        )

    async def test_no_records_of_a_type(self) -> None:
        """
        A name without records of the type is not a name that is absent.
        """
        answer = await self.ask("a.crepes.test", RecordType.MX)
        self.assertEqual(answer.found, Found.NO_RECORDS)
        self.assertEqual(answer.records, ())

    async def test_no_such_name(self) -> None:
        """
        NXDOMAIN is an answer.
        """
        answer = await self.ask("absent.test", RecordType.A)
        self.assertEqual(answer.found, Found.NO_NAME)

    async def test_failure_is_a_value(self) -> None:
        """
        SERVFAIL raises nothing.
        """
        answer = await self.ask("bogus.test", RecordType.A)
        self.assertEqual(answer.found, Found.FAILED)
        self.assertFalse(answer.secure)

    async def test_impossible_names_do_not_exist(self) -> None:
        """
        For a name that cannot be asked for the answer is that it is absent.
        """
        for name in ("a..test", "x" * 64 + ".test", ".test"):
            answer = await self.ask(name, RecordType.A)
            self.assertEqual(answer.found, Found.NO_NAME, name)

    async def test_u_labels_are_understood(self) -> None:
        """
        A name in U-labels is asked for in A-labels.
        """
        answer = await self.ask("crêpes.test", RecordType.A)
        self.assertEqual(answer.records, ("192.0.2.3",))
