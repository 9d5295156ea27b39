"""
Tests for ``mailsuite.transfer.entry`` and ``entrylines``.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.transfer.entry import (
    About,
    Attempted,
    Dropped,
    Entry,
    Event,
    Held,
    Local,
    Notice,
    QueuedRecipient,
    Released,
    Remade,
    Remote,
    Standing,
    Stored,
    Told,
)
from mailsuite.transfer.entrylines import (
    DamagedEntry,
    HalfWritten,
    event_line,
    first_line,
    lines,
    read_entry,
)
from mailsuite.transfer.outcome import Kind, Outcome

ENTRY = Entry(
    queue_id="6b057c40001",
    origin=Origin("ESMTPS", "mx", "192.0.2.7", "crepes.fr", tls="TLSv1.3"),
    sender=Sender(
        Address("al ice", "crepes.fr"),
        size=1000,
        body="8BITMIME",
        smtputf8=True,
        parameters=(("ENVID", "QQ314159"), ("REQUIRETLS", None)),
        returned="HDRS",
        envelope_id="QQ314159",
        requiretls=True,
        tls_optional=True,
        hold_until=1050.0,
    ),
    arrival=1000.0,
    expiry=2000.0,
    content=Stored(10, 7, 3, b"X-Late: \xff\r\n"),
    recipients=(
        QueuedRecipient(
            1,
            Recipient(
                Address('b"ob', "hamburger.edu"),
                (("NOTIFY", "NEVER"),),
                notify=frozenset({"NEVER"}),
                original=("rfc822", "bob@example.org"),
            ),
            Local(17, "bob@hamburger.edu", junk=True),
        ),
        QueuedRecipient(
            2,
            Recipient(Address("postmaster", "")),
            Local(18, "carol@hamburger.edu"),
        ),
        QueuedRecipient(
            3,
            Recipient(Address("dave", "pommes.be")),
            Remote("pommes.be", Address("srs", "hamburger.edu")),
            confidential=True,
        ),
    ),
    about=About("6b057c40000", (1, 3), Notice.DELAYED),
)
SENT = Outcome(
    Kind.SENT, "2.0.0", "Taken", code=250, peer="mx:25", takes_dsn=True
)
DEFERRED = Outcome(Kind.DEFERRED, "4.7.1", "Greylisted", for_postmaster=True)
PUT_OFF = Attempted(1100.0, (1, 2), DEFERRED, 1400.0)
TAKEN = Attempted(1400.0, (2,), SENT)
EVENTS: tuple[Event, ...] = (
    PUT_OFF,
    Held(1150.0, "why not"),
    Told(1200.0, (1,), Notice.DELAYED, "6b057c40002"),
    Released(1250.0),
    Remade(1300.0, "2", Stored(20, 9, 0, b"")),
    Dropped(1350.0, (3,), "no good"),
    TAKEN,
)
LINES = first_line(ENTRY) + b"".join(map(event_line, EVENTS))


def standing(entry: Entry, *events: Event) -> Standing:
    """
    What events come to.
    """
    found = Standing(entry)
    found.take_all(events)
    return found


class StandingTests(SynchronousTestCase):
    """
    Tests for ``Standing``.
    """

    def test_before_anything(self) -> None:
        """
        Everybody waits, until the sender's time has come.
        """
        found = Standing(ENTRY)

        self.assertEqual([x.next for x in found.waiting], [1050.0] * 3)
        self.assertFalse(found.ended)

    def test_attempts(self) -> None:
        """
        Each recipient has his own attempts, times and end.
        """
        found = standing(ENTRY, PUT_OFF, TAKEN)

        self.assertEqual([x.attempts for x in found.states], [1, 2, 0])
        self.assertEqual([x.ended for x in found.states], [False, True, False])
        self.assertEqual(found.state(1).next, 1400.0)
        self.assertEqual(found.state(2).last, SENT)

    def test_held(self) -> None:
        """
        Held and released.
        """
        self.assertEqual(standing(ENTRY, Held(1.0, "why")).held, "why")
        self.assertIsNone(standing(ENTRY, Held(1.0, "why"), Released(2.0)).held)

    def test_end(self) -> None:
        """
        It has ended when nobody waits; what is dropped does not come back.
        """
        found = standing(ENTRY, Dropped(1.0, (1, 2, 3), "no good"))
        self.assertTrue(found.ended)
        found.take(PUT_OFF)

        self.assertTrue(found.ended)
        self.assertEqual(found.waiting, ())

    def test_other_content(self) -> None:
        """
        A content that was made anew takes the first one's place.
        """
        found = standing(ENTRY, *EVENTS)

        self.assertEqual((found.file, found.content), ("2", Stored(20, 9)))

    def test_compacted(self) -> None:
        """
        Fewer lines come to the same.
        """
        many = [replace(PUT_OFF, time=1100.0 + x) for x in range(9)]
        found = standing(ENTRY, *many, *EVENTS[1:], Held(1500.0, "again"))
        short = found.compacted()

        self.assertEqual(short.waiting, found.waiting)
        self.assertEqual(
            [(x.attempts, x.last, x.told, x.dropped) for x in short.states],
            [(x.attempts, x.last, x.told, x.dropped) for x in found.states],
        )
        self.assertEqual(short.held, found.held)
        self.assertEqual((short.file, short.content), ("2", Stored(20, 9)))
        self.assertLess(len(short.events), len(found.events))


class ReadEntryTests(SynchronousTestCase):
    """
    Tests for ``read_entry``.
    """

    def test_what_was_written(self) -> None:
        """
        All comes back as it was.
        """
        found, good = read_entry(LINES)

        self.assertEqual(found, standing(ENTRY, *EVENTS))
        self.assertEqual(good, len(LINES))
        self.assertEqual(lines(found), LINES)

    def test_null_reverse_path(self) -> None:
        """
        The null reverse-path is not an address.
        """
        entry = replace(ENTRY, sender=Sender(None))
        self.assertEqual(read_entry(first_line(entry))[0].entry, entry)

    def test_entry_of_an_earlier_program(self) -> None:
        """
        What was queued before there was remote delivery is read.
        """
        first = {
            "version": 1,
            "id": "6b057c40001",
            "origin": {"protocol": "LMTP", "listener": "lmtp", "account": None},
            "arrival": 1.0,
            "expiry": 2.0,
            "reverse_path": None,
            "declared_size": None,
            "body": "7BIT",
            "smtputf8": False,
            "parameters": [],
            "content": {"size": 1, "crc32": 2, "skip": 0, "prefix": ""},
            "recipients": [
                {
                    "number": 1,
                    "to": "bob@x.example",
                    "parameters": [],
                    "route": {"account": 7, "address": "bob@x.example"},
                }
            ],
        }
        second = {"time": 1.5, "recipients": [1], "kind": "deferred"}
        octets = line(first) + line(second | {"text": "busy", "next": 1.8})

        (bob,) = read_entry(octets)[0].states

        self.assertEqual(bob.queued.route, Local(7, "bob@x.example"))
        self.assertEqual((bob.attempts, bob.next), (1, 1.8))

    def test_every_torn_end(self) -> None:
        """
        However the last line is torn, what stands before it holds.
        """
        before = len(LINES) - len(event_line(TAKEN))
        for cut in range(before, len(LINES)):
            found, good = read_entry(LINES[:cut])
            self.assertEqual(len(found.events), len(EVENTS) - 1)
            self.assertEqual(good, before)

    def test_last_line_of_zeros(self) -> None:
        """
        A last line that was not written through is torn too.
        """
        before = len(LINES) - len(event_line(TAKEN))
        torn = LINES[:before] + b"\0" * 20 + LINES[before + 20 :]

        self.assertEqual(read_entry(torn)[1], before)

    def test_no_whole_first_line(self) -> None:
        """
        An entry without a first line was never complete.
        """
        for cut in range(len(first_line(ENTRY))):
            with self.assertRaises(HalfWritten):
                read_entry(LINES[:cut])

    def test_damage(self) -> None:
        """
        Damage before the last line is never overlooked.
        """
        before = len(LINES) - len(event_line(TAKEN))
        for at in range(before - len(b"\n")):
            damaged = bytearray(LINES)
            damaged[at] ^= 0x40
            with self.assertRaises(DamagedEntry):
                read_entry(bytes(damaged))

    def test_unknown_version(self) -> None:
        """
        An entry of a later program is left alone, not guessed at.
        """
        self.refused({"version": 2})

    def test_missing_facts(self) -> None:
        """
        A whole line that lacks something is damage.
        """
        self.refused({"version": 1, "reverse_path": None, "origin": 7})

    def test_event_of_nobody(self) -> None:
        """
        An event that tells of a recipient who is not there is damage.
        """
        octets = event_line(replace(TAKEN, recipients=(9,)))
        with self.assertRaises(DamagedEntry):
            read_entry(first_line(ENTRY) + octets)

    def refused(self, facts: dict[str, object]) -> None:
        """
        See that these facts make no entry.
        """
        with self.assertRaises(DamagedEntry):
            read_entry(line(facts))

    @settings(deadline=None)
    @given(st.binary(), st.integers(0, len(LINES)))
    def test_any_octets(self, octets: bytes, at: int) -> None:
        """
        Whatever the file holds, there is an answer.
        """
        with contextlib.suppress(DamagedEntry, HalfWritten):
            read_entry(LINES[:at] + octets)

    @settings(deadline=None)
    @given(st.text(), st.text(min_size=1), st.text(), st.floats(0, 1e10))
    def test_any_values(
        self, helo: str, local_part: str, text: str, when: float
    ) -> None:
        """
        Whatever a peer said comes back as it was.
        """
        entry = replace(
            ENTRY,
            origin=replace(ENTRY.origin, helo=helo),
            recipients=(
                replace(
                    ENTRY.recipients[0],
                    recipient=Recipient(Address(local_part, "x.example")),
                ),
            ),
        )
        event = Attempted(when, (1,), replace(DEFERRED, text=text), when)

        found, _ = read_entry(first_line(entry) + event_line(event))

        self.assertEqual(found, standing(entry, event))


def line(facts: dict[str, object]) -> bytes:
    """
    A whole line with these facts.
    """
    octets = json.dumps(facts).encode()
    return b"%08x %b\n" % (zlib.crc32(octets), octets)
