"""Stacks of real processes, each for all drills that need it."""

import contextlib
import shutil
import uuid
from collections.abc import Iterator, Sequence

import pytest

from ops.place import ROOT
from tests.drills.stack import IMPORTING, LINKING, Stack


@contextlib.contextmanager
def running(parts: Sequence[str], **environment: str) -> Iterator[Stack]:
    """Give a stack of its own that runs `parts`."""
    folder = ROOT / ".state" / f"drill-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    stack = Stack(folder, parts, **environment)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """What an import needs."""
    with running(IMPORTING, IMPORTS_LEASE_SECONDS="5") as stack:
        yield stack


@pytest.fixture(scope="module")
def linking() -> Iterator[Stack]:
    """What a mass change needs, and the readers of the feeds between customers and associates."""
    with running(LINKING, IMPORTS_LEASE_SECONDS="5") as stack:
        yield stack
