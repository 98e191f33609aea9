"""What every test in a browser needs."""

from playwright.sync_api import Page

LOADED = "addEventListener('load', () => { document.documentElement.dataset.loaded = ''; })"


def wait_for_scripts(page: Page) -> None:
    """Have whatever is done on `page` wait until its document is loaded: what is clicked before its scripts are is lost."""
    page.add_init_script(LOADED)
    page.add_locator_handler(page.locator("html:not([data-loaded])"), lambda: None)
