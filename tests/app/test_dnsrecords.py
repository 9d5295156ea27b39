"""
Tests for ``mailsuite.app.dnsrecords`` and ``mailsuite.app.dnscheck``.
"""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from mailsuite.app.dnscheck import Checked, Verdict, look_for
from mailsuite.app.dnsrecords import (
    Installation,
    Need,
    NotOffered,
    Reports,
    Wanted,
    records_for,
    records_without_mail,
)
from mailsuite.mail.dns import (
    Answer,
    Found,
    MailExchange,
    Record,
    RecordType,
    ServiceLocation,
)

_INSTALLATION = Installation(
    host="mail.example.org",
    addresses=("192.0.2.1", "2001:db8::1"),
    ports={"imaps": 993, "submissions": 465},
    keys=(("m1", "v=DKIM1; k=rsa; p=" + "A" * 400),),
    key_digests=("ab" * 32,),
)


def _records(domain: str = "example.org") -> list[Wanted | NotOffered]:
    reports = Reports("postmaster@example.org")
    return list(records_for(domain, _INSTALLATION, reports))


def _checked(wanted: Wanted, *records: Record) -> Checked:
    inquiry = look_for(wanted)
    next(inquiry)
    found = Found.RECORDS if records else Found.NO_RECORDS
    try:
        inquiry.send(Answer(found, records))
    except StopIteration as end:
        checked: Checked = end.value
        return checked
    raise AssertionError("it asks twice")


class RecordsForTests(SynchronousTestCase):
    """
    Tests for ``records_for`` and ``records_without_mail``.
    """

    def test_zone(self) -> None:
        """
        Every record as a line of a zone file.
        """
        lines = {
            one.zone_line() for one in _records() if isinstance(one, Wanted)
        }
        for line in (
            "mail.example.org. IN A 192.0.2.1",
            "mail.example.org. IN AAAA 2001:db8::1",
            "1.2.0.192.in-addr.arpa. IN PTR mail.example.org.",
            "example.org. IN MX 10 mail.example.org.",
            'example.org. IN TXT "v=spf1 mx ~all"',
            'mail.example.org. IN TXT "v=spf1 a -all"',
            "_25._tcp.mail.example.org. IN TLSA 3 1 1 " + "ab" * 32,
            "_imaps._tcp.example.org. IN SRV 0 1 993 mail.example.org.",
            "_submissions._tcp.example.org. IN SRV 0 1 465 mail.example.org.",
            "_pop3s._tcp.example.org. IN SRV 0 0 0 .",
        ):
            self.assertIn(line, lines)

    def test_long_text(self) -> None:
        """
        A key longer than a string of a TXT record is cut into several.
        """
        [key] = [
            one
            for one in _records()
            if isinstance(one, Wanted) and "_domainkey" in one.name
        ]
        pieces = key.zone_line().split('"')[1::2]
        self.assertEqual([len(piece) for piece in pieces], [255, 163])
        self.assertEqual("".join(pieces), key.value)

    def test_quotes(self) -> None:
        """
        What would end a string is escaped.
        """
        wanted = Wanted("x", RecordType.TXT, 'a"b\\', "")
        self.assertEqual(wanted.zone_line(), 'x. IN TXT "a\\"b\\\\"')

    def test_reports_elsewhere(self) -> None:
        """
        Another domain has to say that reports are welcome (RFC 9990).
        """
        names = [one.name for one in _records("example.net") if one.name]
        self.assertIn("example.net._report._dmarc.example.org", names)
        self.assertNotIn(
            "example.org._report._dmarc.example.org",
            [one.name for one in _records()],
        )

    def test_no_promises(self) -> None:
        """
        What does not run is named, and is no record.
        """
        offered = {one.name for one in _records() if isinstance(one, Wanted)}
        absent = {one.name for one in _records() if isinstance(one, NotOffered)}
        self.assertIn("_mta-sts.example.org", absent - offered)

    def test_without_mail(self) -> None:
        """
        A name that never mails says so in three records.
        """
        lines = [
            one.zone_line() for one in records_without_mail("www.example.org")
        ]
        self.assertEqual(
            lines,
            [
                "www.example.org. IN MX 0 .",
                'www.example.org. IN TXT "v=spf1 -all"',
                '_dmarc.www.example.org. IN TXT "v=DMARC1; p=reject"',
            ],
        )


