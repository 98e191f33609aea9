"""The drills of every test run: a worker and the owner are killed in the middle of a transaction (I10, I11)."""

from tests.drills.rounds import Round
from tests.drills.stack import Stack


def test_killed_workers_and_a_killed_owner_change_nothing(stack: Stack) -> None:
    drill = Round(stack, seed=1, rows=3_000)

    def breaking(job: str) -> None:
        with drill.blocked():
            assert stack.kill_children("imports-short")
        with drill.blocked():
            stack.kill("customers-bulk")

    expected = drill.undisturbed()
    assert drill.disturbed(breaking) == expected
    assert expected.state == "completed_with_errors"
    assert expected.counts["created"] == expected.counts["updated"] == 1_500


def test_killed_workers_and_a_killed_owner_change_nothing_about_an_undo(stack: Stack) -> None:
    drill = Round(stack, seed=2, rows=3_000)

    def breaking(job: str) -> None:
        with drill.held():
            assert stack.kill_children("imports-short")
        with drill.held():
            stack.kill("customers-bulk")

    drill.taken_back(breaking)
