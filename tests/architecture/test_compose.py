"""docker-compose.yml runs what the code needs: a worker for every queue, one database per service."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("customers", "associates", "portal", "imports")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return loaded


def words(service: dict[str, Any]) -> str:
    command = service.get("command") or []
    return command if isinstance(command, str) else " ".join(map(str, command))


def test_queue_when_used_in_code_has_a_worker(compose: dict[str, Any]) -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "services").rglob("*.py"))
    used = set(re.findall(r'"((?:imports|customers|associates|portal)\.(?:short|long|events|mail))"', code))
    served: set[str] = set()
    for service in compose.values():
        if found := re.search(r"(?:-Q|--queues)[ =](\S+)", words(service)):
            served |= set(found.group(1).split(","))
    assert used, "no queue found in the code: this test would pass for nothing"
    assert used <= served


def test_service_when_run_opens_only_its_own_database(compose: dict[str, Any]) -> None:
    for name, service in compose.items():
        url = (service.get("environment") or {}).get("DATABASE_URL", "")
        owner = next((one for one in SERVICES if name.startswith(one)), None)
        if url and owner:
            assert f"//{owner}:" in url, name
            assert url.rstrip('"').endswith(f"/{owner}"), name


def test_migrations_when_the_service_starts_have_run(compose: dict[str, Any]) -> None:
    for name in SERVICES:
        needs = compose[name]["depends_on"]
        assert needs[f"{name}-migrate"]["condition"] == "service_completed_successfully"
