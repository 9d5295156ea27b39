"""
Tests for ``mailsuite.transfer.entry``.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.mail.address import Address
from mailsuite.mail.envelope import Origin, Recipient, Sender
from mailsuite.transfer import entry as entry_lines
from mailsuite.transfer.entry import (
    DamagedEntry,
    Deferred,
    Delivered,
    Entry,
    HalfWritten,
    QueuedRecipient,
    event_line,
    first_line,
    read_entry,
    standing,
)

ENTRY = Entry(
    queue_id="6b057c40001",
    origin=Origin("ESMTPS", "mx", "192.0.2.7", "crepes.fr", tls="TLSv1.3"),
    sender=Sender(
        Address("al ice", "crepes.fr"),
        size=1000,
        body="8BITMIME",
        smtputf8=True,
        parameters=(("ENVID", "QQ314159"), ("REQUIRETLS", None)),
    ),
    arrival=1000.0,
    expiry=2000.0,
    size=10,
    crc32=7,
    recipients=(
        QueuedRecipient(
            1,
            Recipient(Address('b"ob', "hamburger.edu"), (("NOTIFY", "NEVER"),)),
            17,
            "bob@hamburger.edu",
        ),
        QueuedRecipient(
            2,
            Recipient(Address("postmaster", "")),
            18,
            "carol@hamburger.edu",
        ),
    ),
)
DEFERRED = Deferred(1100.0, (1, 2), "Mail store is busy", 1400.0)
DELIVERED = Delivered(1400.0, (2,))
LINES = first_line(ENTRY) + event_line(DEFERRED) + event_line(DELIVERED)


class ReadEntryTests(SynchronousTestCase):
    """
    Tests for ``read_entry``.
    """

    def test_what_was_written(self) -> None:
        """
        An entry alone comes back as it was.
        """
        self.assertEqual(
            read_entry(first_line(ENTRY)),
            (standing(ENTRY), len(first_line(ENTRY))),
        )

    def test_null_reverse_path(self) -> None:
        """
        The null reverse-path is not an address.
        """
        entry = replace(ENTRY, sender=Sender(None))
        self.assertEqual(read_entry(first_line(entry))[0].entry, entry)

    def test_fold(self) -> None:
        """
        What is the case is what the events come to.
        """
        found, good = read_entry(LINES)

        self.assertEqual(found.waiting, ENTRY.recipients[:1])
        self.assertEqual(found.attempts, 1)
        self.assertEqual(found.next, 1400.0)
        self.assertEqual(good, len(LINES))

    def test_every_torn_end(self) -> None:
        """
        However the last line is torn, what stands before it holds.
        """
        before = len(LINES) - len(event_line(DELIVERED))
        for cut in range(before, len(LINES)):
            found, good = read_entry(LINES[:cut])
            self.assertEqual((found.waiting, good), (ENTRY.recipients, before))

    def test_last_line_of_zeros(self) -> None:
        """
        A last line that was not written through is torn too.
        """
        before = len(LINES) - len(event_line(DELIVERED))
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
        before = len(LINES) - len(event_line(DELIVERED))
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

    def refused(self, facts: dict[str, object]) -> None:
        """
        See that these facts make no entry.
        """
        with self.assertRaises(DamagedEntry):
            read_entry(entry_lines._line(facts))

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
        event = Deferred(when, (1,), text, when)

        found, _ = read_entry(first_line(entry) + event_line(event))

        self.assertEqual(found, standing(entry).after(event))
