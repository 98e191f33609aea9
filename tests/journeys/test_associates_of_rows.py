"""A10 through the whole house: a file of customers that names associates, matched, checked, imported, taken back.

The links go by the feed to associates and come back into the customers list; the gateway is in front of all.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.driving import Copy, sign_in

pytestmark = pytest.mark.journey

FILE = """\
code,name,dealer code,associate name,associate role
R1,Amber Foods,D-07;E-112,;,sales;manages
R2,Azure Print,D-07;N-1,;Nora New,sales
R3,Cobalt Labs,D-70,,
R4,Delta Paper,D-07;E-112,Dana,
"""
OF_DANA = "/customers?associate=D-07&associate_role=sales"


def shown(page: Page, address: str, *names: str) -> None:
    """Wait until a list of customers shows these, and nobody else; the feed may take a moment."""
    found = page.locator("#customer-list tbody tr")
    for _ in range(60):
        page.goto(address)
        texts = found.all_inner_texts()
        if len(texts) == len(names) and all(any(name in text for text in texts) for name in names):
            return
        page.wait_for_timeout(500)
    raise AssertionError(f"{address} shows {texts}")


def job_of(copy: Copy, *arguments: str) -> dict[str, Any]:
    return dict(json.loads(copy.run("import", *arguments, "--json", check=False).stdout))


def test_customers_when_imported_with_their_associates_are_linked_and_taken_back(
    copy: Copy, open_page: Callable[..., Page], check_axe: Callable[[Page, str], None], tmp_path: Path
) -> None:
    people, customers, known = (tmp_path / name for name in ("people.csv", "customers.csv", "known.csv"))
    people.write_text("code,name\nD-07,Dana Dealer\nE-112,Ben Colleague\n")
    customers.write_text(FILE)
    known.write_text("code,name\nR1,Amber Foods\n")
    page = open_page()
    sign_in(page, copy)
    page.goto("/settings/sales")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_label("Main").get_by_role("link", name="Associates")).to_be_visible()
    assert job_of(copy, "associates", str(people))["counts"]["created"] == 2
    assert job_of(copy, "customers", str(known))["counts"]["created"] == 1

    page.goto("/imports")
    page.locator("input[type=file]").set_input_files(customers)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("combobox", name="dealer code")).to_have_value("associate_code")
    unknown = page.get_by_label("Create associates that are not known")
    expect(unknown).to_be_visible()
    for column in ("dealer code", "associate name", "associate role"):
        page.get_by_role("combobox", name=column).select_option("")
    expect(unknown).to_be_hidden()
    for column in ("dealer code", "associate name", "associate role"):
        page.get_by_role("combobox", name=column).select_option(f"associate_{column.split()[1]}")
    unknown.check()
    check_axe(page, "matching")
    page.get_by_role("button", name="Check first").click()
    expect(page.locator("main")).to_contain_text("update 1", timeout=60_000)
    expect(page.locator("main")).to_contain_text("Dana Dealer (sales)")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("link", name="Download the refused rows")).to_be_visible(timeout=60_000)
    main = page.locator("main")
    expect(main).to_contain_text("“D-70” is not known yet, and needs a name to be created.")
    expect(main).to_contain_text("Has 1 value, but “Associate's code” has 2.")
    imported = page.url

    shown(page, OF_DANA, "Amber Foods", "Azure Print")
    shown(page, "/customers?associate=E-112", "Amber Foods")
    shown(page, "/customers?associate=N-1", "Azure Print")
    page.goto("/associates?q=Nora")
    page.get_by_role("link", name=re.compile("Nora New")).first.click()
    expect(page.locator("h1")).to_have_text("Nora New")
    assert "All copies agree" in copy.run("check").stdout
    again = job_of(copy, "customers", str(customers), "--create-associates")
    assert again["counts"] == {"rows": 4, "created": 0, "updated": 0, "unchanged": 2, "skipped": 0, "failed": 2}

    page.goto(imported)
    page.get_by_role("button", name="Undo…").click()
    page.get_by_role("button", name="Undo the import").click()
    expect(page.locator("main")).to_contain_text("Undone", timeout=60_000)
    shown(page, "/customers", "Amber Foods")  # it was there before
    page.goto("/associates")
    expect(page.locator("main")).to_contain_text("Dana Dealer")
    expect(page.locator("main")).not_to_contain_text("Nora New")
    shown(page, "/customers?associate=D-07")
    assert "All copies agree" in copy.run("check").stdout
