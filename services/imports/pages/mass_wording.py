"""How mass changes read."""

from typing import Any

from services.imports.domain.progress import Progress
from shared.ui.wording import plural

ACTIONS = {"add": "Add", "remove": "Remove", "replace": "Replace by"}
STEPS = {
    "queued": "Waiting for its turn",
    "reading": "Getting the customers",
    "writing": "Changing",
    "waiting": "Waiting",
    "cancelling": "Stopping",
    "ending": "Finishing",
    "undoing": "Undoing",
}
COUNTED = {
    "add": (("created", "Added", "success"),),
    "remove": (("updated", "Removed", "success"),),
    "replace": (("created", "Added", "success"), ("updated", "Replaced", "info")),
}
ENDED = (("unchanged", "Unchanged", "neutral"), ("skipped", "Left out", "neutral"), ("failed", "Failed", "danger"))
DONE = {"add": "{} added to", "remove": "{} removed from", "replace": "{} set for"}
STILL = {
    "add": "They all had them already; nothing had to be changed.",
    "remove": "None of them had them; nothing had to be changed.",
    "replace": "They all had exactly these already; nothing had to be changed.",
}


def mass_step(progress: Progress) -> str:
    """Return what a mass change at work is doing."""
    return STEPS.get(progress.step, "At work")


def mass_counts(job: Any) -> tuple[tuple[str, str, str], ...]:
    """Return the counts that are shown, each with its label and tone."""
    return (*COUNTED[job.change["action"]], *ENDED)


def mass_names(job: Any) -> str:
    """Return the associates that a mass change is about: "Ann, Ben and Cy"."""
    *others, last = [one["name"] for one in job.change["associates"]]
    return f"{', '.join(others)} and {last}" if others else str(last)


def mass_outcome(progress: Progress, job: Any) -> str:
    """Return in one or two sentences what came of a mass change that has ended."""
    if progress.state in ("undone", "partly_undone"):
        begin = "The change was taken back" + ("." if progress.state == "undone" else " in part.")
        back = progress.removed + progress.restored
        parts = [f"{plural(back, 'customer')} as before"] if back else []
        parts += [f"{progress.kept:,} changed since and left as they are"] if progress.kept else []
        return f"{begin} {', '.join(parts)}." if parts else begin
    touched = progress.created + progress.updated
    action = job.change["action"]
    done = f"{DONE[action].format(mass_names(job))} {plural(touched, 'customer')}."
    if progress.state == "failed":
        return " ".join([progress.failure or "It could not go on.", *([f"Until then: {done}"] if touched else [])])
    if progress.state == "cancelled":
        out = f"{plural(progress.skipped, 'customer was', 'customers were')} left out."
        return (
            f"Stopped on the way. What was done stays: {done} {out}" if touched else f"Stopped before the start. {out}"
        )
    failed = f"{plural(progress.failed, 'customer', 'customers')} failed." if progress.failed else ""
    if not touched:
        return f"{STILL[action]} {failed}".strip() if progress.unchanged else failed
    same = f"{progress.unchanged:,} stay as they were." if progress.unchanged else ""
    return " ".join(filter(None, [done, same, failed]))
