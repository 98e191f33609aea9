"""A8, A9 in a real browser: codes pasted, zeros put right, two colleagues given, taken back; ticked rows; the bookmark."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.driving import Copy, sign_in

pytestmark = pytest.mark.journey

FIRMS = [f"{number:05d}" for number in range(1, 2_001)]
OTHERS = ("A-1,Amber Foods", "A-2,Azure Print")
UNKNOWN = [f"X-{number:03d}" for number in range(120)]


def choose(page: Page, *names: str) -> None:
    box = page.get_by_role("combobox", name=re.compile("^Associates"))
    for name in names:
        box.press_sequentially(name)
        expect(page.get_by_role("option", name=re.compile(name))).to_be_visible()
        box.press("Enter")
        expect(page.get_by_label("Chosen associates")).to_contain_text(name)


def take_unknown(page: Page) -> None:
    """The report names a hundred of the codes that nobody has; the file has them all."""
    page.get_by_text("120 codes that no customer has").click()
    expect(page.get_by_text("and 20 more")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download these codes").click()
    assert Path(download.value.path()).read_text(encoding="utf-8-sig").split() == UNKNOWN


def test_associates_when_given_to_pasted_customers_are_taken_back(
    copy: Copy, open_page: Callable[..., Page], check_axe: Callable[[Page, str], None], tmp_path: Path
) -> None:
    page = open_page()
    sign_in(page, copy)
    page.goto("/settings/sales")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_label("Main").get_by_role("link", name="Associates")).to_be_visible()
    path = tmp_path / "firms.csv"
    path.write_text("\n".join(["code,name", *(f"{code},Firm {code}" for code in FIRMS), *OTHERS]), encoding="utf-8")
    copy.run("import", "customers", str(path))
    for name in ("Dana Dealer", "Ben Colleague"):
        page.goto("/associates/new")
        page.get_by_label("Name").first.fill(name)
        page.get_by_role("button", name="Add associate").click()
        expect(page.locator("h1")).to_have_text(name)

    page.goto("/associates")
    page.get_by_role("link", name="Change associates of many…").click()
    check_axe(page, "paste")
    lost = [code.lstrip("0") for code in FIRMS[:31]]
    page.get_by_label("Customer codes").fill(
        '"A-1"; \u200ba-1\n' + "\t".join(lost + FIRMS[31:]) + "\n" + ",".join(UNKNOWN)
    )
    page.get_by_role("button", name="Look them up").click()
    expect(page.locator("#report-title")).to_have_text("1,970 customers found", timeout=20_000)
    expect(page.get_by_text("31 unknown codes only lost or gained leading zeros")).to_be_visible()
    check_axe(page, "report")
    take_unknown(page)
    page.get_by_role("button", name="Take these 31").click()
    expect(page.locator("#report-title")).to_have_text("2,001 customers found", timeout=20_000)
    bookmark = page.url
    choose(page, "Dana", "Ben")
    check_axe(page, "form")
    page.get_by_role("button", name="Change 2,001 customers").click()
    expect(page.get_by_role("progressbar").or_(page.locator(".outcome-text")).first).to_be_visible()
    expect(page.locator(".outcome-text")).to_have_text(
        "Dana Dealer and Ben Colleague added to 2,001 customers.", timeout=60_000
    )
    check_axe(page, "job")
    job = page.url
    page.goto("/associates")
    page.get_by_role("link", name="Ben Colleague").click()
    expect(page.locator(".header-sub")).to_contain_text("2,001 customers")
    page.goto(job)
    page.get_by_role("button", name="Undo…").click()
    page.get_by_role("button", name="Undo the change").click()
    expect(page.locator(".outcome-text")).to_have_text(
        "The change was taken back. 2,001 customers as before.", timeout=60_000
    )

    page.goto(bookmark)
    expect(page.locator("#report-title")).to_have_text("2,001 customers found", timeout=20_000)
    page.goto("/customers")
    page.get_by_label("Tick Azure Print").check()
    page.get_by_placeholder("Search name").fill("amber")
    expect(page.get_by_label("Tick Azure Print")).to_have_count(0)
    page.get_by_label("Tick Amber Foods").check()
    expect(page.get_by_text("2 ticked")).to_be_visible()
    check_axe(page, "ticked")
    page.get_by_role("button", name="Change associates…").click()
    expect(page.locator("#report-title")).to_have_text("2 customers found", timeout=20_000)
    choose(page, "Dana")
    page.get_by_role("button", name="Change 2 customers").click()
    expect(page.locator(".outcome-text")).to_have_text("Dana Dealer added to 2 customers.", timeout=60_000)
    assert "All copies agree" in copy.run("check").stdout
    page.get_by_role("link", name="See their customers").click()
    expect(page.locator("#looked-after").get_by_role("link", name="Azure Print")).to_be_visible(timeout=20_000)

    page.goto("/customers?q=a")
    page.get_by_role("button", name="Associates", exact=True).click()
    page.get_by_role("menuitem", name="All that the list shows…").click()
    expect(page.locator("dialog[open]")).to_contain_text("“a”, active")
    check_axe(page, "ask")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#report-title")).to_contain_text("found")
    assert "All copies agree" in copy.run("check").stdout
