"""Which character set a text file is in, told from the whole of it, a piece at a time.

UTF-8, with or without its mark, is known for certain, and so is UTF-16 with its mark. Of the sets
with one byte for a character, windows-1252 is what spreadsheets save; another is assumed only where
a sample of the lines that are not ASCII speaks plainly for it.
"""

from __future__ import annotations

import codecs
from typing import Final, NamedTuple

from charset_normalizer import CharsetMatch, from_bytes

from gateway.core.adapter import Body
from gateway.core.limits import CHARACTER_SAMPLE_BYTES
from gateway.core.refusal import Reason, Refused

WINDOWS: Final = "cp1252"
UTF_8: Final = "utf-8-sig"
UTF_16: Final = "utf-16"
# What a sample is measured against, as Python calls it, and what people call it.
CALLED: Final = {
    WINDOWS: "windows-1252",
    "iso8859_15": "ISO 8859-15",
    "mac_roman": "Mac OS Roman",
    "cp850": "code page 850",
    "cp1250": "windows-1250",
    UTF_16: "UTF-16",
}
_SINGLE: Final = ("cp1252", "iso8859_15", "mac_roman", "cp850", "cp1250")

# Fewer bytes than these above ASCII say nothing of a character set: where windows-1252 is out of the
# question, and where it is not. A few odd marks in a name may look like a word in another set.
_SAMPLE_LEAST: Final = 8
_DOUBT_LEAST: Final = 64
# By how much another set has to be more like a language than windows-1252. Marks drawn at random, which
# are of no language, come to 0.54 at most in seventy thousand samples; names in another set come to more than 0.7.
_LIKELIER: Final = 0.6

_ASCII: Final = bytes(range(128))
_UTF_16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK_BYTES: Final = 256 * 1024


class CharacterSet(NamedTuple):
    """The encoding as Python names it, and whether that was assumed."""

    encoding: str
    assumed: bool


class Survey:
    """Looks at a file's bytes as they pass, and says in the end what they are."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._utf8 = True
        self._inside = False
        self._above: set[int] = set()
        self._sample = b""

    def take(self, chunk: bytes) -> None:
        """Look at the next bytes."""
        above = chunk.translate(None, _ASCII)
        # `_inside` says that the last chunk ended inside a character.
        if not (above or self._inside):
            return
        if self._utf8:
            try:
                self._decoder.decode(chunk)
                self._inside = bool(self._decoder.getstate()[0])
            except UnicodeDecodeError:
                self._utf8 = self._inside = False
        self._above.update(above)
        if len(self._sample) < CHARACTER_SAMPLE_BYTES:
            lines = b"\n".join(line for line in chunk.splitlines() if not line.isascii())
            self._sample = (self._sample + b"\n" + lines)[:CHARACTER_SAMPLE_BYTES]

    def end(self) -> CharacterSet:
        """What the file is; raises Refused(CHARACTER_SET)."""
        if self._utf8 and not self._inside:
            return CharacterSet(UTF_8, assumed=False)
        possible = [name for name in _SINGLE if _defines(name, self._above)]
        chosen = _chosen(self._sample, possible)
        if chosen is None:
            raise Refused(Reason.CHARACTER_SET, "The file is neither UTF-8 nor windows-1252.")
        return CharacterSet(chosen, assumed=True)


def marked_utf_16(start: bytes) -> bool:
    """Whether a file begins with a mark of UTF-16."""
    return start[:2] in _UTF_16_MARKS


def survey_utf_16(body: Body, line_chars: int) -> tuple[CharacterSet, bool]:
    """Check a file of UTF-16; its character set, and whether it has any quotes.

    Raises Refused(CHARACTER_SET), and Refused(CSV_NOT_WELL_FORMED) for a line of more characters.
    """
    decoder = codecs.getincrementaldecoder(UTF_16)()
    quoted, length, empty = False, 0, True
    with body.open() as stream:
        while True:
            chunk = stream.read(_CHUNK_BYTES)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError:
                raise Refused(Reason.CHARACTER_SET, "The file is not the UTF-16 it says.") from None
            if "\0" in text:
                raise Refused(Reason.CHARACTER_SET, "The file holds NUL; it is not text.")
            empty = empty and not text
            quoted = quoted or '"' in text
            last = max(text.rfind("\n"), text.rfind("\r"))
            length = length + len(text) if last < 0 else len(text) - 1 - last
            if length > line_chars:
                raise Refused(
                    Reason.CSV_NOT_WELL_FORMED, f"A line is longer than {line_chars} characters."
                )
            if not chunk:
                break
    if empty:
        raise Refused(Reason.CHARACTER_SET, "There is nothing behind the file's UTF-16 mark.")
    return CharacterSet(UTF_16, assumed=False), quoted


def _defines(name: str, above: set[int]) -> bool:
    try:
        bytes(above).decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _chosen(sample: bytes, possible: list[str]) -> str | None:
    """The set that a sample speaks for among those that define all its bytes."""
    usual = WINDOWS if WINDOWS in possible else None
    if len(sample.translate(None, _ASCII)) < (_SAMPLE_LEAST if usual is None else _DOUBT_LEAST):
        return usual
    if not possible:
        return None
    found = from_bytes(
        sample,
        threshold=0.5,
        cp_isolation=possible,
        preemptive_behaviour=False,
        language_threshold=0.0,
        enable_fallback=False,
    )
    # The library takes sets that read a sample alike for one, and lists the others under it.
    by_name = {name: match for match in found for name in match.could_be_from_charset}
    matches = {name: by_name[name] for name in possible if name in by_name}
    if not matches:
        return usual
    best = min(matches, key=lambda name: _worse(matches[name]))
    if usual is None:
        return best
    # Where windows-1252 is so untidy that it is no match at all, it is as unlike a language as can be.
    likely = matches[usual].coherence if usual in matches else 0.0
    return best if matches[best].coherence > likely + _LIKELIER else usual


def _worse(match: CharsetMatch) -> tuple[float, float]:
    return match.chaos, -match.coherence
