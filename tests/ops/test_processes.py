"""Knowing processes again, ending what is left, back-off, logs, and the set-up's plain sentences."""

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ops import provision
from ops.journal import LogFile, Terminal, last_lines, trouble_in
from ops.part import FIRST_PAUSE, LONGEST_PAUSE, next_pause
from ops.processes import Known, Leader, alive, end_all, families, know
from ops.provision import explain

WAITS = [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"]
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


def waiting(code: str = "") -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [WAITS[0], "-c", code + WAITS[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout
    process.stdout.readline()
    return process


def test_process_when_its_number_is_used_again_is_another(tmp_path: Path) -> None:
    with waiting() as process:
        known = know(process.pid)
        assert known
        assert alive(known)
        stranger = Known(known.pid, known.started - 1)  # what a record says of a process that ended long ago
        assert not alive(stranger)
        assert end_all({"other": Leader(stranger, signal.SIGTERM, 5)}) == []
        assert process.poll() is None
        assert end_all({"mine": Leader(known, signal.SIGTERM, 5)}) == ["mine"]
        assert process.wait() == -signal.SIGTERM
        assert know(process.pid) is None


def test_leftover_when_it_ignores_its_stop_signal_is_killed() -> None:
    with waiting(STUBBORN) as process:
        known = know(process.pid)
        assert known
        end_all({"mine": Leader(known, signal.SIGTERM, 0.1)})
        assert process.wait() == -signal.SIGKILL


def test_leftover_when_its_leader_is_dead_is_found_by_the_group() -> None:
    spawn = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'], stdin=0); "
    with waiting(spawn) as leader:
        known = know(leader.pid)
        assert known
        [child] = [one for one in families([leader.pid])[leader.pid] if one.pid != leader.pid]
        leader.kill()
        leader.wait()
        assert alive(child)
        assert end_all({"mine": Leader(known, signal.SIGTERM, 0.1)}) == ["mine"]
        assert not alive(child)


def test_pause_when_starts_fail_again_and_again_grows_to_a_limit() -> None:
    pause, pauses = 0.0, []
    for _ in range(8):
        pause = next_pause(pause, lived=0.1)
        pauses.append(pause)
    assert pauses == [0.5, 1, 2, 4, 8, 15, 15, 15]
    assert pauses[-1] == LONGEST_PAUSE
    assert next_pause(pause, lived=60) == FIRST_PAUSE


def test_log_when_it_is_full_is_rotated(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "a.log", limit=100)
    for number in range(60):
        log.write(f"line {number:03}\n".encode())
    log.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["a.log", "a.log.1", "a.log.2", "a.log.3"]
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert last_lines(tmp_path / "a.log", 2) == ["line 058", "line 059"]


@pytest.mark.parametrize(
    ("line", "shown", "quiet"),
    [
        ('{"level": "info", "event": "an ERROR in words"}', None, None),
        ('{"level": "error", "event": "gone"}', "error: gone", "error: gone"),
        ('{"level": "warn", "msg": "slow"}', "warn: slow", None),
        (
            "2026-11-21 [12] FATAL:  no password",
            "2026-11-21 [12] FATAL:  no password",
            "2026-11-21 [12] FATAL:  no password",
        ),
        ("WARNING: overcommit", "WARNING: overcommit", None),
        ("listening", None, None),
        ("{not json", None, None),
    ],
)
def test_log_line_when_it_is_trouble_is_shown(line: str, shown: str | None, quiet: str | None) -> None:
    assert trouble_in(line, warnings=True) == shown
    assert trouble_in(line, warnings=False) == quiet


def test_terminal_when_it_is_closed_is_no_reason_to_stop() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    stream.close()
    terminal.say("db", "ready")


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("npm error code ENOTFOUND", "Check the network"),
        ("error: Failed to fetch\n  Caused by: dns error: failed to lookup", "Check the network"),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("error: hash mismatch\nfor x", "The set-up stopped in uv: error: hash mismatch / for x"),
        ("", "no reason given"),
    ],
)
def test_set_up_when_it_fails_says_what_to_do(output: str, sentence: str) -> None:
    said = explain("uv", output)
    assert sentence in said
    assert "\n" not in said


def test_set_up_when_python_has_no_venv_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(provision.Failure, match="apt install python3"):
        provision._make_venv()


def test_set_up_when_the_full_set_is_there_serves_the_small_one(tmp_path: Path) -> None:
    stamp = tmp_path / "stamp"
    assert provision._wanted(stamp, "full 1", "small 1", development=False) == "small 1"
    stamp.write_text("small 1")
    assert provision._wanted(stamp, "full 1", "small 1", development=False) is None
    assert provision._wanted(stamp, "full 1", "small 1", development=True) == "full 1"
    stamp.write_text("full 1")
    assert provision._wanted(stamp, "full 1", "small 1", development=False) is None
    assert provision._wanted(stamp, "full 2", "small 2", development=False) == "full 2"
