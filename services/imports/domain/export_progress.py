"""How far an export is."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from services.imports.domain.exports import OPEN, is_expired
from services.imports.models import Export


@dataclass(frozen=True)
class ExportProgress:
    """What a bar shows. `expected` is None until the owner has counted; `ready` means that the file can be taken."""

    state: str
    final: bool
    ready: bool
    rows: int
    expected: int | None
    percent: float
    rate: float | None
    seconds_left: int | None
    waiting: str | None
    failure: str | None

    def to_json(self) -> dict[str, Any]:
        """Return it as it goes over the wire."""
        return asdict(self)


def export_progress(export: Export) -> ExportProgress:
    """Return how far `export` is."""
    final = export.state not in OPEN
    rate = None if final else _rate(export)
    left = None
    if rate and export.expected is not None:
        left = round(max(export.expected - export.rows, 0) / rate)
    return ExportProgress(
        state=export.state,
        final=final,
        ready=export.state == "completed" and not is_expired(export),
        rows=export.rows,
        expected=export.expected,
        percent=100.0 if final else _percent(export),
        rate=rate,
        seconds_left=left,
        waiting=None if final else export.waiting,
        failure=export.failure,
    )


def _rate(export: Export) -> float | None:
    if export.state != "running" or export.started_at is None or not export.rows:
        return None
    seconds = (datetime.now(UTC) - export.started_at).total_seconds()
    return round(export.rows / seconds, 1) if seconds > 0.2 else None


def _percent(export: Export) -> float:
    return min(99.9, round(100 * export.rows / export.expected, 1)) if export.expected else 0.0
