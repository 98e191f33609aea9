"""A running copy of Liaison, empty for each journey, and a real browser that fails the test for any complaint on its console."""

import contextlib
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from ops.browser import candidates
from ops.processes import die_with_parent
from ops.run import READY
from ops.testing import free_port
from tests.browser import wait_for_scripts
from tests.journeys.driving import Copy

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "node_modules/axe-core/axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


expect.set_options(timeout=15_000)  # a busy machine is slow, not wrong


@pytest.fixture(scope="session")
def running_copy() -> Iterator[Copy]:
    """Liaison as a newcomer starts it; once, since a start takes half a minute of a busy machine.

    It ends with these tests, however they end.
    """
    state = ROOT / ".state" / f"journey-{uuid.uuid4().hex[:8]}"
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LIAISON_TEST_")},
        "LIAISON_STATE": str(state),
        "LIAISON_PORT": str(port),
    }
    told, tell = os.pipe()
    up = subprocess.Popen(
        [ROOT / "liaison", "up"],
        env={**environment, "LIAISON_REPORT_TO": str(tell)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[tell],
        cwd=ROOT,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 # no threads here
    )
    os.close(tell)
    try:
        with os.fdopen(told, "rb") as answer:
            message = answer.read()
        assert message == READY, message.decode()
        first = (state / "first-sign-in.txt").read_text()
        yield Copy(f"http://localhost:{port}", state, environment, first.split()[-1])
    finally:
        up.terminate()
        up.wait(60)
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(scope="module")
def copy(running_copy: Copy) -> Copy:
    """Liaison with nothing in it, as after its first start."""
    running_copy.empty()
    return running_copy


@pytest.fixture(scope="module")  # while it is open, no other test may run an event loop
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = next(candidates(playwright.chromium.executable_path, ROOT / ".state"), None)
        assert found is not None, "no browser: install Chromium, or set LIAISON_BROWSER"
        browser = playwright.chromium.launch(**found.launch_arguments())  # type: ignore[arg-type]
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, copy: Copy) -> Iterator[Callable[..., Page]]:
    """Give `open_page(dark=, phone=)`; afterwards nothing may stand on any page's console."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def open_one(*, dark: bool = False, phone: bool = False) -> Page:
        context = browser.new_context(
            base_url=copy.url,
            color_scheme="dark" if dark else "light",
            viewport={"width": 390, "height": 844} if phone else {"width": 1360, "height": 860},
            reduced_motion="reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        wait_for_scripts(page)
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
        return page

    yield open_one
    for context in contexts:
        with contextlib.suppress(Exception):
            context.close()
    assert complaints == []


@pytest.fixture
def check_axe() -> Callable[[Page, str], None]:
    """Give `check_axe(page, where)`: axe-core finds nothing on the page as it is."""
    source = AXE.read_text()

    def check(page: Page, where: str) -> None:
        page.wait_for_load_state("networkidle")
        page.evaluate(source)
        found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)["violations"]
        words = [f"{where}: {one['id']} ({one['impact']}): {one['nodes'][0]['html'][:160]}" for one in found]
        assert words == []

    return check
