"""Every macro, kind and unkind content: nothing that axe finds, nothing wider than the screen, nothing on the console."""

import re
from collections.abc import Callable
from typing import TypeAlias

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.journey

OpenPage: TypeAlias = Callable[..., Page]
Axe: TypeAlias = Callable[[Page], list[str]]
PAGES = ("/", "/customers", "/customers?q=zzz", "/customers/4", "/customers/1#history", "/forms", "/imports", "/dialogs", "/answers/404", "/sign-in")  # fmt: skip


def _overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize("width", [1360, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_when_looked_at_has_no_fault(open_page: OpenPage, axe: Axe, theme: str, width: int) -> None:
    page = open_page("/", theme=theme, width=width, height=800)
    faults = []
    for path in PAGES:
        page.goto("about:blank")  # so that a page that differs by its #fragment is loaded too
        page.goto(path)
        faults += [f"{path} {found}" for found in axe(page)]
        faults += [f"{path} is {over} px too wide" for over in [_overflow(page)] if over > 0]
    assert faults == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_opens_when_open_has_no_fault(open_page: OpenPage, axe: Axe, theme: str) -> None:
    page = open_page("/customers", theme=theme)
    page.get_by_role("button", name="Actions for Ines Almeida").click()
    page.get_by_role("menuitem", name="Open").wait_for()
    faults = axe(page)
    page.get_by_role("menuitem", name="Put on hold").click()
    page.get_by_text("is on hold").wait_for()
    faults += axe(page)
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Sign out").wait_for()
    faults += axe(page)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard").wait_for()
    faults += axe(page)
    page.goto("/dialogs")
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("alertdialog", name="Delete Cobalt Labs?").wait_for()
    faults += axe(page)
    page.goto("/forms")
    page.get_by_role("button", name="Save customer").click()
    page.get_by_role("alert").get_by_text("Please correct 6 fields").wait_for()
    faults += axe(page)
    assert faults == []


def test_sidebar_when_on_a_phone_opens_by_its_button(open_page: OpenPage, axe: Axe) -> None:
    page = open_page("/customers", width=390, height=800, touch=True)
    button = page.get_by_role("button", name="Menu", exact=True)
    expect(page.get_by_role("link", name="Overview")).to_be_hidden()
    button.tap()
    expect(page.get_by_role("link", name="Overview")).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    assert axe(page) == []
    page.get_by_role("button", name="Your account").tap()
    page.get_by_role("menuitem", name="Sign out").wait_for()


def test_theme_when_chosen_stays_and_comes_before_the_first_paint(open_page: OpenPage) -> None:
    page = open_page("/", theme="light")
    html = page.locator("html")
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.get_by_role("button", name="Switch between light and dark").click()
    expect(html).to_have_attribute("data-bs-theme", "dark")
    page.goto("/customers", wait_until="commit")
    page.wait_for_selector("body", state="attached")
    assert html.get_attribute("data-bs-theme") == "dark"
    page.get_by_role("button", name="Your account").click()
    dark = page.get_by_role("menuitemradio", name="Dark")
    assert dark.get_attribute("aria-checked") == "true"
    page.get_by_role("menuitemradio", name="Like my device").click()
    expect(html).to_have_attribute("data-bs-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(html).to_have_attribute("data-bs-theme", "dark")


def test_times_when_shown_are_in_the_readers_zone(open_page: OpenPage) -> None:
    page = open_page("/customers")
    first = page.locator("tbody time").first
    expect(first).to_have_text(re.compile(r"^\d+ (minutes|hours?) ago$"))
    assert "UTC" not in (first.get_attribute("title") or "UTC")


def test_tabs_when_used_by_keyboard_follow_the_pattern(open_page: OpenPage) -> None:
    page = open_page("/customers/7")
    page.get_by_role("tab", name="Profile").focus()
    page.keyboard.press("ArrowRight")
    history = page.get_by_role("tab", name="History")
    assert history.get_attribute("aria-selected") == "true"
    assert page.url.endswith("/customers/7#history")
    page.reload()
    assert page.get_by_role("tabpanel", name="History").is_visible()
    page.keyboard.press("Tab")
    history.focus()
    page.keyboard.press("Home")
    assert page.get_by_role("tabpanel", name="Profile").is_visible()


def test_tab_when_first_shown_fetches_itself_once(open_page: OpenPage) -> None:
    page = open_page("/customers/7")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in ("Fetched when shown", "Profile", "Fetched when shown"):
        page.get_by_role("tab", name=name).click()
    page.get_by_text("This came from another address").wait_for()
    assert len([url for url in asked if url.endswith("/late")]) == 1


def test_tab_when_the_address_names_it_fetches_itself(open_page: OpenPage) -> None:
    page = open_page("/customers/7#late")
    expect(page.get_by_text("This came from another address")).to_be_visible()
    page.reload()
    expect(page.get_by_text("This came from another address")).to_be_visible()


def test_api_page_when_opened_works_under_the_policy(open_page: OpenPage) -> None:
    page = open_page("/api/gallery/v1/docs")
    page.get_by_text("/customers").first.wait_for()
    page.locator(".opblock-summary").first.click()
    page.get_by_role("button", name="Try it out").wait_for()
