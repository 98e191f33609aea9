"""What imports tells: jobs that came to their end."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class JobFinished:
    """A job reached a final state. `what` is import, export, assignment or undo; `kind` what it was about (customers).

    `counts` has rows, created, updated, unchanged, skipped and failed, as far as the job knows them.
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
