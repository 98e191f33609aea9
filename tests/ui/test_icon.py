"""Icons are drawn from our own copies, so that no service needs node_modules to run."""

import re
from pathlib import Path

import pytest

from shared.ui.icon import ICONS, MissingIconError, copy_icons, icon

PROJECT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"""\bicon["']?\s*(?:\(|[:=])\s*["']([a-z0-9-]+)["']""")


def _sources() -> list[Path]:
    found = [
        *PROJECT.glob("shared/**/*.html"),
        *PROJECT.glob("services/**/*.html"),
        *PROJECT.glob("tests/ui/**/*.html"),
    ]
    return [*found, *PROJECT.glob("shared/**/*.py"), *PROJECT.glob("services/**/*.py")]


def test_icon_when_a_template_uses_it_has_been_copied() -> None:
    used = {(name, path.name) for path in _sources() for name in NAME.findall(path.read_text())}
    assert ("users", "layout.py") in used
    assert ("map-off", "error.html") in used
    missing = sorted(entry for entry in used if not (ICONS / f"{entry[0]}.svg").is_file())
    assert missing == [], "copy them: python -m shared.ui NAME..."


def test_icon_when_drawn_is_hidden_from_screen_readers() -> None:
    drawn = icon("plus", "me-1")
    assert drawn.startswith("<svg ")
    assert 'class="icon me-1" aria-hidden="true"' in drawn


@pytest.mark.parametrize("name", ["no-such-icon", "../icons/plus", "plus\n", ""])
def test_icon_when_unknown_says_how_to_get_it(name: str) -> None:
    with pytest.raises(MissingIconError, match=r"python -m shared\.ui"):
        icon(name)


def test_copy_when_the_name_is_unknown_stops(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no outline icon 'x'"):
        copy_icons(["x"], tmp_path)


def test_icons_when_copied_keep_their_licence() -> None:
    assert "MIT License" in (ICONS / "LICENSE").read_text()
