"""`./liaison up` and its sisters, as a person uses them, over a stack of three small servers."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.processes import know
from tests.ops.copies import Copy, eventually, small_copy


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    with small_copy(tmp_path / "copy") as made:
        yield made


def all_gone(copy: Copy) -> bool:
    return not any(know(pid) for pid in copy.pids())


def test_up_when_all_is_ready_has_started_in_order_of_needs_and_stops_in_reverse(copy: Copy) -> None:
    launcher = copy.up()
    assert copy.answers(copy.below)
    assert copy.answers(copy.above)
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait(20) == 0
    assert [(event, name) for event, name, _ in copy.told()] == [
        ("started", "below"),
        ("started", "above"),
        ("stopped", "above"),
        ("stopped", "below"),
    ]
    assert all_gone(copy)
    assert not (copy.state / "run.json").exists()


def test_part_when_it_crashes_is_started_again(copy: Copy) -> None:
    launcher = copy.up()
    copy.crash(copy.above)
    assert launcher.stdout
    said = next(line for line in launcher.stdout if "starts again" in line)
    assert "above" in said
    assert "ended with 3" in said
    eventually(lambda: copy.answers(copy.above))
    eventually(lambda: json.loads((copy.state / "run.json").read_text())["services"]["above"]["state"] == "healthy")
    assert json.loads((copy.state / "run.json").read_text())["services"]["above"]["restarts"] == 1
    assert len(copy.pids()) == 3


def test_launcher_when_killed_leaves_nothing(tmp_path: Path) -> None:
    with small_copy(tmp_path / "copy", stubborn="yes") as copy:  # `below` ignores the signal of the kernel
        launcher = copy.up()
        launcher.kill()
        launcher.wait()
        eventually(lambda: all_gone(copy), 25)
        eventually(lambda: not (copy.state / "run.json").exists())


def test_up_when_the_last_launcher_was_killed_just_works(copy: Copy) -> None:
    launcher = copy.up()
    launcher.kill()
    launcher.wait()
    copy.up()
    assert copy.answers(copy.above)


def test_up_when_it_runs_already_says_where(copy: Copy) -> None:
    copy.up()
    second = copy.liaison("up")
    assert second.returncode == 1
    assert f"already runs over {copy.state}, at http://localhost:{copy.environment['LIAISON_PORT']}" in second.stderr


def test_two_copies_when_run_side_by_side_keep_apart(tmp_path: Path) -> None:
    with small_copy(tmp_path / "one") as one, small_copy(tmp_path / "two") as two:
        assert one.liaison("up", "--detach").returncode == 0
        assert two.liaison("up", "--detach").returncode == 0
        assert one.liaison("down").returncode == 0
        assert all_gone(one)
        assert two.answers(two.above)
        assert two.liaison("status").returncode == 0


def test_detached_when_ready_returns_and_down_ends_it(copy: Copy) -> None:
    started = copy.liaison("up", "--detach")
    assert started.returncode == 0, started.stderr
    assert "Liaison is ready" in started.stdout
    status = copy.liaison("status")
    assert status.returncode == 0
    assert [line.split()[:2] for line in status.stdout.splitlines()[1:3]] == [
        ["above", "healthy"],
        ["below", "healthy"],
    ]
    assert copy.liaison("down").stdout == "Liaison is stopped.\n"
    assert all_gone(copy)
    assert copy.liaison("status").returncode == 3


def test_detached_when_a_part_cannot_start_says_which_and_why(tmp_path: Path) -> None:
    with small_copy(tmp_path / "copy", once="raise SystemExit('no such table')") as copy:
        started = copy.liaison("up", "--detach")
        assert started.returncode == 1
        assert "once failed with 1" in started.stderr
        assert "no such table" in started.stderr
        assert "Traceback" not in started.stderr
        assert all_gone(copy)


def test_up_when_a_port_is_taken_names_it(copy: Copy) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", copy.above))
        other.listen()
        started = copy.liaison("up", "--detach")
    assert started.returncode == 1
    assert f"Port {copy.above} (LIAISON_CUSTOMERS_PORT) is in use." in started.stderr
    assert started.stderr.count("\n") == 1


def test_first_sign_in_when_it_waits_is_told(copy: Copy) -> None:
    copy.state.mkdir()
    (copy.state / "first-sign-in.txt").write_text("admin\nblue-fox-7\n")
    assert "Sign in as admin with password blue-fox-7 (kept in" in copy.liaison("up", "--detach").stdout


def test_logs_when_asked_for_show_the_end(copy: Copy) -> None:
    copy.liaison("up", "--detach")
    assert copy.liaison("logs", "once").stdout == "done\n"
    unknown = copy.liaison("logs", "nobody")
    assert unknown.returncode == 1
    assert "Known: " in unknown.stderr


def test_commands_when_it_does_not_run_say_start_it_first(copy: Copy) -> None:
    for command in (["demo"], ["token", "admin"], ["password", "admin"], ["import", "customers", "x.csv"]):
        done = copy.liaison(*command)
        assert (done.returncode, done.stdout) == (1, "")
        assert "Start it first: ./liaison up" in done.stderr


def test_state_when_it_cannot_be_written_is_one_sentence(copy: Copy, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    copy.environment["LIAISON_STATE"] = str(tmp_path / "file" / "state")
    done = copy.liaison("up")
    assert done.returncode == 1
    assert done.stderr.startswith("Cannot write to")
    assert os.linesep not in done.stderr.strip()
