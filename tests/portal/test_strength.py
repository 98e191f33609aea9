"""The rule on new passwords (P2, P3): length first, and nothing that guessers try first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.domain.secret import new_password
from services.portal.domain.strength import (
    ENOUGH,
    LONGEST_PIECE,
    MIN_LENGTH,
    common_words,
    judge,
    normal_form,
    strength,
)

texts = st.text(min_size=1, max_size=40)


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "P@ssw0rd P@ssw0rd1",
        "123456789012345",
        "qwertyuiopasdfgh",
        "zyxwvutsrqponmlk",
        "aaaaaaaaaaaaaaaa",
        "a" * 256,
        "Summer2024!Summer2024!",
        "Liaison2026Admin!",
        "correcthorsebatterystaple",
        "Ada.Lovelace.1999",
        "lovelaceadalovelace",
        "ada@example.testada@example.test",
    ],
)
def test_password_when_easy_to_guess_is_refused(password: str) -> None:
    verdict = judge(password, ["Ada Lovelace", "ada", "ada@example.test"])
    assert (verdict.label, bool(verdict.problem)) == ("weak", True)


@pytest.mark.parametrize(
    "password", ["mountain-lamp-hazel", "teapot granite marmalade", "kx7-pq93-vv-mm!", "сім мокрих парасоль"]
)
def test_password_when_long_and_unlikely_is_accepted(password: str) -> None:
    assert judge(password).problem == ""


def test_password_when_short_is_refused_with_the_length_it_needs() -> None:
    assert str(MIN_LENGTH) in judge("x7!kQ-w2Zz").problem
    assert judge("k" + "ä7!x-" * 100).label == "too long"


def test_generated_password_when_made_passes_the_rule() -> None:
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert not any(judge(password, ["Administrator", "admin"]).problem for password in made)


@given(texts)
def test_strength_when_written_in_capitals_is_the_same_and_never_above_the_length(text: str) -> None:
    assert strength(text) == strength(normal_form(text).casefold())
    assert strength(text) <= len(normal_form(text).casefold())


@given(texts, texts)
def test_strength_when_names_are_known_is_never_greater(text: str, name: str) -> None:
    assert strength(text, [name]) <= strength(text)


@given(st.text(alphabet=st.characters(codec="ascii"), min_size=3, max_size=LONGEST_PIECE))
def test_strength_when_repeated_grows_by_one_at_most(text: str) -> None:
    assert strength(text + text) <= strength(text) + 1


@given(st.sampled_from(sorted(common_words())), st.integers(0, 999))
def test_common_word_when_decorated_with_a_number_is_never_enough(word: str, number: int) -> None:
    assert strength(f"{word}{number}!") < ENOUGH
