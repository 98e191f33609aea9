"""Matching a file by keyboard, saying what its values mean, correcting what was refused, and contacts of one customer, in
a real browser: I1, I4, I6, I9.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.driving import Copy, sign_in

pytestmark = pytest.mark.journey

SEVERAL = (
    "Customer No,Company,Role,E-Mail\nJ1,Jay One,K,one@jay.example\nJ2,Jay Two,client,nonsense\nJ1,Jay 1,,\n"
    "J3,Jay Three,,wrong\n"
)


def upload(page: Page, path: Path) -> None:
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="Match the columns")).to_be_visible()


def test_file_of_many_columns_is_matched_by_keyboard(
    copy: Copy, open_page: Callable[..., Page], check_axe: Callable[[Page, str], None], tmp_path: Path
) -> None:
    page = open_page()
    sign_in(page, copy)
    wide = tmp_path / "wide.csv"
    wide.write_text(
        ",".join(["code", "name", *(f"column {at}" for at in range(198))]) + "\nW1,Wide" + ",x" * 198 + "\n"
    )
    page.goto("/imports")
    upload(page, wide)
    expect(page.locator("#summary")).to_contain_text("2 of 200 columns used")
    choice = page.get_by_role("combobox", name="column 0", exact=True)
    choice.focus()
    for _ in range(5):  # a browser forgets what was typed after a second, which a busy machine may take
        page.keyboard.type("Notes")
        if choice.input_value() == "notes":
            break
        page.wait_for_timeout(1_500)
    expect(choice).to_have_value("notes")
    expect(page.locator("#summary")).to_contain_text("3 of 200 columns used")
    check_axe(page, "matching, 200 columns")


def test_values_repeated_rows_and_corrections_by_keyboard(
    copy: Copy, open_page: Callable[..., Page], check_axe: Callable[[Page, str], None], tmp_path: Path
) -> None:
    page = open_page()
    sign_in(page, copy)
    several = tmp_path / "several.csv"
    several.write_text(SEVERAL)
    page.goto("/imports")
    upload(page, several)
    page.get_by_role("combobox", name="Role", exact=True).select_option(label="Notes")
    expect(page.get_by_role("heading", name="What the values mean")).to_be_hidden()
    page.get_by_role("combobox", name="Role", exact=True).select_option(label="Roles")
    page.get_by_label(re.compile("^K 1 row")).select_option(label="Vendor")
    page.get_by_label("Are applied in their order").check()
    check_axe(page, "matching, with values")
    page.get_by_role("button", name="Import", exact=True).last.click()
    expect(page.locator("main")).to_contain_text("2 of 4 rows were imported: 1 created, 1 updated.", timeout=60_000)

    page.get_by_role("link", name="Correct them here").click()
    page.locator("[data-wrong]").first.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("two@jay.example")
    page.keyboard.press("Tab")
    expect(page.get_by_label("E-Mail, line 5")).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("three@jay.example")
    page.keyboard.press("Alt+ArrowDown")
    expect(page.get_by_label("Customer No")).to_be_focused()
    expect(page.locator("[data-changed]")).to_have_text("2 rows changed.")
    check_axe(page, "correcting")
    page.get_by_role("button", name="Try these again").click()
    expect(page.locator("main")).to_contain_text("All 2 rows were imported: 2 created.", timeout=60_000)
    expect(page.get_by_role("link", name="an earlier import")).to_be_visible()


def test_contacts_of_one_customer_need_no_column_with_codes(
    copy: Copy, open_page: Callable[..., Page], check_axe: Callable[[Page, str], None], tmp_path: Path
) -> None:
    page = open_page()
    sign_in(page, copy)
    accounts, people = tmp_path / "accounts.csv", tmp_path / "people.csv"
    accounts.write_text("code,name\nP1,Peopled Ltd\n")
    people.write_text("First name,Last name,Mobile\nAnn,Lee,0170 1234567\nBo,Day,\n")
    copy.run("import", "customers", str(accounts))
    page.goto("/customers?q=peopled")
    page.locator("#customer-list").get_by_role("link", name="Peopled Ltd").first.click()
    page.get_by_role("tab", name="Contacts").click()
    page.get_by_role("link", name="Import contacts…").click()
    check_axe(page, "contacts, how to")
    upload(page, people)
    check_axe(page, "contacts, matching")
    page.get_by_role("button", name="Import", exact=True).last.click()
    expect(page.locator("main")).to_contain_text("All 2 rows were imported: 2 created.", timeout=60_000)
    page.goto("/customers?q=peopled lee")
    expect(page.locator("#customer-list").get_by_role("link", name="Peopled Ltd").first).to_be_visible()
