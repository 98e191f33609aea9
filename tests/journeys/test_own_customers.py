"""A dealer signs in and sees exactly their own customers, in a real browser: A5, A6."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.driving import Copy, sign_in

pytestmark = pytest.mark.journey

FILE = "code,name,city\nA-1,Amber Foods,Lyon\nA-2,Azure Print,Lyon\nC-1,Cobalt Labs,Lyon\n"
OWN = "four quiet herons at noon"


def pick(page: Page, name: str, box: str = "Associate") -> None:
    page.get_by_role("combobox", name=re.compile(f"^{box}")).press_sequentially(name)
    page.get_by_role("option", name=re.compile(name)).first.click()


def look_after(page: Page, customer: str, associate: str) -> None:
    page.goto("/customers")
    page.locator("#customer-list").get_by_role("link", name=customer).click()
    page.get_by_role("tab", name="Associates").click()
    page.get_by_role("button", name="Add associate").click()
    pick(page, associate)
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#panel-associates").get_by_role("row").filter(has_text=associate)).to_be_visible()


def add_dealer(page: Page) -> str:
    """Add the associate, and a user for it; return the first password."""
    page.goto("/associates/new")
    page.get_by_label("Name").first.fill("Dana Dealer")
    page.get_by_label("May sign in").check()
    page.get_by_role("button", name="Add associate").click()
    expect(page.locator("h1")).to_have_text("Dana Dealer")
    page.goto("/settings/users/new")
    page.get_by_label("Name").first.fill("Dana D.")
    page.get_by_label("Username").fill("dana")
    page.get_by_label("Kind").select_option("associate")
    pick(page, "Dana")
    page.get_by_role("button", name="Add user").click()
    return page.locator("#new-password").inner_text()


def first_sign_in(page: Page, copy: Copy, password: str) -> None:
    sign_in(page, copy, "dana", password, to="**/account/password*")
    page.locator("input[name=current_password]").fill(password)
    page.locator("input[name=new_password]").fill(OWN)
    expect(page.locator(".strength")).not_to_be_empty()  # else its answer may come when the session has ended
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("heading", name="Welcome, Dana D.")).to_be_visible()


def listed(page: Page) -> list[str]:
    """Return the customers that the list shows."""
    page.goto("/customers")
    expect(page.locator("#customer-list")).to_be_visible()
    return sorted(page.locator("#customer-list tbody a").all_inner_texts())


def test_dealer_when_signed_in_sees_exactly_their_own_customers(
    copy: Copy, open_page: Callable[..., Page], check_axe: Callable[[Page, str], None], tmp_path: Path
) -> None:
    path = tmp_path / "customers.csv"
    path.write_text(FILE, encoding="utf-8")
    copy.run("import", "customers", str(path))
    page = open_page()
    sign_in(page, copy)
    page.goto("/settings/sales")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_label("Main").get_by_role("link", name="Associates")).to_be_visible()
    password = add_dealer(page)
    for customer in ("Amber Foods", "Azure Print"):
        look_after(page, customer, "Dana Dealer")

    dealer = open_page(phone=True, dark=True)
    first_sign_in(dealer, copy, password)
    for _ in range(20):  # until the events have come
        if listed(dealer) == ["Amber Foods", "Azure Print"]:
            break
        dealer.wait_for_timeout(500)
    assert listed(dealer) == ["Amber Foods", "Azure Print"]
    check_axe(dealer, "the list of a dealer")
    dealer.get_by_role("searchbox").fill("lyon")
    expect(dealer.locator("#customer-list tbody tr")).to_have_count(2)
    dealer.get_by_role("searchbox").fill("cobalt")
    expect(dealer.get_by_text("No customer matches")).to_be_visible()
    dealer.goto("/customers")
    dealer.get_by_role("link", name="Amber Foods").click()
    expect(dealer.locator("h1")).to_have_text("Amber Foods")
    expect(dealer.get_by_role("link", name="Edit")).to_have_count(0)
    check_axe(dealer, "a customer, for a dealer")

    page.goto("/customers?q=cobalt")
    foreign = page.locator("#customer-list").get_by_role("link", name="Cobalt Labs").get_attribute("href") or ""
    for address in (foreign, f"{foreign}/edit", "/imports", "/settings/users"):
        assert dealer.request.get(f"{copy.url}{address}").status in (403, 404), address

    pick_filter(page)
    page.goto("/customers")
    page.locator("#customer-list").get_by_role("link", name="Azure Print").click()
    page.get_by_role("tab", name="Associates").click()
    row = page.locator("#panel-associates").get_by_role("row").filter(has_text="Dana Dealer")
    row.click(button="right")
    page.get_by_role("menuitem", name="Remove").click()
    expect(page.locator("#panel-associates")).to_contain_text("Nobody looks after this customer yet")
    for _ in range(20):
        if listed(dealer) == ["Amber Foods"]:
            break
        dealer.wait_for_timeout(500)
    assert listed(dealer) == ["Amber Foods"]


def pick_filter(page: Page) -> None:
    """A5: the list by who looks after a customer, together with live search."""
    page.goto("/customers")
    pick(page, "Dana")
    expect(page.locator("#customer-list tbody tr")).to_have_count(2)
    page.get_by_role("searchbox").fill("azu")
    expect(page.locator("#customer-list tbody tr")).to_have_count(1)
    expect(page.locator("#customer-list")).to_contain_text("Azure Print")
    page.get_by_label("Role of the associate").select_option("sales")
    expect(page.get_by_text("No customer matches")).to_be_visible()
