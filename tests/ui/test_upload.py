"""A file goes up with progress, can be cancelled, and every end is told."""

from collections.abc import Callable
from typing import TypeAlias

import pytest
from flask import Flask
from playwright.sync_api import FilePayload, Page, Route, expect

pytestmark = pytest.mark.journey

OpenPage: TypeAlias = Callable[..., Page]
FILE: FilePayload = {"name": "Kundenübersicht 2026.csv", "mimeType": "text/csv", "buffer": b"code,name\n1,Cobalt\n"}


def _choose(page: Page, file: FilePayload) -> None:
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()


def _hold(page: Page, address: str) -> None:
    """Keep requests for this address waiting."""

    def hold(route: Route) -> None:
        """Never answer."""

    page.route(address, hold)


def test_upload_when_taken_sends_the_raw_file_and_opens_the_place(open_page: OpenPage, gallery_app: Flask) -> None:
    page = open_page("/imports")
    page.get_by_label("What is in the file").select_option("contacts")
    _choose(page, FILE)
    page.wait_for_url("**/customers/1")
    headers, query, body = gallery_app.extensions["uploads"][-1]
    assert body == FILE["buffer"]
    assert headers["Content-Type"] == "text/csv"
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''Kunden%C3%BCbersicht%202026.csv"
    assert query == {"kind": "contacts"}


def test_upload_when_refused_says_why(open_page: OpenPage) -> None:
    page = open_page("/imports")
    _choose(page, {**FILE, "name": "a.zip", "buffer": b"PK\x03\x04"})
    expect(page.get_by_role("alert").filter(has_text="zip archive")).to_be_visible()
    expect(page.get_by_role("button", name="Upload")).to_be_focused()


@pytest.mark.parametrize(("content", "sentence"), [(b"", "This file is empty."), (None, "Choose a file first.")])
def test_upload_when_there_is_nothing_to_send_says_so_at_once(
    open_page: OpenPage, content: bytes | None, sentence: str
) -> None:
    page = open_page("/imports")
    if content is not None:
        page.get_by_label("CSV file").set_input_files({**FILE, "buffer": content})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()


def test_upload_when_too_large_is_not_even_sent(open_page: OpenPage) -> None:
    page = open_page("/imports")
    page.eval_on_selector("form[data-upload]", "form => { form.dataset.max = 10; form.dataset.maxText = '10 bytes' }")
    _choose(page, FILE)
    expect(page.get_by_role("alert").filter(has_text="at most 10 bytes")).to_be_visible()


def test_upload_when_under_way_can_be_cancelled_and_warns_who_leaves(open_page: OpenPage) -> None:
    page = open_page("/imports")
    _hold(page, "**/imports/files*")
    _choose(page, FILE)
    expect(page.get_by_text("Kundenübersicht 2026.csv")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Upload")).to_be_visible()
    asked: list[str] = []

    def stay(question: object) -> None:
        asked.append(question.type)  # type: ignore[attr-defined]
        question.dismiss()  # type: ignore[attr-defined]

    page.on("dialog", stay)
    page.get_by_role("link", name="Overview").click(no_wait_after=True)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Upload")).to_be_visible()
    assert asked == ["beforeunload"]
    assert page.url.endswith("/imports")


def test_upload_when_the_connection_breaks_keeps_the_file_for_another_try(open_page: OpenPage) -> None:
    page = open_page("/imports")
    page.route("**/imports/files*", lambda route: route.abort("connectionreset"))
    _choose(page, FILE)
    expect(page.get_by_role("alert").filter(has_text="The connection broke")).to_be_visible()
    page.unroute("**/imports/files*")
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/customers/1")


def test_file_when_dropped_is_chosen_and_beside_the_zone_harmless(open_page: OpenPage) -> None:
    page = open_page("/imports")
    drop = """(selector) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(["code\\n1\\n"], "dropped.csv", {type: "text/csv"}));
        const event = new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true});
        document.querySelector(selector).dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    assert page.evaluate(drop, "h1")
    assert page.eval_on_selector("input[type=file]", "input => input.files.length") == 0
    assert page.evaluate(drop, "[data-drop]")
    assert page.eval_on_selector("input[type=file]", "input => input.files[0].name") == "dropped.csv"
