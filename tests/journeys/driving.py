"""A running copy, and what every journey does with it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Copy:
    """A running copy: its address, the admin's password, and its own `./liaison`."""

    url: str
    state: Path
    environment: dict[str, str]
    password: str

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `./liaison ARGUMENTS` for this copy."""
        done = subprocess.run(
            [ROOT / "liaison", *arguments], env=self.environment, capture_output=True, text=True, check=False, cwd=ROOT
        )
        assert done.returncode == 0 or not check, done.stderr
        return done


def sign_in(page: Page, copy: Copy, user: str = "admin") -> None:
    """Sign in through the screen."""
    page.goto("/sign-in")
    page.get_by_label("Username").fill(user)
    page.locator("input[name=password]").fill(copy.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
