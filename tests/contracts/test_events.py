"""Every event has a sample, and reads it back; a changed field shows here before it breaks a subscriber."""

import dataclasses
import importlib
import json
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

from shared import events

SAMPLES = Path(__file__).parent / "events"


def _events() -> list[Any]:
    modules = [
        importlib.import_module(f"{events.__name__}.{found.name}") for found in pkgutil.iter_modules(events.__path__)
    ]
    return [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and dataclasses.is_dataclass(kind)
    ]


@pytest.mark.parametrize("event", _events(), ids=lambda event: event.name)
def test_sample_when_read_gives_the_event_back(event: Any) -> None:
    sample = json.loads((SAMPLES / f"{event.name}.json").read_text())
    assert dataclasses.asdict(event(**sample)) == sample


@pytest.mark.parametrize("event", _events(), ids=lambda event: event.name)
def test_name_when_published_tells_owner_and_version(event: Any) -> None:
    owner = event.__module__.rpartition(".")[2]
    assert re.fullmatch(rf"{owner}\.[a-z]+(_[a-z]+)+\.v[1-9]\d*", event.name)
    assert event.__dataclass_params__.frozen


def test_samples_when_listed_each_belong_to_an_event() -> None:
    assert {file.stem for file in SAMPLES.glob("*.json")} == {event.name for event in _events()}
