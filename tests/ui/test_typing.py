"""What happens while people type: live search, single keys, forms that are sent once and not left by accident."""

from collections.abc import Callable
from typing import TypeAlias

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.journey

OpenPage: TypeAlias = Callable[..., Page]


def _names(page: Page) -> list[str]:
    return page.locator("tbody .person-name").all_text_contents()


def _hold(page: Page, address: str) -> list[Route]:
    """Keep requests for this address waiting; the list fills as they come."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(address, hold)
    return held


def test_search_when_typed_narrows_and_the_address_follows(open_page: OpenPage) -> None:
    page = open_page("/customers")
    page.get_by_role("searchbox").press_sequentially("noah pet")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert _names(page) == ["Noah Petrov"]
    page.wait_for_url("**/customers?q=noah+pet")
    page.get_by_role("searchbox").fill("")
    expect(page.locator("tbody tr")).to_have_count(12)
    page.wait_for_url("**/customers")


def test_search_when_the_filter_changes_is_asked_at_once(open_page: OpenPage) -> None:
    page = open_page("/customers")
    page.get_by_label("Status").select_option("Blocked")
    page.wait_for_url("**/customers?status=Blocked")
    expect(page.locator("tbody .status").first).to_have_text("Blocked")


def test_search_when_an_older_answer_is_late_shows_the_newest(open_page: OpenPage) -> None:
    page = open_page("/customers")
    held = _hold(page, "**/customers?q=a")
    box = page.get_by_role("searchbox")
    with page.expect_request("**/customers?q=a"):
        box.press_sequentially("a")
    box.fill("zara zhang")
    expect(page.locator("tbody tr")).to_have_count(1)
    for route in held:
        route.abort()
    assert _names(page) == ["Zara Zhang"]


def test_search_when_enter_is_pressed_opens_the_first(open_page: OpenPage) -> None:
    page = open_page("/customers")
    page.get_by_role("searchbox").press_sequentially("zara zhang")
    page.keyboard.press("Enter")  # before the rows for it are here
    page.wait_for_url("**/customers/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("Zara Zhang")


def test_rows_when_entered_while_they_come_are_asked_for_once(open_page: OpenPage) -> None:
    page = open_page("/customers")
    held = _hold(page, "**/customers?q=zara+zhang")
    with page.expect_request("**/customers?q=zara+zhang"):
        page.get_by_role("searchbox").press_sequentially("zara zhang")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(400)  # a second question would be asked at once
    assert len(held) == 1
    held[0].continue_()
    entered = page.locator("tbody .person-name").first
    expect(entered).to_have_text("Zara Zhang")
    expect(entered).to_be_focused()


def test_rows_when_walked_by_arrows_lead_back_to_the_box(open_page: OpenPage) -> None:
    page = open_page("/customers")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("tbody .person-name").nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_pages_when_turned_keep_the_address(open_page: OpenPage) -> None:
    page = open_page("/customers")
    first = _names(page)[0]
    page.get_by_role("link", name="Next page").click()
    page.wait_for_url("**after=12")
    expect(page.locator("tbody .person-name").first).not_to_have_text(first)
    page.get_by_role("link", name="Previous page").click()
    expect(page.locator("tbody .person-name").first).to_have_text(first)


def test_going_back_when_pages_were_turned_brings_a_page_that_works(open_page: OpenPage) -> None:
    page = open_page("/customers")
    first = _names(page)[0]
    page.get_by_role("link", name="Next page").click()
    page.wait_for_url("**after=12")
    page.go_back()
    expect(page.locator("tbody .person-name").first).to_have_text(first)
    page.get_by_role("button", name="Actions for Ines Almeida").click()
    page.get_by_role("menuitem", name="Put on hold").click()
    expect(page.locator(".toast-note")).to_contain_text("Ines Almeida is on hold.")


def test_key_when_typing_is_only_a_letter(open_page: OpenPage) -> None:
    page = open_page("/customers")
    page.get_by_role("searchbox").press_sequentially("n/?")
    expect(page.get_by_role("searchbox")).to_have_value("n/?")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_key_when_nothing_is_typed_acts_and_can_be_switched_off(open_page: OpenPage) -> None:
    page = open_page("/customers")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard").get_by_label("Use the single keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert page.url.endswith("/customers")
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("menuitem", name="Keyboard").click()
    page.get_by_label("Use the single keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.wait_for_url("**/forms")


def test_form_when_refused_leads_to_the_wrong_field(open_page: OpenPage) -> None:
    page = open_page("/forms")
    page.get_by_role("button", name="Save customer").click()
    summary = page.get_by_role("alert").filter(has_text="Please correct 6 fields")
    expect(summary).to_be_focused()
    summary.get_by_role("link", name="City").click()
    expect(page.get_by_label("City")).to_be_focused()


def test_form_when_left_with_unsaved_changes_warns(open_page: OpenPage) -> None:
    page = open_page("/forms")
    page.get_by_label("Name").fill("Cobalt Labs")
    asked: list[str] = []

    def stay(question: object) -> None:
        asked.append(question.type)  # type: ignore[attr-defined]
        question.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", stay)
    with page.expect_event("dialog"):
        page.get_by_role("link", name="Customers").first.click(no_wait_after=True)
    expect(page.get_by_label("Name")).to_have_value("Cobalt Labs")
    assert asked == ["beforeunload"]


def test_form_when_saved_does_not_warn(open_page: OpenPage) -> None:
    page = open_page("/forms")
    asked: list[str] = []
    page.on("dialog", lambda question: asked.append(question.type))
    page.get_by_label("Name").fill("Cobalt Labs")
    page.get_by_role("button", name="Save customer").click()
    expect(page.locator(".toast-note")).to_contain_text("Saved.")
    assert asked == []


@pytest.mark.parametrize(
    ("path", "opener", "label", "button"),
    [("/forms", "", "Name", "Save customer"), ("/dialogs", "Form", "Reason", "Make inactive")],
)
def test_form_when_sent_again_while_on_its_way_goes_once(
    open_page: OpenPage, path: str, opener: str, label: str, button: str
) -> None:
    page = open_page(path)
    if opener:
        page.get_by_role("button", name=opener, exact=True).click()
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    page.get_by_label(label).fill("They moved.")
    seen = page.get_by_role("button", name=button).evaluate(
        """button => {
            let seen = 0;
            document.addEventListener("submit", () => { seen += 1; });
            button.click();
            button.click();
            return [seen, button.getAttribute("aria-disabled")];
        }"""
    )
    assert seen == [1, "true"]
    expect(page.locator(".toast-note")).to_have_count(1)
    assert len(posted) == 1


def test_form_when_it_was_refused_still_guards_what_was_typed(open_page: OpenPage) -> None:
    page = open_page("/forms")
    page.get_by_label("E-mail").fill("not an address")
    page.get_by_role("button", name="Save customer").click()
    expect(page.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")
    page.on("dialog", lambda question: question.dismiss())
    with page.expect_event("dialog", lambda question: question.type == "beforeunload"):
        page.get_by_role("link", name="Customers").first.click(no_wait_after=True)


def test_form_when_a_field_asks_the_server_meanwhile_can_be_sent(open_page: OpenPage) -> None:
    page = open_page("/forms")
    _hold(page, "**/strength")
    page.get_by_label("Name").fill("Cobalt Labs")
    with page.expect_request("**/strength"):
        page.get_by_label("New password", exact=True).press_sequentially("correct horse")
    page.get_by_role("button", name="Save customer").click()
    expect(page.locator(".toast-note")).to_contain_text("Saved.")


@pytest.mark.parametrize("pause", [0, 200])
def test_form_when_its_button_is_clicked_twice_is_sent_once(open_page: OpenPage, pause: int) -> None:
    page = open_page("/dialogs")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Form", exact=True).click()
    page.get_by_label("Reason").fill("moved")
    button = page.locator("dialog[open]").get_by_role("button", name="Make inactive")
    button.evaluate("(button, pause) => { button.click(); setTimeout(() => button.click(), pause); }", pause)
    expect(page.locator("#noted")).to_contain_text("Noted: it is on the page.")
    page.wait_for_timeout(400)
    assert len(sent) == 1


def test_password_when_typed_is_rated_and_can_be_shown(open_page: OpenPage) -> None:
    page = open_page("/forms")
    field = page.get_by_label("New password", exact=True)
    field.press_sequentially("correct horse battery")
    expect(page.locator("#f-password-strength")).to_contain_text("centuries")
    page.get_by_role("button", name="Show new password").click()
    expect(field).to_have_attribute("type", "text")
