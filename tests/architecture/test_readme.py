"""What the README promises has a test that names it; what is in the project speaks of the project."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([CAIPX]\d[^|]*?) \|.*\| ([^|]*) \|$", re.MULTILINE)
STATE = re.compile(r"done|first part – .+|planned")
"""As the legend above the feature table has them."""


def features() -> list[tuple[str, str]]:
    """Return the rows of the feature table ("C7", "C9–C16") with their states."""
    found = ROW.findall((ROOT / "README.md").read_text())
    assert len(found) > 40, "the feature table was not found"
    return found


def test_row_when_called_done_has_a_test_that_names_it() -> None:
    rows = [row for rows, state in features() if state != "planned" for row in re.findall(r"[CAIPX]\d+", rows)]
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert [row for row in rows if not re.search(rf"\b{row}\b", tests)] == []


def test_row_when_listed_has_a_state_of_the_legend() -> None:
    assert [(row, state) for row, state in features() if not STATE.fullmatch(state)] == []


def test_link_when_in_the_docs_leads_somewhere() -> None:
    links = [
        (page, target)
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    ]
    assert [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()] == []


def test_locks_when_read_hold_no_address() -> None:
    for lock in [*(ROOT / "requirements").glob("*.txt"), ROOT / "package-lock.json"]:
        assert "://" not in re.sub(r'"(?:url|funding)": "[^"]*"', "", lock.read_text()), lock.name
