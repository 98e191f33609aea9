"""Dialogs, toasts and failures: asked before, told after, and nothing passes in silence."""

from collections.abc import Callable
from typing import TypeAlias

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.journey

OpenPage: TypeAlias = Callable[..., Page]


def _toast(page: Page, text: str) -> None:
    expect(page.locator(".toast-note").last).to_contain_text(text)


def test_dialog_when_opened_by_a_menu_asks_then_the_next_page_tells(open_page: OpenPage) -> None:
    page = open_page("/customers")
    page.get_by_role("button", name="Actions for Noah Almeida").click()
    page.get_by_role("menuitem", name="Delete…").click()
    expect(page.get_by_role("dialog", name="Delete Noah Almeida?")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url("**/customers")
    _toast(page, "Noah Almeida was deleted.")
    page.reload()
    expect(page.locator(".toast-note")).to_have_count(0)


@pytest.mark.parametrize("how", ["Escape", "Cancel", "Close", "beside"])
def test_dialog_when_closed_gives_the_focus_back(open_page: OpenPage, how: str) -> None:
    page = open_page("/dialogs")
    opener = page.get_by_role("button", name="Confirm")
    opener.click()
    dialog = page.get_by_role("alertdialog", name="Delete Cobalt Labs?")
    expect(dialog).to_be_visible()
    if how == "Escape":
        page.keyboard.press("Escape")
    elif how == "beside":
        page.mouse.click(20, 400)
    else:
        dialog.get_by_role("button", name=how).click()
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


@pytest.mark.parametrize("opener", ["Form", "Fetched form"])
def test_dialog_form_when_refused_stays_and_when_accepted_closes(open_page: OpenPage, opener: str) -> None:
    page = open_page("/dialogs")
    page.get_by_role("button", name=opener, exact=True).click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_role("button", name="Make inactive").click()
    expect(dialog.get_by_text("Say why.")).to_be_visible()
    expect(dialog.get_by_label("Reason")).to_be_focused()
    dialog.get_by_label("Reason").fill("They moved.")
    dialog.get_by_role("button", name="Make inactive").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("#noted")).to_have_text("Noted: it is on the page.")
    _toast(page, "Noted.")


@pytest.mark.parametrize("stay", [True, False])
def test_dialog_when_closed_with_unsaved_changes_asks(open_page: OpenPage, stay: bool) -> None:
    page = open_page("/dialogs")
    page.get_by_role("button", name="Form", exact=True).click()
    page.get_by_label("Reason").fill("They moved.")
    asked: list[str] = []

    def answer(question: object) -> None:
        asked.append(question.message)  # type: ignore[attr-defined]
        question.dismiss() if stay else question.accept()  # type: ignore[attr-defined]

    page.on("dialog", answer)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("dialog[open]")).to_have_count(1 if stay else 0)
    assert asked == ["Close without saving your changes?"]


def test_toast_when_undone_asks_the_server(open_page: OpenPage) -> None:
    page = open_page("/dialogs")
    page.get_by_role("button", name="Undoable").click()
    page.get_by_role("button", name="Undo", exact=True).click()
    _toast(page, "Undone.")


def test_toast_when_its_cookie_is_forged_goes_nowhere(open_page: OpenPage) -> None:
    page = open_page("/dialogs")
    page.evaluate(
        "document.cookie = 'liaison_toast=' + encodeURIComponent(JSON.stringify("
        "{text: '<img src=x onerror=alert(1)>', tone: 'x\"]', undo_url: '//elsewhere.test/'})) + '; path=/'"
    )
    page.reload()
    expect(page.locator(".toast-text")).to_have_text("<img src=x onerror=alert(1)>")
    expect(page.get_by_role("button", name="Undo", exact=True)).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "sentence"), [(404, "The answer was 404."), (409, "The answer was 409."), (503, "The answer was 503.")]
)
def test_request_when_refused_is_told_and_changes_nothing(open_page: OpenPage, status: int, sentence: str) -> None:
    page = open_page("/dialogs")
    page.get_by_role("button", name=f"Answer {status}").click()
    _toast(page, sentence)
    expect(page.locator("#noted")).to_be_empty()


def test_request_when_the_network_is_away_says_that_nothing_was_lost(open_page: OpenPage) -> None:
    page = open_page("/dialogs")
    page.route("**/hold", lambda route: route.abort("internetdisconnected"))
    with page.expect_event("console", lambda message: "htmx:error" in message.text):
        page.get_by_role("button", name="Undoable").click()
    _toast(page, "You seem to be offline. Nothing was lost; try again.")


def test_reading_when_the_session_has_ended_leads_to_sign_in_and_back(open_page: OpenPage) -> None:
    page = open_page("/dialogs")
    page.get_by_role("button", name="Answer 401").click()
    page.wait_for_url("**/sign-in?next=%2Fdialogs")


def test_sending_when_the_session_has_ended_keeps_what_was_typed(open_page: OpenPage) -> None:
    page = open_page("/dialogs")

    def ended(route: Route) -> None:
        route.fulfill(status=401, headers={"HX-Redirect": "/sign-in?next=/"}, body="")

    page.route("**/dialog-form", ended)
    page.get_by_role("button", name="Form", exact=True).click()
    page.get_by_label("Reason").fill("They moved.")
    page.get_by_role("button", name="Make inactive").click()
    _toast(page, "Your session has ended. Sign in again, then repeat this.")
    expect(page.get_by_label("Reason")).to_have_value("They moved.")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.unroute("**/dialog-form")
    page.get_by_role("button", name="Make inactive").click()
    _toast(page, "Noted.")


def test_fragment_when_its_service_is_away_can_be_asked_again(open_page: OpenPage) -> None:
    page = open_page("/customers/7")
    page.route("**/late", lambda route: route.fulfill(status=503, body="away"))
    page.get_by_role("tab", name="Fetched when shown").click()
    panel = page.get_by_role("tabpanel")
    expect(panel).to_contain_text("This part is not answering.")
    page.unroute("**/late")
    panel.get_by_role("button", name="Try again").click()
    expect(panel).to_contain_text("This came from another address")


def test_fragment_when_it_is_posted_for_and_its_service_is_away_can_be_asked_again(open_page: OpenPage) -> None:
    page = open_page("/dialogs")
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.method)
        route.fulfill(status=200 if len(asked) > 2 else 503, body="Here it is")

    page.route("**/resolve", answer)
    page.evaluate(
        "const place = document.getElementById('noted');"
        "place.innerHTML = '<div id=late hx-post=/resolve hx-trigger=load><p aria-busy=true>Loading</p></div>';"
        "htmx.process(place)"
    )
    for _ in range(2):
        expect(page.locator("#late")).to_contain_text("This part is not answering.")
        page.locator("#late").get_by_role("button", name="Try again").click()
    expect(page.locator("#late")).to_have_text("Here it is")
    assert asked == ["POST", "POST", "POST"]


def test_copy_when_allowed_says_so(open_page: OpenPage) -> None:
    page = open_page("/dialogs")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the token").click()
    _toast(page, "Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "Ab3-κλειδί"
