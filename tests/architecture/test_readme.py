"""What the README promises has a test that names it; what is in the project speaks of the project."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| ([CAIPX]\d{1,2}) .*\| (done|first part)[^|]*\|$", re.MULTILINE)


def test_row_when_called_done_has_a_test_that_names_it() -> None:
    rows = [name for name, _ in ROW.findall((ROOT / "README.md").read_text())]
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(rows) > 5, "the feature table was not found"
    assert [row for row in rows if not re.search(rf"\b{row}\b", tests)] == []


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
