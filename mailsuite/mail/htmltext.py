"""
HTML as the text that people see, piece by piece, for searching and previews.

Implementation notes

- This is no parser of HTML: it knows which tags break a word, and what is
  never shown.  Whatever it is given, it takes time in proportion.
- Inline tags vanish, so that "foo<b>bar</b>" is one word; other tags are line
  breaks.  Runs of white space are one space.
- Of attributes, ``alt``, ``title`` and ``href`` come after the text.
"""

from __future__ import annotations

import re
from html import unescape

_INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data",
    "del", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark", "nobr",
    "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
    "time", "tt", "u", "var", "wbr",
})  # fmt: skip
#: Elements whose content is not shown, and comments, with what ends them.
_HIDDEN = {
    "script": re.compile("</script[^<>]*>", re.IGNORECASE),
    "style": re.compile("</style[^<>]*>", re.IGNORECASE),
    "!--": re.compile("-->"),
}
#: The longest beginning of such an end that may stand at a piece's end.
_END_OCTETS = 64

_TAG = re.compile(r"<(!--|/?[A-Za-z][^\s<>/]*+|[!?])([^<>]*+)(>?+)")
_ATTRIBUTE = re.compile(
    r"\b(?:alt|title|href)\s*+=\s*+"
    r"(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))",
    re.IGNORECASE,
)
#: What begins a tag or an entity and is longer than this is text.
_MOST_HELD = 16 * 1024

#: Characters of attributes that are kept.
_MOST_ATTRIBUTES = 256 * 1024


class HTMLText:
    """
    Takes HTML, gives text.
    """

    def __init__(self) -> None:
        self._held = ""
        self._hidden: re.Pattern[str] | None = None
        self._space = ""
        self._attributes: list[str] = []
        self._attributes_size = 0

    def feed(self, html: str) -> str:
        """
        The text of what is certain so far.
        """
        return self._collapsed(self._text(self._held + html, last=False))

    def finish(self) -> str:
        """
        The rest, and the attributes, each on a line of its own.
        """
        text = self._collapsed(self._text(self._held, last=True))
        return "\n".join((text, *self._attributes))

    def _text(self, html: str, *, last: bool) -> str:
        pieces: list[str] = []
        at, size = 0, len(html)
        self._held = ""
        while at < size:
            if self._hidden is not None:
                at = self._skip(html, at)
                continue
            tag = _TAG.search(html, at)
            if tag is None:
                pieces.append(self._plain(html[at:], last=last))
                break
            start, end = tag.span()
            pieces.append(_shown(html[at:start]))
            if not tag[3] and tag[1] != "!--":
                if end == size and not last and size - start < _MOST_HELD:
                    self._held = html[start:]
                    break
                pieces.append(_shown(html[start:end]))
            else:
                pieces.append(self._tag(tag))
                if tag[1] == "!--":
                    end = tag.end(1)
            at = end
        return "".join(pieces)

    def _skip(self, html: str, at: int) -> int:
        """
        Go past what is not shown, as far as it is there.
        """
        assert self._hidden is not None
        end = self._hidden.search(html, at)
        if end is not None:
            self._hidden = None
            return end.end()
        self._held = html[max(at, len(html) - _END_OCTETS) :]
        return len(html)

    def _plain(self, html: str, *, last: bool) -> str:
        """
        Text without tags; the beginning of a tag or entity is held back.
        """
        cut = len(html)
        if not last:
            for mark in "<&":
                found = html.rfind(mark, max(0, len(html) - 40))
                if found >= 0 and ";" not in html[found:]:
                    cut = min(cut, found)
        self._held = html[cut:]
        return _shown(html[:cut])

    def _tag(self, tag: re.Match[str]) -> str:
        name = tag[1].lower()
        self._hidden = _HIDDEN.get(name)
        if "=" in tag[2]:
            self._keep_attributes(tag[2])
        return "" if name.lstrip("/") in _INLINE or name == "!--" else "\n"

    def _keep_attributes(self, text: str) -> None:
        for found in _ATTRIBUTE.finditer(text):
            value = unescape(found[1] or found[2] or found[3] or "")
            self._attributes_size += len(value)
            if self._attributes_size > _MOST_ATTRIBUTES:
                return
            self._attributes.append(value)

    def _collapsed(self, text: str) -> str:
        """
        With white space as it is shown; at the end it waits for what follows.
        """
        text = self._space + text
        kept = text.strip()
        if not kept:
            self._space = _as_shown(text)
            return ""
        start = text.find(kept)
        before = _as_shown(text[:start])
        self._space = _as_shown(text[start + len(kept) :])
        lines = [" ".join(line.split()) for line in kept.split("\n")]
        return before + "\n".join([line for line in lines if line])


def _as_shown(space: str) -> str:
    """
    What becomes of white space.
    """
    if "\n" in space:
        return "\n"
    return " " if space else ""


def _shown(html: str) -> str:
    """
    Text without tags as it is shown, on one line; the spaces around it are
    kept as one.
    """
    text = unescape(html) if "&" in html else html
    words = " ".join(text.split())
    if not words:
        return " " if text else ""
    before = " " if text[0].isspace() else ""
    return before + words + (" " if text[-1].isspace() else "")
