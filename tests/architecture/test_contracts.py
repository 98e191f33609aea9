"""The import contracts hold, and a planted violation is caught."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VIOLATIONS = {
    "a service imports another": ("services/imports/domain/planted.py", "import services.customers.models\n"),
    "shared imports a service": ("shared/planted.py", "import services.portal.models\n"),
    "domain knows Flask": ("services/customers/domain/planted.py", "import flask\n"),
    "a page touches models": ("services/portal/pages/planted.py", "import services.portal.models\n"),
    "domain imports its api": ("services/customers/domain/planted.py", "import services.customers.api\n"),
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__", "templates", "static", "icons")
    for name in ("services", "shared"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_contracts_when_nothing_is_planted_hold(copy: Path) -> None:
    result = lint_imports(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("violation", VIOLATIONS)
def test_contracts_when_broken_are_caught(copy: Path, violation: str) -> None:
    path, line = VIOLATIONS[violation]
    target = copy / path
    if not target.parent.is_dir():  # the layer is one file here, not a package
        target = target.parent.with_suffix(".py")
        line = target.read_text() + line
    target.write_text(line)
    result = lint_imports(copy)
    assert result.returncode == 1
    assert "BROKEN" in result.stdout
