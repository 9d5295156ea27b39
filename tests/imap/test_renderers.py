"""
Tests for ``mailsuite.imap.renderers``.
"""

from __future__ import annotations

import mmap

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from mailsuite.imap import headerfields, outline, renderers
from mailsuite.interfaces import IRenderer

CONTENT = b"Subject: x\r\nTo: a@b\r\n\r\nbody\r\n"
OTHER = b"Subject: y\r\n\r\n"


def rendered(content: bytes | mmap.mmap) -> dict[str, bytes]:
    return {
        renderer.name: renderer.render(content, len(content))
        for renderer in renderers.renderers()
    }


class RendererTests(SynchronousTestCase):
    """
    Tests for ``Renderer`` and ``renderers``.
    """

    def test_each_is_a_renderer(self) -> None:
        """
        They provide what the store asks for, under names of their own.
        """
        made = renderers.renderers()

        for renderer in made:
            verifyObject(IRenderer, renderer)
        self.assertEqual(len({renderer.name for renderer in made}), len(made))

    def test_what_is_made(self) -> None:
        """
        Each name stands for what it says.
        """
        found = rendered(CONTENT)

        self.assertEqual(
            found[renderers.ENVELOPE],
            b'(NIL "x" NIL NIL NIL ((NIL NIL "a" "b")) NIL NIL NIL NIL)',
        )
        self.assertEqual(
            found[renderers.BODY],
            b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1)',
        )
        self.assertEqual(
            found[renderers.BODY_STRUCTURE],
            found[renderers.BODY][:-1] + b" NIL NIL NIL NIL)",
        )
        self.assertEqual(
            headerfields.answer(
                found[renderers.HEADER_FIELDS],
                headerfields.WantedFields.of([b"To"]),
            ),
            b"To: a@b\r\n\r\n",
        )
        self.assertEqual(
            outline.decode(found[renderers.OUTLINE]).body_length, 6
        )

    def test_one_message_after_another(self) -> None:
        """
        The structure of the one before is not taken for this one's.
        """
        made = renderers.renderers()
        both = [
            [renderer.render(content, len(content)) for renderer in made]
            for content in (CONTENT, OTHER, CONTENT)
        ]

        self.assertEqual(both[0], both[2])
        self.assertEqual(both[1], list(rendered(OTHER).values()))

    def test_a_file_mapped_into_memory(self) -> None:
        """
        A large message gives what its octets give.
        """
        content = CONTENT + b"line\r\n" * 500_000
        mapped = mmap.mmap(-1, len(content))
        self.addCleanup(mapped.close)
        mapped[:] = content

        self.assertEqual(rendered(mapped), rendered(content))

    def test_a_header_without_end(self) -> None:
        """
        Of a header section of megabytes no field is said to be absent.
        """
        content = b"X: " + b"x" * 5_000_000 + b"\r\nTo: a@b\r\n\r\n"

        self.assertEqual(rendered(content)[renderers.HEADER_FIELDS], b"")

    def test_nothing(self) -> None:
        """
        An empty file is a message too.
        """
        self.assertEqual(
            rendered(b"")[renderers.BODY],
            b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)',
        )
