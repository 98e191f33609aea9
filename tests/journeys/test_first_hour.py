"""The first hour of a newcomer, in a real browser: I1 to I9, C1 to C5, C17, P2, X1.

Start, sign in, drop a file, correct a column, import, watch, find, open, edit, see who changed what; fix the refused
row and upload it again.
"""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.driving import Copy, sign_in
from tests.journeys.sample import as_csv, rows

pytestmark = pytest.mark.journey

WRONG = 500  # this row has no e-mail address but words


@pytest.fixture(scope="module")
def records() -> list[list[str]]:
    made = rows()
    made[WRONG][9] = "not an e-mail"
    return made


@pytest.fixture(scope="module")
def sample(records: list[list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "customers-1000.csv"
    path.write_bytes(as_csv(records))
    return path


def upload(page: Page, path: Path) -> None:
    page.goto("/imports")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Match the columns")).to_be_visible()


def counts(page: Page) -> dict[str, int]:
    """Return the counters of a job's screen."""
    found = re.findall(r"(Created|Updated|Unchanged|Skipped|Refused)\s+([\d,]+)", page.locator("main").inner_text())
    return {name: int(number.replace(",", "")) for name, number in found}


def test_newcomer_when_bringing_a_file_finds_and_mends_customers(
    copy: Copy,
    open_page: Callable[..., Page],
    check_axe: Callable[[Page, str], None],
    records: list[list[str]],
    sample: Path,
    tmp_path: Path,
) -> None:
    page = open_page()
    page.goto("/")
    expect(page).to_have_url(re.compile("/sign-in"))
    check_axe(page, "sign-in")
    sign_in(page, copy)
    check_axe(page, "home, nothing in it")

    page.goto("/customers")
    check_axe(page, "customers, none yet")
    upload(page, sample)
    check_axe(page, "matching")
    field = page.get_by_role("combobox", name="Subscription Date")
    field.select_option(label="Notes")  # a person corrects one column
    page.get_by_role("button", name="Import").last.click()

    expect(page.get_by_role("button", name="Stop").or_(page.get_by_text("rows were imported"))).to_be_visible()
    expect(page.get_by_role("link", name="Download the refused rows")).to_be_visible(timeout=60_000)
    assert counts(page) == {"Created": 999, "Updated": 0, "Unchanged": 0, "Skipped": 0, "Refused": 1}
    check_axe(page, "job, ended")

    with page.expect_download() as download:
        page.get_by_role("link", name="Download the refused rows").click()
    refused = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    assert refused[0][-4:] == ["_line", "_column", "_code", "_message"]
    assert refused[1][:-4] == records[WRONG]
    assert refused[1][-4] == str(WRONG + 2)

    mended = tmp_path / "refused.csv"
    refused[1][9] = "mended@example.com"
    mended.write_bytes(as_csv(refused[1:], refused[0]))
    upload(page, mended)
    expect(page.get_by_role("combobox", name="Subscription Date")).to_have_value("notes")  # as it was matched before
    page.get_by_role("button", name="Import").last.click()
    expect(page.get_by_role("link", name="To the customers")).to_be_visible(timeout=60_000)
    assert counts(page)["Created"] == 1

    find_and_edit(page, records, check_axe)


def find_and_edit(page: Page, records: list[list[str]], check_axe: Callable[[Page, str], None]) -> None:
    wanted = records[41]
    code, last_name, company, city, phone, email = (wanted[place] for place in (1, 3, 4, 5, 7, 9))
    digits = re.sub(r"\D", "", re.sub(r"x.*", "", phone))[-7:]
    page.goto("/customers")
    check_axe(page, "customers")
    box = page.get_by_role("searchbox")
    for typed in (
        company[:9],
        f"{last_name} {city[:6]}",
        digits,
        email.partition("@")[0],
        code[:8],
        f"{city} {company[:5]}",
    ):
        box.fill("")
        box.press_sequentially(typed, delay=5)
        expect(page.locator("#customer-list").get_by_role("link", name=company).first).to_be_visible()
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get("q") == [typed])  # its rows are there to stay
    page.locator("#customer-list").get_by_role("link", name=company).first.click()
    expect(page.get_by_role("heading", name=company, level=1)).to_be_visible()
    expect(page.locator("main")).to_contain_text(code)
    check_axe(page, "customer")

    page.get_by_role("tab", name="Contacts").click()
    expect(page.get_by_role("tabpanel")).to_contain_text(last_name)
    check_axe(page, "contacts")

    page.get_by_role("link", name="Edit").first.click()
    page.get_by_label("City").fill("Göteborg <b>&</b>")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=company, level=1)).to_be_visible()
    expect(page.locator("main")).to_contain_text("Göteborg <b>&</b>")  # HTML is shown as text
    page.get_by_role("tab", name="History").click()
    history = page.get_by_role("tabpanel")
    expect(history).to_contain_text(city)
    expect(history).to_contain_text("Göteborg <b>&</b>")
    expect(history).to_contain_text("by an import")
    check_axe(page, "history")


