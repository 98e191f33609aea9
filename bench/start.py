"""From `./liaison up` to ready, cold (no state) and warm (the same state again), and the memory of all parts at rest.

`./liaison bench start`. The packages are set up already: what a network gives is not ours to measure.
"""

import time
from collections.abc import Sequence
from statistics import median

from bench.own_copy import liaison, own_copy

WARM_STARTS = 3


def run(_: Sequence[str] = ()) -> None:
    """Print seconds and memory."""
    with own_copy("start") as copy:
        warm = []
        for _ in range(WARM_STARTS):
            liaison(copy.environment, "down")
            started = time.monotonic()
            liaison(copy.environment, "up", "--detach")
            warm.append(time.monotonic() - started)
        print(f"cold {copy.start_seconds:.1f} s; warm {median(warm):.1f} s ({min(warm):.1f} to {max(warm):.1f})")
        print(f"memory of all parts at rest: {copy.memory()} MB")
