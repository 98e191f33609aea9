"""Long drills: everything that may break breaks, and the end is the same (product row I11). `./liaison test --drills`.

Each fault strikes while the owner is in the middle of a transaction, or at a random place of a seeded sequence.
"""

import functools
import json
import random
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from shared.http import ServiceClient
from shared.identity import HEADER, sign_identity
from shared.settings import Settings
from tests.drills.rounds import Outcome, Round, first_file, second_file
from tests.drills.stack import PERSON, Stack, until

pytestmark = [pytest.mark.drills, pytest.mark.timeout(1_200)]
ROWS = 20_000
FROZEN_SECONDS = 45
AWAY_SECONDS = 300
FREEZE_FILE = b"code,name,country\nZ1,,Atlantis\n"  # one row, which is refused: the customers stay as they are


@pytest.fixture(scope="module")
def drill(stack: Stack) -> Round:
    return Round(stack, seed=7, rows=ROWS)


@pytest.fixture(scope="module")
def expected(drill: Round) -> Outcome:
    outcome = drill.undisturbed()
    assert outcome.state == "completed_with_errors"
    assert outcome.counts["created"] == outcome.counts["updated"] == ROWS // 2
    return outcome


def kill_child(stack: Stack) -> None:
    until(lambda: stack.kill_children("imports-short") + stack.kill_children("imports-long"), "there is a child")


def kill_workers(stack: Stack) -> None:
    stack.kill("imports-short")
    stack.kill("imports-long")


def kill_owner(stack: Stack) -> None:
    stack.kill("customers-bulk")


def keep_owner_away(stack: Stack) -> None:
    with stack.kept_down("customers-bulk"):
        stack.kill("customers-bulk")
        time.sleep(4)


def kill_beat(stack: Stack) -> None:
    stack.kill("beat")


