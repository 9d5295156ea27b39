"""
Tests for ``mailsuite.store.maildir``.
"""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from mailsuite.errors import InvalidMailboxName
from mailsuite.mail.flags import DELETED_BIT, SEEN_BIT, FlagNames
from mailsuite.store.maildir import (
    MessageName,
    Names,
    folder_of,
    mailbox_of,
    new_folder_of,
)

_DOVECOT = "1795557832.M702096P11587.vm,S=28,W=32"


class MessageNameTests(SynchronousTestCase):
    """
    Tests for ``MessageName``.
    """

    def test_dovecot(self) -> None:
        """
        A name that Dovecot 2.3.19 made is understood whole.
        """
        name = MessageName.parse(_DOVECOT + ":2,Sab")

        self.assertEqual(name.base, _DOVECOT)
        self.assertEqual(name.size, 28)
        self.assertEqual(name.seconds, 1795557832)
        self.assertEqual(
            FlagNames(("$Forwarded", "Privat")).names(name.flags),
            ("\\Seen", "$Forwarded", "Privat"),
        )

    def test_all_system_flags(self) -> None:
        """
        Each letter is the flag that the maildir's description says.
        """
        self.assertEqual(
            FlagNames().names(MessageName.parse("1.a.h:2,DFRST").flags),
            ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"),
        )

    def test_without_colon(self) -> None:
        """
        A name without flags has none, and no size.
        """
        name = MessageName.parse("1.a.h")

        self.assertEqual((name.flags, name.size, name.seconds), (0, None, 1))
        self.assertEqual(str(name), "1.a.h")

    def test_flags_are_written_in_order(self) -> None:
        """
        Letters stand in ASCII's order, once, whatever was there before.
        """
        name = MessageName.parse("1.a.h:2,SSbF")

        self.assertEqual(
            str(name.with_flags(name.flags | DELETED_BIT)), "1.a.h:2,FSTb"
        )
        self.assertEqual(str(name.with_flags(0)), "1.a.h:2,")

    def test_what_is_unknown_stays(self) -> None:
        """
        Letters of other programs, and what they put behind another comma, go
        with the message.
        """
        name = MessageName.parse("1.a.h:2,PSX,extra,S=4")

        self.assertEqual(str(name.with_flags(0)), "1.a.h:2,PX,extra,S=4")

    def test_experimental_info(self) -> None:
        """
        Info of another form has no flags; it stays when one is set.
        """
        name = MessageName.parse("1.a.h:1,RS")

        self.assertEqual(name.flags, 0)
        self.assertEqual(str(name), "1.a.h:1,RS")
        self.assertEqual(str(name.with_flags(SEEN_BIT)), "1.a.h:2,S,1,RS")

    def test_arrival(self) -> None:
        """
        Seconds count as a number, then microseconds, then the name.
        """
        names = [
            "999999999.M5P1.h",
            "1000000000.M9P2.h",
            "1000000000.M10P1.h",
            "1000000000.M10P2.h",
        ]

        self.assertEqual(
            sorted(names[::-1], key=lambda x: MessageName.parse(x).arrival),
            names,
        )

    def test_names_of_others(self) -> None:
        """
        What is no number anywhere is no error.
        """
        for text in ("", ":2,S", "x", ".M", "1.M.h", "².M².h,S=²", ",S=,W=x"):
            name = MessageName.parse(text)
            self.assertIsNone(name.size)
            self.assertEqual(name.arrival[1], 0)

    @given(st.text(st.characters(exclude_characters="/\0")))
    def test_round_trip(self, text: str) -> None:
        """
        Every name is printed as it was read, but for an empty info.
        """
        self.assertIn(str(MessageName.parse(text)), (text, text[:-1]))

    @given(st.text("2,DFRSTPXab:.=S1M"), st.integers(0, (1 << 31) - 1))
    def test_flags_round_trip(self, text: str, flags: int) -> None:
        """
        Flags that were set are read again, and the base name stays.
        """
        name = MessageName.parse(text)

        changed = MessageName.parse(str(name.with_flags(flags)))

        self.assertEqual(changed.flags, flags)
        self.assertEqual(changed.base, name.base)


