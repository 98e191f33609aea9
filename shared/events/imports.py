"""What imports tells: jobs that came to their end."""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class JobFinished:
    """A job reached a final state. `what` is import, export, assignment or undo; `kind` what it was about (customers).

    `counts` has rows, created, updated, unchanged, skipped and failed, as far as the job knows them. `about` says what
    an export was asked for.
    """

    name: ClassVar[str] = "imports.job_finished.v1"

    job_id: str
    what: str
    kind: str
    state: str
    file_name: str
    counts: dict[str, int]
    actor_id: str
    actor_name: str
    at: str
    ip: str = ""
    about: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ExportTaken:
    """Somebody took the file of an export; `owner_name` is who had asked for it."""

    name: ClassVar[str] = "imports.export_taken.v1"

    export_id: str
    kind: str
    rows: int
    file_name: str
    owner_name: str
    actor_id: str
    actor_name: str
    at: str
    ip: str = ""
