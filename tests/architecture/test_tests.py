"""Every function in a test file is collected, a fixture, or plainly a part of another; every file is named to be found."""

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_function_when_it_looks_like_a_test_is_collected() -> None:
    lost = []
    for path in TESTS.rglob("*.py"):
        names = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        tests = [name for name in names if name.startswith(("test", "tset", "text_"))]
        lost += [
            f"{path.relative_to(TESTS)}: {name}"
            for name in tests
            if not path.name.startswith("test_") or not name.startswith("test_")
        ]
    assert lost == []


def test_name_when_given_twice_in_one_file_is_reported() -> None:
    doubled = []
    for path in TESTS.rglob("test_*.py"):
        names = [node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        doubled += [f"{path.relative_to(TESTS)}: {name}" for name in set(names) if names.count(name) > 1]
    assert doubled == []
