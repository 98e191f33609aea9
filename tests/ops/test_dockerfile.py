"""The images: one Dockerfile, one service's code in each, nothing run as root, everything pinned and used."""

import re
from pathlib import Path

import pytest
import yaml

from ops.place import ROOT

TEXT = (ROOT / "Dockerfile").read_text()
INSTRUCTIONS = {
    *("ARG", "CMD", "COPY", "ENV", "EXPOSE", "FROM", "RUN", "USER", "WORKDIR"),
}
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if (path / "app.py").exists())


def instructions(text: str) -> list[tuple[str, str]]:
    """Return (instruction, arguments), continued lines joined."""
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def stages() -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for instruction, arguments in instructions(TEXT):
        if instruction == "FROM":
            current = found.setdefault(arguments.split(" AS ")[1], [])
        current.append((instruction, arguments))
    return found


def copied(stage: str) -> list[str]:
    """Return what a stage copies from the project, not from another stage."""
    return [
        source
        for instruction, arguments in stages()[stage]
        if instruction == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    ]


def test_dockerfile_when_read_has_known_instructions_and_named_stages() -> None:
    assert {instruction for instruction, _ in instructions(TEXT)} <= INSTRUCTIONS
    for instruction, arguments in instructions(TEXT):
        if instruction == "FROM":
            image, _, name = arguments.partition(" AS ")
            assert name, arguments
            assert ":" in image, arguments
            assert not image.endswith(":latest"), arguments


def test_copy_from_a_stage_when_built_finds_it() -> None:
    for instruction, arguments in instructions(TEXT):
        if instruction == "COPY" and (source := re.match(r"--from=(\S+)", arguments)):
            assert source[1] in stages()


@pytest.mark.parametrize("stage", ["service", "gateway"])
def test_image_when_run_is_not_root(stage: str) -> None:
    users = [arguments for instruction, arguments in stages()[stage] if instruction == "USER"]
    assert users, stage
    assert users[-1].isdigit(), "Kubernetes can only check a number"
    assert users[-1] != "0"


@pytest.mark.parametrize("service", SERVICES)
def test_service_image_when_built_holds_no_other_service(service: str) -> None:
    sources = [source.replace("${SERVICE}", service) for source in copied("service")]
    assert sorted(sources) == sorted(["shared", "services/__init__.py", f"services/{service}"])
    assert all((ROOT / source).exists() for source in sources)


def test_what_is_copied_when_sent_to_the_builder_is_let_through() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for stage in stages():
        for source in copied(stage):
            assert (ROOT / source.replace("${SERVICE}", "portal")).exists(), source
            assert any(source == one or source.startswith(f"{one}/") for one in kept), source


def test_packages_when_installed_are_checked_by_hash() -> None:
    text = " ".join(arguments for _, arguments in instructions(TEXT))
    assert "--require-hashes" in text
    assert "npm ci" in text
    lock = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in lock, "a lock that names one registry works behind no other"


def test_images_when_named_in_compose_have_a_build_of_their_own() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name, service in services.items():
        if service["image"].startswith("liaison-"):
            image = service["image"].split(":")[0].removeprefix("liaison-")
            built = service["build"].get("args", {}).get("SERVICE") or service["build"]["target"]
            assert built == image, name
            if image in SERVICES:
                code = " ".join(service["command"])
                others = [other for other in SERVICES if other != image]
                assert not any(f"services.{other}." in code for other in others), name


def test_commands_when_they_name_a_module_have_it() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name, service in services.items():
        for word in service["command"]:
            if found := re.match(r"((?:services|shared)(?:\.\w+)+)", str(word)):
                assert Path(ROOT, *found[1].split(".")).with_suffix(".py").exists(), f"{name}: {word}"
