"""Guess the encoding of a text without byte order mark. The same bytes always give the same answer."""

import codecs
import re
from typing import BinaryIO

from services.imports.domain.decoding import MARK, canonical

LATIN = ("cp1252", "cp850", "mac-roman")  # in this order where they fit equally well
PLAUSIBLE = frozenset("àáâãäåæçèéêëìíîïñòóôõöøùúûüýÿœšžßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝŒŠŽ°º€£§–—’“”«»¿¡·®©²³½")
BLOCK = 1 << 20
_WORDS_WITH_HIGH = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")


def of_head(head: bytes) -> str:
    """Return the encoding that `head` is most likely in."""
    return _wide(head) or ("utf-8" if _is_utf8(head) else _single_byte(head))


def of_file(head: bytes, rest: BinaryIO) -> str:
    """Return the encoding of a file; where its head does not tell (it is ASCII), by what follows in `rest`."""
    if not head.isascii() or _wide(head):
        return of_head(head)
    while data := rest.read(BLOCK):
        if not data.isascii():
            data += rest.read(BLOCK)
            return "utf-8" if _is_utf8(data) else _single_byte(data)
    return "utf-8"


def looks_binary(text: str) -> bool:
    """Tell whether more than a twentieth of the text is control characters that no list has."""
    sample = text[: 1 << 16]
    odd = sum(sample.count(chr(code)) for code in range(32) if chr(code) not in "\t\n\r\x0b\x0c\x1a\x1b")
    return odd >= 8 and odd * 20 > len(sample)


def _wide(head: bytes) -> str | None:
    """Tell UTF-16 by the zero bytes that ASCII signs, at least the line ends and delimiters, have in it."""
    sample = head[: 1 << 16]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    pairs = len(sample) // 2
    most = max(even, odd)
    if most and (most * 3 > pairs or (most >= 4 and most * 20 > pairs)) and min(even, odd) * 10 < most:
        encoding = "utf-16-le" if odd > even else "utf-16-be"
        text = sample[: pairs * 2].decode(encoding, "replace")
        if not looks_binary(text) and ("\n" in text or "\r" in text or len(text) < 1000):
            return encoding
    return None


def _is_utf8(data: bytes) -> bool:
    """Tell whether it is UTF-8, at most for a few broken bytes between many good ones."""
    cut = len(data) >= BLOCK  # then the last sign may not be whole
    text = codecs.getincrementaldecoder("utf-8")(MARK).decode(data, final=not cut)
    if _encodable(text):
        return True
    broken = sum(1 for sign in text if 0xDC80 <= ord(sign) <= 0xDCFF)
    good = sum(1 for sign in text if ord(sign) > 0x7F) - broken
    return good > 4 * broken


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _single_byte(data: bytes) -> str:
    words = b"\n".join(_WORDS_WITH_HIGH.findall(data[:BLOCK])[:20_000])
    high = sum(byte >= 0x80 for byte in words)
    letters = sum(byte > 0x20 for byte in words)
    if high * 2 > letters and high >= 20:  # mostly high bytes: not a Latin script
        import charset_normalizer

        best = charset_normalizer.from_bytes(words[: 1 << 16]).best()
        name = canonical(best.encoding) if best else None
        if name and not name.startswith("utf"):
            return name
    return max(LATIN, key=lambda encoding: (_plausible(words, encoding), -LATIN.index(encoding)))


def _plausible(words: bytes, encoding: str) -> int:
    return sum(sign in PLAUSIBLE for sign in words.decode(encoding, "replace"))