class LookForTests(SynchronousTestCase):
    """
    Tests for ``look_for``.
    """

    def wanted(self, type_: RecordType, value: str) -> Wanted:
        """
        A record to be looked for.
        """
        return Wanted("example.org", type_, value, "", Need.REQUIRED)

    def test_addresses(self) -> None:
        """
        One of several is enough; another in its place is wrong.
        """
        wanted = self.wanted(RecordType.A, "192.0.2.1")
        good = _checked(wanted, "192.0.2.9", "192.0.2.1")
        self.assertEqual(good.verdict, Verdict.GOOD)
        self.assertEqual(_checked(wanted, "192.0.2.9").verdict, Verdict.WRONG)
        self.assertEqual(_checked(wanted).verdict, Verdict.MISSING)

    def test_exchange(self) -> None:
        """
        Any preference is good; another host is not.
        """
        wanted = self.wanted(RecordType.MX, "10 mail.example.org.")
        ours = MailExchange(50, "mail.example.org")
        self.assertEqual(_checked(wanted, ours).verdict, Verdict.GOOD)
        wrong = _checked(wanted, MailExchange(10, "other.example.org"))
        self.assertEqual(wrong.verdict, Verdict.WRONG)
        self.assertEqual(wrong.found, ("10 other.example.org.",))

    def test_null_exchange_stands_alone(self) -> None:
        """
        RFC 7505 3.
        """
        wanted = self.wanted(RecordType.MX, "0 .")
        null = MailExchange(0, "")
        self.assertEqual(_checked(wanted, null).verdict, Verdict.GOOD)
        both = _checked(wanted, null, MailExchange(10, "a.example"))
        self.assertEqual(both.verdict, Verdict.WRONG)

    def test_services(self) -> None:
        """
        Port and host count; no record is as good as "not offered".
        """
        wanted = self.wanted(RecordType.SRV, "0 1 993 mail.example.org.")
        there = ServiceLocation(5, 5, 993, "mail.example.org")
        self.assertEqual(_checked(wanted, there).verdict, Verdict.GOOD)
        other = ServiceLocation(0, 1, 143, "mail.example.org")
        self.assertEqual(_checked(wanted, other).verdict, Verdict.WRONG)
        absent = self.wanted(RecordType.SRV, "0 0 0 .")
        self.assertEqual(_checked(absent).verdict, Verdict.GOOD)
        self.assertEqual(_checked(absent, there).verdict, Verdict.WRONG)

    def test_sender_policy(self) -> None:
        """
        One record that names senders and ends; others' words are not ours.
        """
        wanted = self.wanted(RecordType.TXT, "v=spf1 mx ~all")
        good = _checked(wanted, b"other=1", b"v=spf1 ip4:192.0.2.1 -all")
        self.assertEqual(good.verdict, Verdict.GOOD)
        for records in (
            (b"v=spf1 +all",),
            (b"v=spf1 -all",),
            (b"v=spf1 mx -all", b"v=spf1 a -all"),
        ):
            self.assertEqual(_checked(wanted, *records).verdict, Verdict.WRONG)
        self.assertEqual(_checked(wanted, b"x").verdict, Verdict.MISSING)

    def test_dkim_key(self) -> None:
        """
        The key itself must be the same; spaces and order do not matter.
        """
        wanted = self.wanted(RecordType.TXT, "v=DKIM1; k=rsa; p=AAAA")
        self.assertEqual(
            _checked(wanted, b"p=AA AA; v=DKIM1").verdict, Verdict.GOOD
        )
        self.assertEqual(
            _checked(wanted, b"v=DKIM1; p=BBBB").verdict, Verdict.WRONG
        )

    def test_dmarc(self) -> None:
        """
        Any policy is the owner's choice; without rua nobody reports.
        """
        wanted = self.wanted(
            RecordType.TXT, "v=DMARC1; p=none; rua=mailto:a@example.org"
        )
        good = _checked(wanted, b"v=DMARC1; p=reject; rua=mailto:b@c.example")
        self.assertEqual((good.verdict, good.remark), (Verdict.GOOD, ""))
        mute = _checked(wanted, b"v=DMARC1; p=none")
        self.assertIn("rua", mute.remark)
        wrong = _checked(wanted, b"v=DMARC1; p=no")
        self.assertEqual(wrong.verdict, Verdict.WRONG)

    def test_no_answer(self) -> None:
        """
        A failure of the DNS is no finding.
        """
        inquiry = look_for(self.wanted(RecordType.A, "192.0.2.1"))
        next(inquiry)
        with self.assertRaises(StopIteration) as end:
            inquiry.send(Answer(Found.FAILED))
        self.assertEqual(end.exception.value.verdict, Verdict.UNKNOWN)
