"""The tasks of imports: each may be lost, come twice, or die at any place.

polars is imported inside the tasks that need it: it must not be there when a worker forks its children (its threads do
not survive that), and a worker at rest does not need its 40 MB.
"""

from services.imports.tasks.ending import end_job
from services.imports.tasks.exporting import write_export
from services.imports.tasks.reading import read_file
from services.imports.tasks.sending import send_chunks, split_chunk
from services.imports.tasks.watching import reconcile, sweep_exports, sweep_files

__all__ = [
    "end_job",
    "read_file",
    "reconcile",
    "send_chunks",
    "split_chunk",
    "sweep_exports",
    "sweep_files",
    "write_export",
]
