"""Numbers, times and names read the same on every screen."""

import datetime as dt

import pytest

from shared.ui.wording import HUES, ago, date, filesize, hue, initials, number, plural

NOW = dt.datetime(2026, 3, 4, 17, 5, tzinfo=dt.UTC)


def test_number_when_large_has_commas() -> None:
    assert number(1234567) == "1,234,567"


def test_number_when_missing_is_a_dash() -> None:
    assert "–" in number(None)


@pytest.mark.parametrize(("count", "text"), [(0, "0 rows"), (1, "1 row"), (12345, "12,345 rows")])
def test_plural_when_counted_agrees(count: int, text: str) -> None:
    assert plural(count, "row") == text


def test_plural_when_irregular_takes_the_given_word() -> None:
    assert plural(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 KB"),
        (999_499, "999 KB"),
        (999_500, "1.0 MB"),
        (3_400_000, "3.4 MB"),
        (250_000_000, "250 MB"),
        (7_200_000_000, "7.2 GB"),
        (9_000_000_000_000_000, "9000 TB"),
    ],
)
def test_filesize_when_given_bytes_is_short(size: int, text: str) -> None:
    assert filesize(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (86400, "1 day ago"),
        (604800, "1 week ago"),
        (86400 * 31, "1 Feb 2026"),
        (-45, "in a moment"),
        (-3600, "in 1 hour"),
    ],
)
def test_ago_when_some_time_has_passed_says_how_long(seconds: int, text: str) -> None:
    moment = NOW - dt.timedelta(seconds=seconds)
    assert f">{text}</time>" in ago(moment, now=NOW)


def test_ago_when_shown_carries_the_exact_time() -> None:
    assert 'datetime="2026-03-04T17:05:00+00:00" title="4 Mar 2026, 17:05 UTC"' in ago(NOW, now=NOW)


def test_date_when_only_a_day_stays_a_day() -> None:
    assert date(dt.date(2026, 3, 4)) == '<time datetime="2026-03-04">4 Mar 2026</time>'


def test_date_when_a_moment_leaves_the_zone_to_the_browser() -> None:
    assert 'data-local="clock">4 Mar 2026, 17:05 UTC<' in date(NOW, clock=True)


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Aisha Almeida", "AA"),
        ("Aisha van der Berg", "AB"),
        ("Cobalt", "C"),
        ("“Quoted” (Firm)", "QF"),
        ("  élan   vital ", "ÉV"),
        ("株式会社", "株"),
        ("🦊", "🦊"),
        ("", "?"),
        ("   ", "?"),
    ],
)
def test_initials_when_names_are_odd_are_still_letters(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_hue_when_asked_twice_is_the_same() -> None:
    assert hue("Cobalt Labs") == hue("Cobalt Labs")
    assert {hue(str(n)) for n in range(100)} == set(HUES)
