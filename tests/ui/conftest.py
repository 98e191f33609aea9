"""A real browser on the gallery. What it prints to its console fails the test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from flask import Flask
from playwright.sync_api import Browser, Error, Page, Playwright, expect, sync_playwright

from ops.browser import candidates
from tests.browser import wait_for_scripts
from tests.ui.gallery import PROJECT, create_gallery, served

AXE = PROJECT / "node_modules/axe-core/axe.min.js"
ASKED_FOR = ("Failed to load resource", "htmx: htmx:error: Failed to fetch")
RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]


expect.set_options(timeout=10_000)  # a busy machine is slow, not wrong


@pytest.fixture(scope="session")
def gallery_app() -> Flask:
    return create_gallery()


@pytest.fixture(scope="session")
def gallery(gallery_app: Flask) -> Iterator[str]:
    with served(gallery_app) as address:
        yield address


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    state = Path(os.environ.get("LIAISON_STATE", PROJECT / ".state"))
    refused = []
    for candidate in candidates(playwright.chromium.executable_path, state):
        try:
            launched = playwright.chromium.launch(**candidate.launch_arguments())  # type: ignore[arg-type] # a plain dict
        except Error as error:
            refused.append(f"{candidate.program}: {error.message.splitlines()[0]}")
            continue
        yield launched
        launched.close()
        return
    pytest.fail("no browser starts here: " + "; ".join(refused))


@pytest.fixture
def open_page(browser: Browser, gallery: str) -> Iterator[Callable[..., Page]]:
    """Give `open_page(path, width=, theme=, touch=)`; its page must have printed no error at the end of the test.

    Refusals and lost connections that the test asks for are told by the browser and htmx; they do not count.
    """
    contexts, printed = [], []

    def open_page(
        path: str,
        *,
        width: int = 1360,
        height: int = 860,
        theme: Literal["light", "dark"] = "light",
        touch: bool = False,
    ) -> Page:
        context = browser.new_context(
            base_url=gallery,
            viewport={"width": width, "height": height},
            color_scheme=theme,
            has_touch=touch,
            reduced_motion="reduce",
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        wait_for_scripts(page)
        page.on(
            "console", lambda message: printed.append(message.text) if message.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: printed.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in printed if not text.startswith(ASKED_FOR)] == []


@pytest.fixture(scope="session")
def axe() -> Callable[[Page], list[str]]:
    """Give `axe(page)`: what axe finds on the page as it is now, one line for each finding."""
    source = AXE.read_text()

    def find(page: Page) -> list[str]:
        page.evaluate(source)  # by the debugger, so the page policy does not hinder it
        result: dict[str, Any] = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
        return [f"{found['id']}: {node['html'][:200]}" for found in result["violations"] for node in found["nodes"]]

    return find
