"""How hard a password is to guess: length first, and nothing that guessers try first (NIST SP 800-63B-4, 3.1.1.2).

There are no rules on kinds of characters. A password is cut into pieces at the least cost: a well-known word, a
sequence or a run of one character costs 2, a piece that was there before costs 1, and so does any other single
character. The sum is its strength.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MIN_LENGTH = 15  # for a password that is the only factor
MAX_LENGTH = 256
ENOUGH = 10
LONGEST_PIECE = 128
WORDS = Path(__file__).parents[1] / "data" / "common_passwords.txt"
SEQUENCES = tuple(
    line + line[:1]
    for row in (
        "0123456789",
        "abcdefghijklmnopqrstuvwxyz",
        "qwertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "qwertzuiopü",
        "azertyuiop",
        "qsdfghjklm",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik",
        "1q2w3e4r5t6y7u8i9o0p",
        "!@#$%^&*()",
    )
    for line in (row, row[::-1])
)
LOOKALIKES = str.maketrans("@40135$7!", "aaoiessti")
VERDICTS = ((ENOUGH, "weak"), (ENOUGH + 4, "fair"), (ENOUGH + 8, "good"))


@dataclass(frozen=True)
class Verdict:
    """What is thought of a password: `problem` is empty when it is accepted; `level` 0 to 4 is for the bar."""

    label: str
    level: int
    problem: str = ""


@cache
def common_words() -> frozenset[str]:
    """Return the words that everybody uses in passwords."""
    lines = WORDS.read_text(encoding="utf-8").split("\n")
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def normal_form(password: str) -> str:
    """Return the form that is hashed, so that every keyboard gives the same (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def strength(password: str, own: Iterable[str] = ()) -> int:
    """Return the strength of `password`; `own` are names that belong to the person."""
    text = normal_form(password).casefold()
    known = common_words() | {word for name in own for word in _words_of(name)}
    best = [0] * (len(text) + 1)
    for end in range(1, len(text) + 1):
        best[end] = best[end - 1] + 1
        for start in range(max(0, end - LONGEST_PIECE), end - 2):
            piece = text[start:end]
            if piece in text[:start]:
                best[end] = min(best[end], best[start] + 1)
            elif _is_expected(piece, known):
                best[end] = min(best[end], best[start] + 2)
    return best[-1]


def judge(password: str, own: Iterable[str] = ()) -> Verdict:
    """Return the verdict on a new password."""
    length = len(normal_form(password))
    if length < MIN_LENGTH:
        level = 0 if not length else 1
        return Verdict(
            "too short", level, f"Use at least {MIN_LENGTH} characters: three or four words make a good one."
        )
    if length > MAX_LENGTH:
        return Verdict("too long", 1, f"Use at most {MAX_LENGTH} characters.")
    points = strength(password, own)
    for level, (limit, label) in enumerate(VERDICTS, 1):
        if points < limit:
            return Verdict(label, level, _EASY if level == 1 else "")
    return Verdict("strong", 4)


_EASY = "This is easy to guess. Leave out names, well-known passwords, sequences and repetitions."


def _is_expected(piece: str, known: frozenset[str] | set[str]) -> bool:
    return (
        piece in known
        or piece.translate(LOOKALIKES) in known
        or len(set(piece)) == 1
        or any(piece in row for row in SEQUENCES)
        or _is_year(piece)
    )


def _is_year(piece: str) -> bool:
    return len(piece) == 4 and piece.isascii() and piece.isdigit() and piece[:2] in ("19", "20")


def _words_of(name: str) -> set[str]:
    folded = normal_form(name).casefold()
    parts = "".join(letter if letter.isalnum() else " " for letter in folded).split()
    return {word for word in (*parts, "".join(parts), folded) if len(word) >= 3}
