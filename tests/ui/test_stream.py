"""Live progress: a page that shows it is told by a stream, whatever comes late or breaks."""

from collections.abc import Callable
from typing import TypeAlias

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.journey

OpenPage: TypeAlias = Callable[..., Page]


def test_stream_when_its_script_is_late_is_opened(open_page: OpenPage) -> None:
    page = open_page("/customers")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/hx-sse.min.js", hold)
    with page.expect_request("**/hx-sse.min.js"):
        page.goto("/live", wait_until="commit")
    page.wait_for_timeout(500)  # for htmx to begin without it, if it would
    held[0].continue_()
    expect(page.locator("#live")).to_have_text("Done.")


def test_stream_when_refused_at_first_is_asked_for_again(open_page: OpenPage) -> None:
    page = open_page("/customers")
    refused: list[Route] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
            return
        refused.append(route)
        route.fulfill(status=503, body="")

    page.route("**/live/events", refuse_once)
    page.goto("/live")
    expect(page.locator("#live")).to_have_text("Done.")
    assert len(refused) == 1
