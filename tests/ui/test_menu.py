"""What can be done with a row: the same menu by mouse, button, touch and keyboard."""

from collections.abc import Callable
from typing import TypeAlias

import pytest
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.journey

OpenPage: TypeAlias = Callable[..., Page]
ITEMS = ["Open", "Put on hold", "Refuse", "Copy e-mail", "Delete…"]


def _row(page: Page, name: str) -> Locator:
    return page.locator("tbody tr", has_text=name)


def _expect_menu(page: Page, focused: str = "Open") -> None:
    expect(page.get_by_role("menuitem")).to_have_text(ITEMS)
    expect(page.get_by_role("menuitem", name=focused)).to_be_focused()


def _expect_closed(page: Page) -> None:
    expect(page.get_by_role("menu")).to_have_count(0)


def test_menu_when_right_clicked_opens_at_the_pointer(open_page: OpenPage) -> None:
    page = open_page("/customers", height=1300)
    row = _row(page, "Noah Almeida")
    box = row.bounding_box()
    assert box
    row.click(button="right", position={"x": 300, "y": 20})
    _expect_menu(page)
    menu = page.get_by_role("menu").bounding_box()
    assert menu
    assert menu["x"] == pytest.approx(box["x"] + 300, abs=2)
    assert menu["y"] == pytest.approx(box["y"] + 24, abs=2)
    expect(page.get_by_role("menu")).to_contain_text("Noah Almeida")


def test_menu_when_near_the_corner_stays_on_the_screen(open_page: OpenPage) -> None:
    page = open_page("/customers", height=500)
    page.locator("tbody tr").last.scroll_into_view_if_needed()
    page.get_by_role("button", name="Actions for Mei Almeida").click()
    _expect_menu(page)
    menu = page.get_by_role("menu").bounding_box()
    assert menu
    assert menu["x"] + menu["width"] <= 1360
    assert menu["y"] >= 0
    assert menu["y"] + menu["height"] <= 500


@pytest.mark.parametrize("key", ["Shift+F10", "ContextMenu"])
def test_menu_when_opened_by_key_gives_the_focus_back(open_page: OpenPage, key: str) -> None:
    page = open_page("/customers")
    link = page.get_by_role("link", name="Noah Almeida")
    link.focus()
    page.keyboard.press(key)
    _expect_menu(page)
    page.keyboard.press("Escape")
    _expect_closed(page)
    expect(link).to_be_focused()


def test_menu_when_walked_by_arrows_wraps_around(open_page: OpenPage) -> None:
    page = open_page("/customers")
    page.get_by_role("link", name="Noah Almeida").focus()
    page.keyboard.press("Shift+F10")
    _expect_menu(page)
    for key, name in [
        ("ArrowUp", "Delete…"),
        ("ArrowDown", "Open"),
        ("End", "Delete…"),
        ("Home", "Open"),
        ("c", "Copy e-mail"),
    ]:
        page.keyboard.press(key)
        expect(page.get_by_role("menuitem", name=name)).to_be_focused()


def test_menu_when_its_button_is_pressed_again_closes(open_page: OpenPage) -> None:
    page = open_page("/customers")
    button = page.get_by_role("button", name="Actions for Noah Almeida")
    button.click()
    _expect_menu(page)
    expect(button).to_have_attribute("aria-expanded", "true")
    button.click()
    _expect_closed(page)
    expect(button).to_have_attribute("aria-expanded", "false")
    expect(button).to_be_focused()


def test_menu_when_clicked_beside_closes(open_page: OpenPage) -> None:
    page = open_page("/customers")
    _row(page, "Noah Almeida").click(button="right")
    _expect_menu(page)
    page.mouse.click(700, 60)
    _expect_closed(page)


def test_menu_when_another_row_is_right_clicked_moves_there(open_page: OpenPage) -> None:
    page = open_page("/customers")
    _row(page, "Noah Almeida").click(button="right", position={"x": 30, "y": 20})
    _expect_menu(page)
    _row(page, "Ines Almeida").click(button="right", position={"x": 30, "y": 20})
    expect(page.get_by_role("menu")).to_contain_text("Ines Almeida")
    expect(page.locator("tr.menu-open")).to_have_count(1)


def test_menu_when_right_clicked_with_shift_is_the_browsers_own(open_page: OpenPage) -> None:
    page = open_page("/customers")
    _row(page, "Noah Almeida").click(button="right", modifiers=["Shift"])
    _expect_closed(page)


def test_menu_when_tapped_on_a_phone_opens(open_page: OpenPage) -> None:
    page = open_page("/customers", width=390, height=800, touch=True)
    page.get_by_role("button", name="Actions for Ines Almeida").tap()
    _expect_menu(page)


def test_menu_when_an_item_is_chosen_by_key_does_it_and_gives_the_focus_back(open_page: OpenPage) -> None:
    page = open_page("/customers")
    link = page.get_by_role("link", name="Noah Almeida")
    link.focus()
    page.keyboard.press("Shift+F10")
    _expect_menu(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".toast-note")).to_contain_text("Noah Almeida is on hold.")
    expect(link).to_be_focused()


def test_menu_when_the_server_does_not_answer_says_so(open_page: OpenPage) -> None:
    page = open_page("/customers")
    page.route("**/menu", lambda route: route.fulfill(status=503, body="away"))
    _row(page, "Noah Almeida").click(button="right")
    expect(page.locator(".toast-note")).to_contain_text("This part is not answering.")
    _expect_closed(page)
    expect(page.locator("tr.menu-open")).to_have_count(0)
