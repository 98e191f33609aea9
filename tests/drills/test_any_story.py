"""Any story of imports, stops, edits by hand, undos and crashes ends as a plain dict says (I10, I11).

A machine of hypothesis tells the stories to the real parts. A short run is part of every test run, a long one of
`./liaison test --drills`.
"""

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.customers.undo_model import Model
from tests.drills.rounds import FINAL, Round
from tests.drills.stack import Stack

CODES = tuple(f"K{number}" for number in range(6))
FIELDS = ("name", "city", "notes")
WORDS = st.sampled_from(["Ghent", "Oslo", "Lyon", "Łódź"])
ROW = st.fixed_dictionaries({"code": st.sampled_from(CODES)}, optional=dict.fromkeys(FIELDS, WORDS))
ROWS = st.lists(ROW, min_size=1, max_size=5, unique_by=lambda row: row["code"])
CRASHES: dict[str, Callable[[Stack], Any]] = {
    "none": lambda stack: None,
    "reader": lambda stack: stack.kill_children("imports-long"),
    "sender": lambda stack: stack.kill_children("imports-short"),
    "owner": lambda stack: stack.kill("customers-bulk"),
    "redis": Stack.lose_redis,
}
CRASH = st.one_of(st.just("none"), st.just("none"), st.sampled_from(list(CRASHES)))
BY_HAND = """
WITH edited AS (
    UPDATE account SET {field} = %(value)s, version = version + 1
    WHERE code = %(code)s AND {field} IS DISTINCT FROM %(value)s RETURNING id, old.{field} AS before, version
)
INSERT INTO change (account_id, actor_id, actor_name, action, fields, version)
SELECT id, %(ben)s, 'Ben Baker', 'updated', jsonb_build_object('{field}', jsonb_build_array(before, %(value)s::text)),
    version
FROM edited
"""
APPLIED = """
SELECT coalesce(sum(n.value::int), 0) FROM receipt r, jsonb_each_text(r.answer) AS n(name, value)
WHERE r.job_id = %s AND n.name IN ('created', 'updated', 'unchanged', 'skipped', 'failed')
"""


class Story(RuleBasedStateMachine):
    """Steps of a story; after each, customers hold what the model holds."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.stack, self.round = stack, Round(stack, seed=0, rows=0)
        self.model = Model()
        self.jobs: list[tuple[str, set[str]]] = []

    @initialize()
    def nothing_is_there(self) -> None:
        self.round.empty()

    @rule(rows=ROWS, crash=CRASH)
    def bring(self, rows: list[dict[str, str]], crash: str) -> None:
        job_id = self.round.start(_file(rows))
        CRASHES[crash](self.stack)
        self.ended(job_id, rows, self.watched(job_id))

    @rule(rows=ROWS, pause=st.floats(0, 0.3), crash=CRASH)
    def stop(self, rows: list[dict[str, str]], pause: float, crash: str) -> None:
        job_id = self.round.start(_file(rows))
        time.sleep(pause)
        CRASHES[crash](self.stack)
        self.stack.ask("POST", f"/jobs/{job_id}/cancel", allowed=409)  # it may have ended before
        job = self.watched(job_id)
        if job["state"] == "cancelled" and not self.applied(job_id):
            assert not any(job["counts"][name] for name in ("created", "updated", "unchanged", "failed"))
        else:
            self.ended(job_id, rows, job)

    @rule(code=st.sampled_from(CODES), field=st.sampled_from(["city", "notes"]), value=WORDS)
    def edit(self, code: str, field: str, value: str) -> None:
        if code in self.model.records:
            self.model.write("Ben", code, field, value)
        with self.stack.database("customers") as customers:
            values = {"code": code, "value": value, "ben": uuid.UUID(int=0xBE)}
            customers.execute(BY_HAND.format(field=field), values)  # type: ignore[arg-type] # a literal of ours

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), crash=CRASH)
    def undo(self, data: st.DataObject, crash: str) -> None:
        job_id, codes = self.jobs.pop(data.draw(st.integers(0, len(self.jobs) - 1)))
        self.stack.ask("POST", f"/jobs/{job_id}/undo")
        CRASHES[crash](self.stack)
        undone = self.watched(job_id)["undo"]
        told = tuple(undone[name] for name in ("removed", "restored", "kept"))
        assert told == self.model.undo(job_id, codes)

    @invariant()
    def customers_hold_what_the_model_holds(self) -> None:
        with self.stack.database("customers") as customers:
            found = customers.execute("SELECT code, name, city, notes FROM account").fetchall()
        held = {code: {name: value for name, value in zip(FIELDS, rest, strict=True) if value} for code, *rest in found}
        assert held == self.model.filled()

    def ended(self, job_id: str, rows: list[dict[str, str]], job: dict[str, Any]) -> None:
        counted = [self.model.bring(job_id, row) for row in rows]
        names = ("created", "updated", "unchanged", "failed")
        assert {name: job["counts"][name] for name in names} == {name: counted.count(name) for name in names}
        if {"created", "updated"} & {*counted}:  # else there is nothing to undo, and it is refused
            self.jobs.append((job_id, {row["code"] for row in rows}))

    def watched(self, job_id: str, seconds: float = 120) -> dict[str, Any]:
        """Return the job at its end. Progress never falls, and never tells more than the owner did."""
        deadline, done = time.monotonic() + seconds, 0
        while True:
            job: dict[str, Any] = self.stack.ask("GET", f"/jobs/{job_id}").json()
            now = job["progress"]["done"]
            if job["state"] in FINAL:
                return job
            assert now >= done, "progress ran backwards"
            told = now - job["counts"]["skipped"]  # what a stop leaves out comes to no owner
            assert job["state"] == "undoing" or told <= self.applied(job_id), "more is told than was done"
            assert time.monotonic() < deadline, f"still {job['state']}: {job['progress']}"
            done = now
            time.sleep(0.05)

    def applied(self, job_id: str) -> int:
        with self.stack.database("customers") as customers:
            found = customers.execute(APPLIED, [job_id]).fetchone()
        assert found
        return int(found[0])


def _file(rows: list[dict[str, str]]) -> bytes:
    columns = ("code", *FIELDS)
    lines = [",".join(row.get(name, "") for name in columns) for row in rows]
    return "\n".join([",".join(columns), *lines, ""]).encode()


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("stories", [3, pytest.param(60, marks=pytest.mark.drills)])
def test_any_story_ends_as_the_model_says(stack: Stack, stories: int) -> None:
    how = settings(
        max_examples=stories,
        stateful_step_count=6 if stories < 10 else 15,
        phases=(Phase.generate,) if stories < 10 else (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Story(stack), settings=how)
