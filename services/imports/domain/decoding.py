"""Bytes to text and back, losing nothing: bytes that are not valid in an encoding stay as marks.

A mark is the lone surrogate U+DC00 + byte (as PEP 383 has it, for any byte). No valid text holds one, so a text with
marks in it can't be encoded as UTF-8, which is how they are found.
"""

import codecs
from typing import Final

MARK: Final = "liaison-mark"

ENCODINGS: Final = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16 (little endian)",
    "utf-16-be": "UTF-16 (big endian)",
    "utf-32-le": "UTF-32 (little endian)",
    "utf-32-be": "UTF-32 (big endian)",
    "cp1252": "Windows-1252 (Western European)",
    "latin-1": "ISO 8859-1 (Western European)",
    "iso8859-15": "ISO 8859-15 (Western European with €)",
    "cp850": "DOS 850 (Western European)",
    "mac-roman": "Mac Roman",
    "cp1250": "Windows-1250 (Central European)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "koi8-r": "KOI8-R (Cyrillic)",
    "cp1253": "Windows-1253 (Greek)",
    "cp1254": "Windows-1254 (Turkish)",
    "cp1255": "Windows-1255 (Hebrew)",
    "cp1256": "Windows-1256 (Arabic)",
    "cp1257": "Windows-1257 (Baltic)",
    "shift_jis": "Shift JIS (Japanese)",
    "euc_jp": "EUC-JP (Japanese)",
    "gb18030": "GB 18030 (Chinese)",
    "big5": "Big5 (Chinese)",
    "euc_kr": "EUC-KR (Korean)",
}
"""The encodings that can be chosen, by Python's name for each; the text is what a person reads."""

BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose BOM it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
LONGEST_BOM: Final = 4


def canonical(name: str) -> str | None:
    """Return the name that `ENCODINGS` has for this encoding, or None if there is none."""
    try:
        wanted = codecs.lookup(name.strip()).name
    except (LookupError, ValueError):
        return None
    aliases = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
    by_codec = {codecs.lookup(known).name: known for known in ENCODINGS}
    return by_codec.get(aliases.get(wanted, wanted), "cp1252" if wanted == "ascii" else None)


def label_of(encoding: str) -> str:
    """Return what a person calls this encoding."""
    return ENCODINGS.get(encoding, encoding)


def bom_of(head: bytes) -> tuple[bytes, str] | None:
    """Return the byte order mark that the file begins with, and the encoding that it tells."""
    return next(((bom, encoding) for bom, encoding in BOMS if head.startswith(bom)), None)


def mark_of(head: bytes, encoding: str) -> tuple[bytes, bool]:
    """Return the byte order mark to pass over in a file read as `encoding`, and whether it is that encoding's own."""
    own = next((bom for bom, name in BOMS if name == encoding and head.startswith(bom)), None)
    if own is not None:
        return own, True
    other = bom_of(head)
    return (other[0] if other else b""), False


class Decoder:
    """Decodes a file from its first byte on: passes over its byte order mark, and marks invalid bytes.

    The mark may be that of another encoding, which a person found to be wrong.
    """

    def __init__(self, encoding: str) -> None:
        self.encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)(MARK)
        self._first: bytes | None = b""

    def decode(self, data: bytes, final: bool = False) -> str:
        """Return the text of the next bytes."""
        if self._first is not None:
            data = self._first + data
            if len(data) < LONGEST_BOM and not final:
                self._first = data
                return ""
            self._first = None
            data = data.removeprefix(mark_of(data, self.encoding)[0])
        return self._decoder.decode(data, final)


def decoder(encoding: str) -> Decoder:
    """Return what decodes a file of this encoding."""
    return Decoder(encoding)


def encode(text: str, encoding: str) -> bytes:
    """Return the bytes that `text` was decoded from; what the encoding can't write becomes a question mark."""
    return text.encode(encoding, MARK)


def _mark(error: UnicodeError) -> tuple[str | bytes, int]:
    if isinstance(error, UnicodeDecodeError):
        return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end
    if not isinstance(error, UnicodeEncodeError):
        raise error
    part = error.object[error.start : error.end]
    width = 4 if "32" in error.encoding else 2 if "16" in error.encoding else 1
    if width == 1:
        return bytes(_byte_of(sign) for sign in part), error.end
    if len(part) % width == 0 and all(0xDC00 <= ord(sign) <= 0xDCFF for sign in part):
        return bytes(_byte_of(sign) for sign in part), error.end
    return "?" * len(part), error.end


def _byte_of(sign: str) -> int:
    code = ord(sign) - 0xDC00
    return code if 0 <= code <= 0xFF else ord("?")


codecs.register_error(MARK, _mark)
