"""What the layout needs on every page: the menu, and where the scripts and styles are."""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

STATIC = Path(__file__).parent / "static"


class Reader(Protocol):
    """Somebody who is signed in; `shared.identity.Identity` is one."""

    @property
    def permissions(self) -> frozenset[str]:
        """What they may do."""


@dataclass(frozen=True)
class MenuEntry:
    """One entry of the main menu; `permission` "" means everybody who is signed in sees it."""

    label: str
    href: str
    icon: str
    permission: str = ""
    root: str = ""

    def is_active(self, path: str) -> bool:
        """Tell whether the page at `path` lies under this entry (under `root`, if it has one)."""
        root = self.root or self.href
        return path == root or (root != "/" and path.startswith(f"{root}/"))


MENU = (
    MenuEntry("Overview", "/", icon="layout-dashboard"),
    MenuEntry("Customers", "/customers", icon="users", permission="customers.view"),
    MenuEntry("Imports", "/imports", icon="file-import", permission="import"),
    MenuEntry("Settings", "/settings/users", icon="settings", permission="users.manage", root="/settings"),
)


def menu_for(reader: Reader | None) -> list[MenuEntry]:
    """Return the entries that this person may open; none for somebody who is not signed in."""
    if not reader:
        return []
    return [entry for entry in MENU if not entry.permission or entry.permission in reader.permissions]


@functools.cache
def static_url(name: str) -> str:
    """Return the address of a file in `shared/ui/static`; it changes with the content, so it can be cached."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"
