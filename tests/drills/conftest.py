"""A stack of real processes for all drills of a run."""

import shutil
import uuid
from collections.abc import Iterator

import pytest

from ops.place import ROOT
from tests.drills.stack import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    folder = ROOT / ".state" / f"drill-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    stack = Stack(folder, IMPORTS_LEASE_SECONDS="5")
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
        shutil.rmtree(folder, ignore_errors=True)
