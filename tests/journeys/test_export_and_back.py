"""A list is taken out, changed in its file, and brought back, in a real browser: I12, I13."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.driving import Copy, sign_in
from tests.journeys.sample import as_csv, rows

pytestmark = pytest.mark.journey

FORMULA = '=HYPERLINK("http://evil.example","Click")'
PLAIN_COLUMNS = ["Code", "Name", "City", "Phone", "_liaison"]


@pytest.fixture(scope="module")
def filled(copy: Copy, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """200 customers; five of them are of Lyon, one has a formula for a name."""
    records = rows(200, seed=3)
    for number, record in enumerate(records):
        record[5] = "Lyon" if number % 40 == 7 else "Elsewhere"
        record[7] = f"+33 1 42 68 {number // 100:02d} {number % 100:02d}"
    records[7][4] = FORMULA
    path = tmp_path_factory.mktemp("sample") / "customers.csv"
    path.write_bytes(as_csv(records))
    copy.run("import", "customers", str(path), "--json")
    return records


def ask(page: Page, entry: str) -> None:
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("menuitem", name=entry).click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Export")).to_be_visible()


def test_list_when_exported_changed_and_imported_again_changes_just_that(
    copy: Copy,
    open_page: Callable[..., Page],
    check_axe: Callable[[Page, str], None],
    filled: list[list[str]],
    tmp_path: Path,
) -> None:
    page = open_page()
    sign_in(page, copy)
    page.goto("/customers")
    page.get_by_role("searchbox").press_sequentially("lyon", delay=20)
    expect(page.locator("#customer-list tbody tr")).to_have_count(5)
    expect(page).to_have_url(re.compile("q=lyon"))  # "lyo" finds the same
    ask(page, "Customers…")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("“lyon”, active")
    check_axe(page, "the question what to export")
    dialog.get_by_role("button", name="Export").click()

    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=60_000)
    expect(page.locator(".outcome-text")).to_contain_text("5 customers")
    check_axe(page, "export, ended")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    text = Path(download.value.path()).read_bytes().decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(text, newline="")))
    header, found = table[0], table[1:]
    assert sorted(row[0] for row in found) == sorted(row[1] for row in filled if row[5] == "Lyon")
    name, city, phone = (header.index(label) for label in ("Name", "City", "Contact's phone"))
    assert f"'{FORMULA}" in [row[name] for row in found]
    assert all(re.fullmatch(r"\+33 1 42 68 \d\d \d\d", row[phone]) for row in found)

    found[2][city] = "Marseille"
    changed = tmp_path / "changed.csv"
    changed.write_bytes(as_csv(found, header))
    page.goto("/imports")
    page.locator("input[type=file]").set_input_files(changed)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Match the columns")).to_be_visible()
    expect(page.get_by_text("same name").first).to_be_visible()
    check_axe(page, "matching an export")
    page.get_by_role("button", name="Import").last.click()
    expect(page.get_by_role("link", name="To the customers")).to_be_visible(timeout=60_000)
    counted = re.findall(r"(Created|Updated|Unchanged|Skipped|Refused)\s+([\d,]+)", page.locator("main").inner_text())
    assert dict(counted) == {"Created": "0", "Updated": "1", "Unchanged": "4", "Skipped": "0", "Refused": "0"}
    page.goto("/customers?q=evil")
    expect(page.locator("#customer-list").get_by_role("link", name=FORMULA)).to_be_visible()

    for _ in range(30):  # until the events have come
        page.goto("/settings/audit")
        if "downloaded an export of 5 customers" in page.locator("main").inner_text():
            break
        page.wait_for_timeout(1_000)
    expect(page.locator("main")).to_contain_text("exported 5 customers")
    expect(page.locator("main")).to_contain_text("downloaded an export of 5 customers")


def test_contacts_and_command_line_when_exported(
    copy: Copy, open_page: Callable[..., Page], filled: list[list[str]], tmp_path: Path
) -> None:
    page = open_page()
    sign_in(page, copy)
    page.goto("/customers?q=lyon")
    ask(page, "Their contacts…")
    page.get_by_role("dialog").get_by_role("button", name="Export").click()
    expect(page.locator(".outcome-text")).to_contain_text("contacts", timeout=60_000)

    path = tmp_path / "all.csv"
    done = copy.run("export", "customers", str(path), "--filter", "status=all", *(
        word for column in PLAIN_COLUMNS for word in ("--column", column)
    ))  # fmt: skip
    assert "200 customers" in done.stdout
    table = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
    assert table[0] == PLAIN_COLUMNS
    assert len(table) == 201
    assert copy.run("export", "planets", str(path), check=False).returncode == 2


@pytest.mark.parametrize(("dark", "phone"), [(True, False), (False, True)])
def test_screens_of_exports_when_dark_or_on_a_phone_are_whole(
    copy: Copy,
    open_page: Callable[..., Page],
    check_axe: Callable[[Page, str], None],
    filled: list[list[str]],
    dark: bool,
    phone: bool,
) -> None:
    page = open_page(dark=dark, phone=phone)
    sign_in(page, copy)
    page.goto("/customers")
    ask(page, "Customers…")
    page.get_by_role("dialog").locator("details").evaluate("columns => { columns.open = true; }")
    expect(page.get_by_role("checkbox", name="Code", exact=True)).to_be_visible()
    check_axe(page, "the question, its columns shown")
    page.keyboard.press("Escape")
    for address in ("/imports/exports", "/", "/customers"):
        page.goto(address)
        check_axe(page, f"{address} dark={dark} phone={phone}")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], f"{address} is {width} wide"  # type: ignore[index]
