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

    @property
    def features(self) -> frozenset[str]:
        """Which parts are switched on."""


@dataclass(frozen=True)
class MenuEntry:
    """One entry of the main menu, for who has any of `permissions`; without, for everybody who is signed in.

    That of a `feature` is there while the feature is on.
    """

    label: str
    href: str
    icon: str
    permissions: frozenset[str] = frozenset()
    feature: str = ""

    def is_active(self, path: str) -> bool:
        """Tell whether the page at `path` lies under this entry, and under no entry that lies deeper."""
        deepest = max((entry.href for entry in MENU if entry.covers(path)), key=len, default="")
        return deepest == self.href

    def covers(self, path: str) -> bool:
        """Tell whether the page at `path` lies under this entry."""
        return path == self.href or (self.href != "/" and path.startswith(f"{self.href}/"))


SETTINGS = frozenset({"users.manage", "settings.manage", "audit.view", "operations.view"})
MENU = (
    MenuEntry("Overview", "/", icon="layout-dashboard"),
    MenuEntry("Customers", "/customers", icon="users", permissions=frozenset({"customers.view"})),
    MenuEntry(
        "Associates",
        "/associates",
        icon="users-group",
        permissions=frozenset({"associates.view"}),
        feature="partner_management",
    ),
    MenuEntry("Imports", "/imports", icon="file-import", permissions=frozenset({"import", "assign", "jobs.all"})),
    MenuEntry("Exports", "/imports/exports", icon="file-export", permissions=frozenset({"export"})),
    MenuEntry("Settings", "/settings", icon="settings", permissions=SETTINGS),
)


def menu_for(reader: Reader | None) -> list[MenuEntry]:
    """Return the entries that this person may open; none for somebody who is not signed in."""
    if not reader:
        return []
    return [
        entry
        for entry in MENU
        if (not entry.permissions or entry.permissions & reader.permissions)
        and (not entry.feature or entry.feature in reader.features)
    ]


@functools.cache
def static_url(name: str) -> str:
    """Return the address of a file in `shared/ui/static`; it changes with the content, so it can be cached."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"