class NamesTests(SynchronousTestCase):
    """
    Tests for ``Names``.
    """

    def test_form(self) -> None:
        """
        A name tells time, process and size, as others' do.
        """
        names = Names(lambda: 1795557832.702096, "vm")

        base = names.base(4711)

        self.assertRegex(
            base,
            rf"^1795557832\.M70209[56]P{os.getpid()}Q1R[0-9a-f]{{8}}"
            r"\.vm,S=4711$",
        )
        name = MessageName.parse(base)
        self.assertEqual((name.base, name.size), (base, 4711))

    def test_never_twice(self) -> None:
        """
        The same moment gives other names, and so does another object.
        """
        first, second = Names(lambda: 1.0, "h"), Names(lambda: 1.0, "h")

        made = {x.base(1) for x in (first, second) for _ in range(100)}

        self.assertEqual(len(made), 200)

    def test_odd_hosts(self) -> None:
        """
        A host's name cannot break the message's.
        """
        base = Names(lambda: 1.0, "a/b:c,d").base(1)

        self.assertIn("a\\057b\\072c\\054d,S=1", base)


class FolderTests(SynchronousTestCase):
    """
    Tests for the names of folders.
    """

    def test_examples(self) -> None:
        """
        Folders are named as Dovecot names them.
        """
        for name, folder in (
            ("Sent", ".Sent"),
            ("Eltern/Kind", ".Eltern.Kind"),
            ("Wäsche & Co", ".W&AOQ-sche &- Co"),
            ("INBOX/Lists", ".INBOX.Lists"),
        ):
            self.assertEqual(folder_of(name), folder)
            self.assertEqual(mailbox_of(folder), name)

    def test_inbox_is_the_root(self) -> None:
        """
        INBOX, in any case, is the tree itself, and no folder is INBOX.
        """
        self.assertEqual(folder_of("INBOX"), "")
        self.assertEqual(folder_of("inbox"), "")
        self.assertIsNone(mailbox_of(".INBOX"))
        self.assertIsNone(mailbox_of(".Inbox"))

    def test_impossible_names(self) -> None:
        """
        Names that Maildir++ cannot hold are refused.
        """
        for name in (
            "", "a.b", "/a", "a/", "a//b", ".", "..", "a/../b", "\ud800",
            "a" * 255, "ä" * 100,
        ):  # fmt: skip
            self.assertRaises(InvalidMailboxName, folder_of, name)

    def test_control_characters(self) -> None:
        """
        They are in no new name, but what is there can be used.
        """
        self.assertRaises(InvalidMailboxName, new_folder_of, "a\nb")
        self.assertRaises(InvalidMailboxName, new_folder_of, "a\u2028b")
        self.assertEqual(mailbox_of(folder_of("a\nb")), "a\nb")
        self.assertEqual(new_folder_of("日本語\u3000箱")[:1], ".")

    def test_no_mailboxes(self) -> None:
        """
        Other folders, and those not named as we would, are no mailboxes.
        """
        for folder in (
            "cur", "", ".", "..", "..x", ".a..b", ".a.", ".&", ".&AGE-",
            "..DOVECOT-TRASHED", ".\udcff", ".a&-b&",
        ):  # fmt: skip
            self.assertIsNone(mailbox_of(folder))

    @given(st.text())
    def test_round_trip(self, name: str) -> None:
        """
        A name that is accepted comes back, and is no way out of the tree.
        """
        try:
            folder = folder_of(name)
        except InvalidMailboxName:
            return
        if folder:
            self.assertEqual(mailbox_of(folder), name)
            self.assertNotIn("/", folder)
            self.assertNotIn(folder, (".", ".."))
