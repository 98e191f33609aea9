"""Find a browser for the journeys, without root and without a download of its own.

Taken in this order: LIAISON_BROWSER, Playwright's own, an installed Chrome or Chromium, else (Linux on x86-64) the
Chromium inside the npm package @sparticuz/chromium, unpacked once into `.state/chromium`.
"""

import contextlib
import fcntl
import io
import os
import platform
import shutil
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ops.place import ROOT

INSTALLED = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PACKAGE = ROOT / "node_modules/@sparticuz/chromium/bin"


@dataclass(frozen=True)
class Browser:
    """A program to hand to Playwright's `chromium.launch`, with the environment it needs on top of ours."""

    program: str
    environment: dict[str, str] = field(default_factory=dict)

    def launch_arguments(self) -> dict[str, object]:
        """Return the keyword arguments for `chromium.launch`."""
        return {
            "executable_path": self.program,
            "args": list(ARGUMENTS),
            "env": {**os.environ, **self.environment},
            "chromium_sandbox": False,  # it takes rights that containers and root do not have
        }


def candidates(playwrights_own: str | None, state: Path) -> Iterator[Browser]:
    """Yield the browsers there are, best first; the last one is unpacked only when it is asked for."""
    for name in (os.environ.get("LIAISON_BROWSER"), playwrights_own, *(shutil.which(name) for name in INSTALLED)):
        if name and Path(name).exists():
            yield Browser(name)
    if PACKAGE.exists() and sys.platform == "linux" and platform.machine() == "x86_64":
        folder = unpack(state / "chromium")
        libraries = str(folder / "al2023/lib")
        fonts = str(folder / "fonts/fonts.conf")
        yield Browser(str(folder / "chromium"), {"LD_LIBRARY_PATH": libraries, "FONTCONFIG_FILE": fonts})


def unpack(folder: Path) -> Path:
    """Unpack the Chromium of @sparticuz/chromium into `folder`, once, with its libraries and fonts."""
    import brotli  # type: ignore[import-untyped] # a development package

    with _only_one(folder):
        if (folder / "chromium").exists():
            return folder
        fresh = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for name in ("al2023", "swiftshader", "fonts"):
            content = io.BytesIO(brotli.decompress((PACKAGE / f"{name}.tar.br").read_bytes()))
            with tarfile.open(fileobj=content) as archive:
                archive.extractall(fresh if name == "swiftshader" else fresh / name, filter="data")
        program = fresh / "chromium"
        program.write_bytes(brotli.decompress((PACKAGE / "chromium.br").read_bytes()))
        program.chmod(0o755)
        (fresh / "fonts/fonts.conf").write_text(
            f"<fontconfig><dir>{folder / 'fonts'}</dir><cachedir>{folder / 'fontcache'}</cachedir></fontconfig>"
        )
        fresh.rename(folder)
    return folder


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