@pytest.mark.parametrize(("dark", "phone"), [(True, False), (False, True), (True, True)])
def test_screens_when_dark_or_on_a_phone_are_whole(
    copy: Copy,
    open_page: Callable[..., Page],
    check_axe: Callable[[Page, str], None],
    sample: Path,
    dark: bool,
    phone: bool,
) -> None:
    copy.run("import", "customers", str(sample), "--json", check=False)
    page = open_page(dark=dark, phone=phone)
    sign_in(page, copy)
    page.goto("/settings/sales")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("button", name="Switch off")).to_be_visible()
    page.goto("/customers")
    customer = page.locator("#customer-list a[href^='/customers/']").first.get_attribute("href") or ""
    page.goto("/imports")
    job = page.locator("a[href^='/imports/']:has-text('customers-1000')").first.get_attribute("href") or ""
    assert customer
    assert job
    for address in (
        "/", "/customers", "/customers/new", customer, f"{customer}#contacts", f"{customer}#history", f"{customer}/edit",
        "/imports", "/imports/new/customers", job, "/settings/users", "/settings/roles", "/settings/audit",
        "/account/password", "/account/tokens", "/associates", "/associates/new", "/settings/sales", "/settings/operations",
    ):  # fmt: skip
        page.goto(address)
        check_axe(page, f"{address} dark={dark} phone={phone}")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], f"{address} is {width} wide"  # type: ignore[index]
    page.goto("/settings/sales")
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("button", name="Switch on")).to_be_visible()


def test_command_line_when_importing_again_changes_nothing(
    copy: Copy, records: list[list[str]], tmp_path: Path
) -> None:
    """C17, I6, I8: the counts add up; the same file again is unchanged; ten changed cells are ten updates."""
    path = tmp_path / "cli.csv"
    mine = [[*row[:1], f"cli{row[1]}", *row[2:]] for row in rows(200, seed=5)]
    path.write_bytes(as_csv(mine))
    first = json.loads(copy.run("import", "customers", str(path), "--json").stdout)
    assert first["counts"] == {"rows": 200, "created": 200, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 0}
    again = json.loads(copy.run("import", "customers", str(path), "--json").stdout)
    assert again["counts"]["unchanged"] == 200
    for number, place in enumerate((2, 3, 4, 5, 6, 7, 8, 9, 10, 11)):
        mine[number * 20][place] = {
            6: "Sweden", 7: "+46 8 123 456", 8: "+46 8 765 432", 9: "new@example.com", 11: "https://example.com/new",
        }.get(place, "changed")  # fmt: skip
    path.write_bytes(as_csv(mine))
    changed = json.loads(copy.run("import", "customers", str(path), "--mode", "update", "--json").stdout)
    assert changed["counts"] == {"rows": 200, "created": 0, "updated": 10, "unchanged": 190, "skipped": 0, "failed": 0}


def test_command_line_when_a_column_is_unknown_leaves_nothing_behind(copy: Copy, tmp_path: Path) -> None:
    path = tmp_path / "unknown.csv"
    path.write_text("Company\nUnmatched Ltd\n", encoding="utf-8")
    refused = copy.run("import", "customers", str(path), "--map", "Firm=name", check=False)
    assert refused.returncode == 2
    assert "the file has no column “Firm”. It has: Company." in refused.stderr
    newest = json.loads(copy.run("jobs", "--json").stdout)[0]
    assert (newest["file_name"], newest["state"]) == ("unknown.csv", "cancelled")


def test_command_line_when_a_value_is_the_same_for_all_needs_no_column(copy: Copy, tmp_path: Path) -> None:
    path = tmp_path / "all-french.csv"
    path.write_text("Company\nTout Court SA\n", encoding="utf-8")
    copy.run("import", "customers", str(path), "--set", "country=FR", "--mode", "create")
    exported = tmp_path / "french.csv"
    copy.run("export", "customers", str(exported), "--filter", "q=Tout Court")
    assert "FR" in exported.read_text(encoding="utf-8-sig").splitlines()[1].split(",")


def test_row_menu_when_opened_by_mouse_or_keyboard_offers_the_same(copy: Copy, open_page: Callable[..., Page]) -> None:
    """C3."""
    page = open_page()
    sign_in(page, copy)
    page.goto("/customers")
    row = page.locator("#customer-list tbody tr").first
    row.click(button="right")
    menu = page.get_by_role("menu").filter(visible=True)
    expect(menu).to_be_visible()
    by_mouse = menu.get_by_role("menuitem").all_inner_texts()
    page.keyboard.press("Escape")
    row.get_by_role("link").first.focus()
    page.keyboard.press("Shift+F10")
    expect(menu).to_be_visible()
    assert menu.get_by_role("menuitem").all_inner_texts() == by_mouse
    assert len(by_mouse) >= 4