FAULTS: dict[str, Callable[[Stack], None]] = {
    "worker child": kill_child,
    "whole workers": kill_workers,
    "redis and its data": Stack.lose_redis,
    "postgres": Stack.restart_postgres,
    "owner": kill_owner,
    "owner away": keep_owner_away,
    "beat": kill_beat,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_a_fault_in_mid_transaction_changes_nothing(
    stack: Stack, drill: Round, expected: Outcome, fault: Callable[[Stack], None]
) -> None:
    def breaking(job: str) -> None:
        for _ in range(3):
            with drill.blocked():
                fault(stack)

    assert drill.disturbed(breaking) == expected


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_a_fault_in_the_middle_of_an_undo_changes_nothing(
    stack: Stack, drill: Round, fault: Callable[[Stack], None]
) -> None:
    def breaking(job: str) -> None:
        for _ in range(3):
            with drill.held():
                fault(stack)

    drill.taken_back(breaking)


def test_a_frozen_redis_costs_time_only(stack: Stack, drill: Round, expected: Outcome) -> None:
    """It neither answers nor hangs up for 45 s; meanwhile the API takes another file and starts its job."""

    def breaking(job: str) -> None:
        until(lambda: drill.rows_done(job) > 0, "it has begun")
        with stack.frozen("cache"):
            other = drill.start(FREEZE_FILE)
            time.sleep(FROZEN_SECONDS)
        assert drill.wait(other)["counts"]["failed"] == 1

    assert drill.disturbed(breaking) == expected


def test_an_owner_that_is_away_for_minutes_costs_time_only(stack: Stack, drill: Round, expected: Outcome) -> None:
    """No row is held against anybody meanwhile, and people are told what is waited for."""

    def breaking(job: str) -> None:
        until(lambda: drill.rows_done(job) > 0, "it has begun")
        with stack.kept_down("customers-bulk"):
            stack.kill("customers-bulk")
            away = time.monotonic()
            until(lambda: drill.waits_for(job), "people are told")
            while time.monotonic() - away < AWAY_SECONDS:
                told = drill.waits_for(job)
                assert told is None or told.startswith("Waiting for the customers service"), told
                time.sleep(1)

    assert drill.disturbed(breaking) == expected
    with stack.database("imports") as imports:
        split = imports.execute("SELECT count(*) FROM chunk WHERE parent_no IS NOT NULL OR state = 'void'").fetchone()
    assert split == (0,), "chunks were taken for poisoned"


@pytest.mark.parametrize("seed", range(3))
def test_faults_at_random_change_nothing(stack: Stack, drill: Round, expected: Outcome, seed: int) -> None:
    random_of = random.Random(seed)
    kinds = list(FAULTS.values())

    def breaking(job: str) -> None:
        for _ in range(10):
            time.sleep(random_of.uniform(0.1, 1.5))
            random_of.choice(kinds)(stack)

    assert drill.disturbed(breaking) == expected


def test_all_messages_lost_costs_time_only(stack: Stack, drill: Round, expected: Outcome) -> None:
    def breaking(job: str) -> None:
        for _ in range(8):
            stack.lose_redis()
            time.sleep(0.7)

    assert drill.disturbed(breaking) == expected


def test_the_same_chunk_ten_times_at_once_is_applied_once(
    stack: Stack, drill: Round, expected: Outcome, request: pytest.FixtureRequest
) -> None:
    """Ten chunks are delivered ten times at once each, by others than the workers; then the workers send them too."""
    settings = Settings.from_environment("imports", stack.specs["imports-long"].environment)
    client = ServiceClient(settings, "customers_bulk", seconds=60)
    answers: list[bool] = []
    request.addfinalizer(client.http.close)

    def breaking(job: str) -> None:
        with stack.database("imports") as imports, drill.blocked():
            until(lambda: len(_staged(imports, job)) >= 15, "chunks are staged")
            with stack.kept_down("imports-long"):
                kill_workers(stack)
        with stack.database("imports") as imports, stack.kept_down("imports-long"):
            kill_workers(stack)
            about = json.dumps(_about(imports, job))
            with ThreadPoolExecutor(10) as pool:
                for no, path, checksum in _staged(imports, job)[-10:]:
                    body = (stack.folder / "files" / path).read_bytes()
                    headers = {"Liaison-Checksum": checksum, "Liaison-Job": about}
                    post = functools.partial(client.post, f"/internal/chunks/{job}/{no}", content=body, headers=headers)
                    found = list(pool.map(lambda _, post=post: post()["repeated"], range(10)))
                    assert found.count(False) <= 1
                    answers.extend(found)

    assert drill.disturbed(breaking) == expected
    assert len(answers) == 100
    assert answers.count(False) >= 5


def _staged(imports: "psycopg.Connection[Any]", job: str) -> list[tuple[int, str, str]]:
    return imports.execute("SELECT no, path, checksum FROM chunk WHERE job_id = %s ORDER BY no", [job]).fetchall()


def _about(imports: "psycopg.Connection[Any]", job: str) -> dict[str, str]:
    names = ("kind", "mode", "match", "blank", "actor_id", "actor_name", "file_name")
    query = "SELECT kind, mode, match, blank, created_by::text, created_by_name, file_name FROM job WHERE id = %s"
    return dict(zip(names, imports.execute(query, [job]).fetchone() or (), strict=True))


def cancel_in_the_middle(stack: Stack, drill: Round, job: str) -> None:
    """Cancel a job while a chunk is in mid-transaction, the workers are dead, and all messages are lost."""
    with drill.blocked():
        stack.ask("POST", f"/jobs/{job}/cancel")
        kill_workers(stack)
        stack.lose_redis()
        until(lambda: drill.fence_is_waited_for() or drill.has_ended(job), "the fence is being closed")


def test_cancelling_in_the_middle_of_faults_ends_with_the_truth(stack: Stack, drill: Round) -> None:
    """Closing the fence waits for the chunk that is being applied, so that it is counted."""
    drill.empty()
    assert drill.wait(drill.start(first_file(ROWS)))["state"] == "completed"
    job = drill.start(second_file(ROWS, drill.seed))
    until(lambda: drill.rows_done(job) > ROWS // 4, "a quarter is done")
    cancel_in_the_middle(stack, drill, job)
    ended = drill.wait(job)
    assert ended["state"] == "cancelled"
    counts = drill.outcome(ended).counts
    with stack.database("customers") as customers:
        query = "SELECT count(*) FILTER (WHERE version = 1 AND created_job = %s), count(*) FILTER (WHERE version = 2) FROM account"
        there = customers.execute(query, [job]).fetchone()
    assert there == (counts["created"], counts["updated"])
    assert counts["skipped"] > 0


def test_a_cancelled_import_is_taken_back_but_for_fifty_edits(stack: Stack, drill: Round) -> None:
    """Half of the edits come while it runs, half while it is taken back; both steps meet faults."""

    def breaking(job: str) -> None:
        for fault in (kill_owner, kill_workers, Stack.lose_redis):
            with drill.held():
                fault(stack)

    drill.taken_back(breaking, stopping=lambda job: cancel_in_the_middle(stack, drill, job))


def test_a_row_that_kills_its_worker_is_refused_alone(stack: Stack, drill: Round) -> None:
    """Wherever that row comes, the worker dies and the transaction of the owner breaks; all others are imported."""
    drill.empty()
    rows, deadly = 500, 250
    with drill.poisoned(f"C{deadly:06d}") as end_hanging:
        job = drill.start(first_file(rows))
        deaths = 0
        while not drill.has_ended(job):
            if end_hanging():
                kill_child(stack)
                deaths += 1
            time.sleep(0.1)
    ended = drill.wait(job)
    assert ended["state"] == "completed_with_errors"
    counts = drill.outcome(ended).counts
    assert (counts["created"], counts["failed"], counts["skipped"]) == (rows - 1, 1, 0)
    assert deaths > 3
    refused = stack.ask("GET", f"/jobs/{job}/refusals").json()["items"]
    assert [(one["line"], one["code"]) for one in refused] == [(deadly + 2, "row_kills_worker")]
    with stack.database("customers") as customers:
        there = [code for (code,) in customers.execute("SELECT code FROM account ORDER BY code")]
    assert there == [f"C{number:06d}" for number in range(rows) if number != deadly]


@pytest.mark.parametrize("length", ["Content-Length: 5000000", "Transfer-Encoding: chunked"])
def test_an_upload_that_is_cut_leaves_nothing(stack: Stack, drill: Round, length: str) -> None:
    drill.empty()
    files = stack.folder / "files/imports"
    before = set(files.glob("*"))
    host, port = stack.api().split("/")[2].split(":")
    body = second_file(2_000, 1)
    if "chunked" in length:
        body = f"{len(body):x}\r\n".encode() + body + b"\r\n"
    path = "/api/imports/v1/uploads?kind=customers&filename=cut.csv"
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{HEADER}: {sign_identity(stack.folder / 'keys', PERSON)}\r\n"
    with socket.create_connection((host, int(port))) as browser:
        browser.sendall(f"{head}{length}\r\n\r\n".encode() + body)
        until(lambda: set(files.glob("*")) - before, "the upload is being stored")
    until(lambda: set(files.glob("*")) == before, "nothing of it is left")
    assert stack.ask("GET", "/jobs").json()["items"] == []
