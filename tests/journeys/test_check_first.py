"""Seeing beforehand what a file would do, importing it, mending what was refused, taking all back, in a real browser.

I5, I9, I10, with I4 and I8.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.driving import Copy, sign_in
from tests.journeys.sample import as_csv, rows

pytestmark = pytest.mark.journey


def counts(page: Page) -> list[int]:
    """Return the five counters of a job's screen."""
    found = re.findall(
        r"(?:To create|To update|Created|Updated|Unchanged|Skipped|Refused)\s+([\d,]+)",
        page.locator("main .counts").inner_text(),
    )
    return [int(number.replace(",", "")) for number in found]


def test_file_when_checked_first_tells_what_its_import_then_does(
    copy: Copy, open_page: Callable[..., Page], check_axe: Callable[[Page, str], None], tmp_path: Path
) -> None:
    made = rows(300)
    known, whole = tmp_path / "known.csv", tmp_path / "customers.csv"
    known.write_bytes(as_csv(made[:200]))
    told = json.loads(copy.run("import", "customers", str(known), "--json").stdout)
    assert told["counts"]["created"] == 200
    for row in made[:20]:
        row[5] = "Göteborg"
    made[250][9] = "not an e-mail"
    whole.write_bytes(as_csv(made))

    page = open_page()
    sign_in(page, copy)
    page.goto("/imports")
    page.locator("input[type=file]").set_input_files(whole)
    page.get_by_role("button", name="Upload").click()
    preview = page.get_by_role("region", name="Preview")
    expect(preview).to_contain_text("The first 100 of 300 rows, as they would be stored: 20 changed, 80 unchanged.")
    page.get_by_role("combobox", name="City").select_option(label="E-mail")
    expect(preview).to_contain_text("Refused E-mail")
    page.get_by_role("combobox", name="City").select_option(label="City")
    expect(preview).to_contain_text("20 changed, 80 unchanged.")
    page.get_by_role("button", name="Check first").click()
    expect(page.get_by_role("button", name="Change the matching")).to_be_visible(timeout=60_000)
    expect(page.locator("main")).to_contain_text(
        "An import would create 99, update 20, leave 180 as they are and refuse 1 of 300 rows."
    )
    expect(page.locator("main")).to_contain_text("20 rows City")
    expect(page.locator("main")).to_contain_text("Not an e-mail address")
    promised = counts(page)
    check_axe(page, "checked")
    page.goto("/customers?q=Göteborg")
    expect(page.get_by_text("No customer matches")).to_be_visible()  # nothing was imported
    page.go_back()

    page.get_by_role("button", name="Change the matching").click()
    field = page.get_by_role("combobox", name="City")
    expect(field).to_be_visible()
    check_axe(page, "matching, after a check")
    field.select_option(label="Notes")
    page.get_by_role("button", name="Check first").click()
    expect(page.locator("main")).to_contain_text("update 200 and", timeout=60_000)
    page.get_by_role("button", name="Change the matching").click()
    page.get_by_role("combobox", name="City").select_option(label="City")
    page.get_by_role("button", name="Check first").click()
    expect(page.locator("main")).to_contain_text("update 20,", timeout=60_000)

    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("link", name="Download the refused rows")).to_be_visible(timeout=60_000)
    assert counts(page) == promised == [99, 20, 180, 0, 1]
    expect(page.locator("main")).not_to_contain_text("The check had told")
    imported = page.url
    page.goto("/customers?q=Göteborg")
    expect(page.locator("#customer-list").get_by_role("row")).to_have_count(21)
    page.goto(imported)
    mended = mend(page, tmp_path)
    take_back(page, mended, "The import was taken back. 1 removed.")
    code, company = made[0][1], made[0][4]
    edit_city(page, code)
    take_back(page, imported, "99 removed, 19 with their old values again, 1 stayed.")
    expect(page.locator("main")).to_contain_text(f"{company} City")  # what stayed, and which field
    check_axe(page, "taken back")
    page.goto("/customers?q=Göteborg")
    expect(page.get_by_text("No customer matches")).to_be_visible()


def mend(page: Page, folder: Path) -> str:
    """Correct the e-mail in the file of refused rows and import it; return the address of that job."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the refused rows").click()
    file = folder / "mended.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8")
    file.write_text(text.replace("not an e-mail", "mended@example.com"), encoding="utf-8")
    page.goto("/imports")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Import", exact=True).last.click()
    expect(page.locator("main")).to_contain_text("The only row was imported", timeout=60_000)
    return page.url


def edit_city(page: Page, code: str) -> None:
    """Change a customer by hand."""
    page.goto(f"/customers?q={code}")
    page.locator("#customer-list tbody a").first.click()
    page.get_by_role("link", name="Edit").first.click()
    page.get_by_label("City").fill("By hand")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("By hand")


def take_back(page: Page, job: str, told: str) -> None:
    page.goto(job)
    page.get_by_role("button", name="Undo…").click()
    page.get_by_role("button", name="Undo the import").click()
    expect(page.locator(".outcome-text")).to_contain_text(told, timeout=60_000)


def test_dry_run_when_something_changes_before_its_import_is_said_to_differ(copy: Copy, tmp_path: Path) -> None:
    path = tmp_path / "cli.csv"
    mine = [[*row[:1], f"dry{row[1]}", *row[2:]] for row in rows(50, seed=7)]
    path.write_bytes(as_csv(mine))
    dry = json.loads(copy.run("import", "customers", str(path), "--dry-run", "--json").stdout)
    assert dry["state"] == "ready"
    assert dry["counts"] == {"rows": 50, "created": 50, "updated": 0, "unchanged": 0, "skipped": 0, "failed": 0}
    path.write_bytes(as_csv(mine[:3]))
    copy.run("import", "customers", str(path), "--json")
    done = json.loads(copy.run("import", "--job", dry["id"], "--json").stdout)
    assert done["counts"] == {"rows": 50, "created": 47, "updated": 0, "unchanged": 3, "skipped": 0, "failed": 0}
    assert done["difference"].startswith("The check had told 50 created and 0 unchanged; it became 47 created and 3 un")
