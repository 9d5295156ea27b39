"""
Reports that others sent us, found in whatever they came in: XML, JSON, gzip
and zip files, messages, and files of many messages.

Implementation notes

- What a file is shows in its first octets; names and media types of reports
  are wrong too often.
- All that is read comes from strangers, and is bounded: octets of a file and of
  what is packed in it, how deep, how many parts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from mailsuite.app.unpacking import (
    NotUnpackable,
    gzip_content,
    is_gzip,
    is_zip,
    zip_contents,
)
from mailsuite.emailauth import dmarcreportxml
from mailsuite.emailauth.dmarcreport import AggregateReport
from mailsuite.mail import mime
from mailsuite.mail.mime import Part
from mailsuite.mail.transferencodings import decoder_for
from mailsuite.transfer import tlsreport
from mailsuite.transfer.tlsreport import TLSReport

#: Octets of a message or another file that is read.
LONGEST = 32 * 1024 * 1024
#: Octets that are unpacked of one file, and of all in one message.
_MOST_PACKED = dmarcreportxml.LONGEST_REPORT
_MOST_UNPACKED = 4 * _MOST_PACKED
#: Commas in JSON, which is read whole: each may stand for a value that takes
#: ten times its octets.
_MOST_COMMAS = 1_000_000
#: A zip file in a zip file in a message is not looked into.
_DEEPEST = 3

_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<[?!a-zA-Z]")
_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
_MESSAGE = re.compile(rb"[!-9;-~]+[ \t]*:")
_MBOX_START = b"From "
_MBOX_QUOTED = re.compile(rb"(?m)^>(>*From )")

#: Subtypes of text that reports come as.
_TEXTS = ("xml", "json")

Report = AggregateReport | TLSReport


@dataclass(frozen=True, slots=True)
class Unreadable:
    """
    Something that looked like a report, or was said to be one.

    :param why: for people.
    """

    why: str


Found = Report | Unreadable


def reports_of_file(file: BinaryIO) -> Iterator[Found]:
    """
    The reports in a file.
    """
    start = file.read(len(_MBOX_START))
    if start == _MBOX_START:
        yield from _of_mbox(file)
        return
    octets = start + file.read(LONGEST + 1 - len(start))
    if len(octets) > LONGEST:
        yield Unreadable("the file is too large")
        return
    found = list(reports_in(octets))
    yield from found or [Unreadable("there is no report in it")]


def reports_in(octets: bytes) -> Iterator[Found]:
    """
    The reports in a message, or in a file that came with one.
    """
    return _Search().reports(octets, 0)


class _Search:
    """
    A search of one message or file.
    """

    def __init__(self) -> None:
        self._room = _MOST_UNPACKED

    def reports(self, octets: bytes, level: int) -> Iterator[Found]:
        """
        The reports in what was found so many levels deep.
        """
        if level > _DEEPEST:
            return
        try:
            if is_gzip(octets):
                content = gzip_content(octets, self._most)
                self._room -= len(content)
                yield from self.reports(content, level + 1)
            elif is_zip(octets):
                for content in zip_contents(octets, self._most):
                    self._room -= len(content)
                    yield from self.reports(content, level + 1)
            elif _XML.match(octets):
                yield dmarcreportxml.parse_report(octets)
            elif _JSON.match(octets):
                yield _tls_report(octets)
            elif _MESSAGE.match(octets):
                yield from self._in_message(octets, level)
        except NotUnpackable as fact:
            # It may have been unpacked up to there.
            self._room -= self._most
            yield Unreadable(str(fact))
        except (dmarcreportxml.NotAReport, tlsreport.NotAReport) as fact:
            yield Unreadable(str(fact))

    @property
    def _most(self) -> int:
        """
        Octets that the next file may hold.
        """
        return max(0, min(self._room, _MOST_PACKED))

    def _in_message(self, octets: bytes, level: int) -> Iterator[Found]:
        if b"\r\n" not in octets[: octets.find(b"\n") + 1]:
            octets = octets.replace(b"\n", b"\r\n")
        for part in _leaves(mime.parse(octets)):
            decoder = decoder_for(part.encoding)
            if decoder is None or not _may_be_report(part):
                continue
            start = part.body_offset
            body = octets[start : start + part.body_length]
            content = decoder.decode(body) + decoder.finish()
            yield from self.reports(content, level + 1)


def _tls_report(octets: bytes) -> TLSReport:
    if octets.count(b",") > _MOST_COMMAS:
        raise tlsreport.NotAReport("there are more values than a report has")
    return tlsreport.parse_report(octets)


def _may_be_report(part: Part) -> bool:
    if part.media_type.lower() != b"text":
        return True
    ending = (part.filename or "").lower().rpartition(".")[2]
    return part.subtype.decode("latin-1").lower() in _TEXTS or ending in _TEXTS


def _leaves(part: Part) -> Iterator[Part]:
    if not part.children:
        yield part
    for child in part.children:
        yield from _leaves(child)


def _of_mbox(file: BinaryIO) -> Iterator[Found]:
    """
    The reports in the messages of a file that began with ``From ``.
    """
    file.readline(LONGEST)
    lines: list[bytes] = []
    size = 0
    after_blank = False
    while line := file.readline(LONGEST):
        if after_blank and line.startswith(_MBOX_START):
            yield from _of_lines(lines, size)
            lines, size = [], 0
        else:
            size += len(line)
            if size <= LONGEST:
                lines.append(line)
        after_blank = not line.strip(b"\r\n")
    yield from _of_lines(lines, size)


def _of_lines(lines: list[bytes], size: int) -> Iterator[Found]:
    if size > LONGEST:
        yield Unreadable("a message is too large")
        return
    yield from reports_in(_MBOX_QUOTED.sub(rb"\1", b"".join(lines)))
