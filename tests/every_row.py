"""What a check tells of each row, when it is asked to."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from shared.bulk import COUNTS


def outcomes(told: Mapping[str, Any]) -> dict[str, int]:
    """Return how many rows are told to become what, in the form of the counts of a chunk; each row is told once."""
    refused = [one["row"] if isinstance(one, dict) else one.row for one in told["refusals"]]
    numbers = [one["row"] for one in told["rows"]] + refused
    assert len(set(numbers)) == len(numbers)
    found = Counter([*(one["outcome"] for one in told["rows"]), *("failed" for _ in refused)])
    return {name: found[name] for name in COUNTS if found[name]}


def values(told: Mapping[str, Any], row: int) -> dict[str, Any]:
    """Return what the fields of a row would hold, but for those that hold nothing."""
    [found] = [one for one in told["rows"] if one["row"] == row]
    return {name: value for name, value in found["values"].items() if value is not None}
