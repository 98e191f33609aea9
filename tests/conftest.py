"""Fixtures for all tests, how examples are made, and how tests are shared out among processes."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["shared.testing"]

TESTS = Path(__file__).parent
# Folders whose tests share running copies, and take longest.
TOGETHER = ("journeys", "drills")

# How quick an example is says how busy the machine is. What a test is given, each of its examples may use again.
settings.register_profile(
    "liaison",
    settings.default,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("liaison")


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a process run whole files, or all of a folder in TOGETHER; these begin first, and have more time."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        item.add_marker(pytest.mark.xdist_group(folder if folder in TOGETHER else str(item.path)))
        if folder in TOGETHER and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))
    order = {folder: at for at, folder in enumerate(TOGETHER)}
    items.sort(key=lambda item: order.get(item.path.relative_to(TESTS).parts[0], len(order)))
