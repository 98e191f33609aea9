"""Icons as inline SVG, from the copies in `shared/ui/icons` (Tabler Icons, MIT licence).

`python -m shared.ui NAME...` copies more of them out of node_modules.
"""

import functools
import re
import shutil
from pathlib import Path

from markupsafe import Markup, escape

ICONS = Path(__file__).parent / "icons"


class MissingIconError(LookupError):
    """The icon has not been copied to `shared/ui/icons`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no icon '{name}' in shared/ui/icons. Copy it: python -m shared.ui {name}")


@functools.cache
def icon(name: str, cls: str = "") -> Markup:
    """Return the icon as `<svg>` that screen readers skip; raise MissingIconError."""
    file = ICONS / f"{name}.svg"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not file.is_file():
        raise MissingIconError(name)
    drawing = " ".join(file.read_text(encoding="utf-8").split()).replace(" >", ">").replace(" />", "/>")
    for needless in (' xmlns="http://www.w3.org/2000/svg"', ' <path stroke="none" d="M0 0h24v24H0z" fill="none"/>'):
        drawing = drawing.replace(needless, "")
    attributes = f'class="{escape(" ".join(["icon", *cls.split()]))}" aria-hidden="true"'
    return Markup(re.sub(r'class="[^"]*"', attributes, drawing, count=1))  # noqa: S704 - our own files


def copy_icons(names: list[str], assets: Path) -> None:
    """Copy the outline icons of these names from the npm package under `assets`; stop at an unknown name."""
    for name in names:
        source = assets / "@tabler/icons/icons/outline" / f"{name}.svg"
        if not source.is_file():
            raise SystemExit(f"Tabler Icons has no outline icon '{name}'. See https://tabler.io/icons")
        shutil.copyfile(source, ICONS / f"{name}.svg")
