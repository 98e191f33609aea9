"""A7 in a real browser: a reminder with a copy to who collects, looked at, sent, in history, and in Settings, Mail."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.driving import Copy, sign_in

pytestmark = pytest.mark.journey


def test_reminder_when_written_goes_with_a_copy_and_stands_in_history(
    copy: Copy, open_page: Callable[..., Page], check_axe: Callable[[Page, str], None]
) -> None:
    page = open_page()
    sign_in(page, copy)
    page.goto("/settings/sales")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_label("Main").get_by_role("link", name="Associates")).to_be_visible()
    page.goto("/associates/new")
    page.get_by_label("Name").first.fill("Carl Collector")
    page.get_by_label("E-mail").fill("carl@dealer.example")
    page.get_by_role("button", name="Add associate").click()
    expect(page.locator("h1")).to_have_text("Carl Collector")
    page.goto("/customers/new")
    page.get_by_label("Name").first.fill("Cobalt Labs")
    page.get_by_role("button", name="Add customer").click()
    expect(page.locator("h1")).to_have_text("Cobalt Labs")
    home = page.url.partition("#")[0]

    page.get_by_role("link", name="Write", exact=True).click()
    expect(page.get_by_text("Nobody here has an e-mail address")).to_be_visible()
    check_axe(page, "nobody")
    page.get_by_role("link", name="To its contacts").click()
    page.get_by_role("button", name="Add contact").click()
    page.get_by_label("First name").fill("Chloé")
    page.get_by_label("Last name or firm").fill("Petrov")
    page.locator("dialog[open]").get_by_label("E-mail").fill("chloe@cobalt.example")
    page.locator("dialog[open]").get_by_role("button", name="Add contact").click()
    expect(page.locator("#panel-contacts")).to_contain_text("Chloé Petrov")
    page.get_by_role("tab", name="Associates").click()
    page.get_by_role("button", name="Add associate").click()
    box = page.get_by_role("combobox", name=re.compile("^Associate"))
    box.press_sequentially("Carl")
    expect(page.get_by_role("option", name="Create “Carl”")).to_be_visible()  # the answer to all that was typed
    page.get_by_role("option", name=re.compile("Carl Collector")).click()
    expect(box).to_have_value("Carl Collector")
    page.get_by_label("Role").select_option("collections")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("#panel-associates").get_by_role("row").filter(has_text="Carl")).to_contain_text("Collections")

    expect(page.get_by_role("link", name="Write", exact=True)).to_be_visible()
    page.get_by_role("link", name="Write", exact=True).click()
    page.get_by_role("link", name="Reminder").click()
    carl = page.get_by_role("checkbox", name="Carl Collector")
    for _ in range(20):  # customers hears of the link within seconds
        if carl.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.get_by_role("checkbox", name="Chloé Petrov")).to_be_checked()
    expect(page.get_by_label("Subject")).to_have_value("Reminder: an invoice to Cobalt Labs is open")
    expect(page.get_by_label("Text")).to_have_value(re.compile("^Dear Chloé Petrov,"))
    check_axe(page, "form")
    carl.check()
    page.get_by_label("Text").fill("Dear Chloé,\n\nplease pay invoice 4711.\n\nKind regards\nAda")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("h1")).to_have_text("This is your mail")
    expect(page.locator("main")).to_contain_text("carl@dealer.example")
    check_axe(page, "preview")
    page.get_by_role("button", name="Back to editing").click()
    expect(carl).to_be_checked()
    page.get_by_label("Subject").fill("Invoice 4711 is open")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Send").click()
    page.wait_for_url(f"{home}#history")
    history = page.locator("#panel-history")
    expect(history).to_contain_text("wrote to this customer: Invoice 4711 is open")
    expect(history).to_contain_text("Carl Collector (carl@dealer.example)")
    check_axe(page, "history")
    history.get_by_role("link", name="Invoice 4711 is open").click()
    expect(page.locator("main")).to_contain_text("please pay invoice 4711")
    for _ in range(20):  # the worker finds that there is no mail server
        if page.get_by_text("This mail was kept here").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.get_by_text("This mail was kept here")).to_be_visible()
    check_axe(page, "message")

    page.goto("/settings/sales")
    page.get_by_label("Settings", exact=True).get_by_role("link", name="Mail").click()
    expect(page.get_by_text("No mail server is set up")).to_be_visible()
    check_axe(page, "mail")
    page.get_by_role("row").filter(has_text="Invoice 4711 is open").get_by_role("link").click()
    expect(page.locator("main")).to_contain_text("chloe@cobalt.example")
    expect(page.get_by_role("button", name="Send now")).to_have_count(0)  # there is no server to send it by
    assert "All copies agree" in copy.run("check").stdout
