"""Who looks after a customer, in a real browser: A1 to A4, A11.

Switch partner management on, open a customer, create a colleague on the spot, change the role, remove and take that
back, see the customer on the associate's page; switch it off again.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.driving import Copy, sign_in

pytestmark = pytest.mark.journey


def test_colleague_when_created_on_the_spot_looks_after_the_customer(
    copy: Copy, open_page: Callable[..., Page], check_axe: Callable[[Page, str], None]
) -> None:
    page = open_page()
    sign_in(page, copy)
    menu = page.get_by_label("Main")
    expect(menu.get_by_role("link", name="Associates")).to_have_count(0)
    page.goto("/settings/sales")
    page.get_by_role("button", name="Switch on").click()
    expect(menu.get_by_role("link", name="Associates")).to_be_visible()
    check_axe(page, "settings")

    page.goto("/customers/new")
    page.get_by_label("Name").fill("Cobalt Labs")
    page.get_by_role("button", name="Add customer").click()
    page.get_by_role("tab", name="Associates").click()
    panel = page.locator("#panel-associates")
    expect(panel).to_contain_text("Nobody looks after this customer yet")
    check_axe(page, "tab")

    page.get_by_role("button", name="Add associate").click()
    box = page.get_by_role("combobox", name=re.compile("^Associate"))
    box.press_sequentially("Nora New")
    expect(page.get_by_role("option", name="Create “Nora New”")).to_be_visible()
    check_axe(page, "dialog")
    box.press("Enter")
    expect(page.get_by_role("group", name="New associate")).to_be_visible()
    page.get_by_label("Role").select_option("sales")
    page.get_by_role("button", name="Add", exact=True).click()
    row = panel.get_by_role("row").filter(has_text="Nora New")
    expect(row).to_contain_text("Sales")

    row.click(button="right")
    page.get_by_role("menuitem", name="Change role…").click()
    page.locator("dialog[open]").get_by_label("Role").select_option("service")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("Service")
    row.click(button="right")
    page.get_by_role("menuitem", name="Remove").click()
    expect(panel).to_contain_text("Nobody looks after this customer yet")
    page.get_by_role("button", name="Undo").click()
    expect(row).to_contain_text("Service")

    row.get_by_role("link", name="Nora New").click()
    expect(page.locator("h1")).to_have_text("Nora New")
    page.get_by_role("tab", name="Customers").click()
    mine = page.locator("#looked-after")
    page.get_by_placeholder("Search these customers").fill("cob")
    expect(mine.get_by_role("link", name="Cobalt Labs")).to_be_visible()
    check_axe(page, "associate")
    mine.get_by_role("link", name="Cobalt Labs").click()
    expect(page.locator("h1")).to_have_text("Cobalt Labs")
    assert "All copies agree" in copy.run("check").stdout

    page.goto("/settings/sales")
    page.get_by_role("button", name="Switch off").click()
    expect(menu.get_by_role("link", name="Associates")).to_have_count(0)
    page.go_back()
    page.goto("/customers")
    page.get_by_role("link", name="Cobalt Labs").click()
    expect(page.get_by_role("tab", name="Contacts")).to_be_visible()
    expect(page.get_by_role("tab", name="Associates")).to_have_count(0)
