"""Reading compose files: durations, who needs whom, and the file we ship, by the real Compose."""

import re
import signal
from pathlib import Path

import pytest

from ops.compose import Spec, closure, read_compose, seconds, stop_order
from ops.failure import Failure
from ops.passwords import NAMES, keep_passwords
from ops.place import BIN, INTERNAL_PORTS, ROOT, find_place

FILE = ROOT / "docker-compose.yml"
PROGRAM = BIN / "docker-compose"


def stack(tmp_path: Path, **environment: str) -> dict[str, Spec]:
    passwords = keep_passwords(tmp_path / "secrets.env")
    place = find_place({"LIAISON_STATE": str(tmp_path), **environment})
    return read_compose(FILE, PROGRAM, [ROOT / "ops/native.env"], place.environment() | passwords)


def spec(name: str, *needs: str) -> Spec:
    return Spec(name, "", (), needs=dict.fromkeys(needs, "service_started"))


@pytest.mark.parametrize(("text", "value"), [("1m30s", 90), ("500ms", 0.5), ("1h", 3600), (None, 7), ("2s", 2)])
def test_duration_when_read_is_in_seconds(text: str | None, value: float) -> None:
    assert seconds(text, 7) == value


def test_stop_order_when_some_need_others_ends_the_needy_first() -> None:
    specs = {one.name: one for one in (spec("db"), spec("web", "db"), spec("job", "db"), spec("gate", "web"))}
    assert stop_order(specs) == [["job", "gate"], ["web"], ["db"]]


def test_stop_order_when_needs_go_in_a_circle_is_refused() -> None:
    with pytest.raises(Failure, match="circle"):
        stop_order({"a": spec("a", "b"), "b": spec("b", "a")})


def test_closure_when_a_service_is_wanted_has_all_it_needs() -> None:
    specs = {one.name: one for one in (spec("db"), spec("web", "once"), spec("once", "db"), spec("gate", "web"))}
    assert list(closure(specs, ["web"])) == ["db", "web", "once"]


def test_compose_file_when_run_natively_listens_on_loopback_alone(tmp_path: Path) -> None:
    for service in stack(tmp_path).values():
        text = " ".join([*service.command, *service.environment.values()])
        assert "0.0.0.0" not in text, service.name
        if "gunicorn" in service.command:
            assert service.command[service.command.index("--bind") + 1].startswith("127.0.0.1:")


def test_compose_file_when_run_natively_leaves_no_container_address(tmp_path: Path) -> None:
    names = stack(tmp_path)
    for service in names.values():
        for key, value in service.environment.items():
            assert not re.search(rf"[/@]({'|'.join(names)}):(8000|5432|6379)", value), f"{service.name}: {key}"
            assert not value.startswith(("/keys", "/files", "file:///files", "/srv", "/etc")), f"{service.name}: {key}"


def test_compose_file_when_ports_are_moved_follows(tmp_path: Path) -> None:
    text = str(stack(tmp_path, LIAISON_PORT="9123", LIAISON_BASE_PORT="21000", LIAISON_CUSTOMERS_PORT="21999"))
    assert "http://:9123" in text
    assert "http://localhost:9123" in text
    assert "127.0.0.1:21999" in text
    assert "127.0.0.1:21000/portal" in text


def test_compose_file_when_passwords_are_missing_says_how_to_make_them(tmp_path: Path) -> None:
    environment = dict.fromkeys(NAMES, "")
    with pytest.raises(Failure, match="run python3 -m ops"):
        read_compose(FILE, PROGRAM, [], environment)


def test_compose_file_when_run_by_docker_is_valid_without_native_settings(tmp_path: Path) -> None:
    specs = read_compose(FILE, PROGRAM, [], dict.fromkeys(NAMES, "x"))
    assert specs["customers"].environment["DATABASE_URL"] == "postgresql+psycopg://customers:x@db:5432/customers"
    assert specs["customers"].environment["IMPORTS_URL"] == "http://imports:8000"


def test_every_long_runner_when_it_ends_is_started_again(tmp_path: Path) -> None:
    once = {name for name, one in stack(tmp_path).items() if not one.restarts}
    needed_done = {
        other
        for one in stack(tmp_path).values()
        for other, how in one.needs.items()
        if how == "service_completed_successfully"
    }
    assert needed_done <= once
    assert {name for name in once if not name.endswith("-migrate")} == {"keys", "databases", "portal-seed"}


def test_web_service_when_it_runs_has_a_health_check(tmp_path: Path) -> None:
    for service in stack(tmp_path).values():
        if service.command[0] in ("gunicorn", "caddy", "postgres", "valkey-server"):
            assert service.health, service.name


def test_celery_workers_when_stopped_get_the_time_for_a_soft_shutdown(tmp_path: Path) -> None:
    workers = [one for one in stack(tmp_path).values() if one.command[0] == "celery" and "worker" in one.command]
    assert workers
    for worker in workers:
        assert worker.stop_signal == signal.SIGTERM
        assert worker.environment["REMAP_SIGTERM"] == "SIGQUIT"
        assert worker.grace >= 30


def test_ports_when_copies_are_neighbours_do_not_overlap() -> None:
    seen: set[int] = set()
    for port in ("8080", "8081", "8090", "80", "443", "3000", "5000", "8000", "8443", "8888", "9000"):
        ports = set(find_place({"LIAISON_PORT": port}).ports.values())
        assert len(ports) == len(INTERNAL_PORTS) + 1
        assert not ports & seen
        seen |= ports


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "80.5", "８０"])
def test_port_when_it_is_none_is_refused_with_its_name(port: str) -> None:
    with pytest.raises(Failure, match="LIAISON_PORT"):
        find_place({"LIAISON_PORT": port})


def test_ports_when_two_are_the_same_are_refused() -> None:
    with pytest.raises(Failure, match="LIAISON_DB_PORT and LIAISON_PORT are both 8080"):
        find_place({"LIAISON_DB_PORT": "8080"})


def test_passwords_when_made_are_kept_and_private(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    file.write_text("MINE=1")
    first = keep_passwords(file)
    assert set(first) == {*NAMES, "MINE"}
    assert len({first[name] for name in NAMES}) == len(NAMES)
    assert keep_passwords(file) == first
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]
