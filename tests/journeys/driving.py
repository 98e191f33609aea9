"""A running copy, and what every journey does with it."""

import contextlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from playwright.sync_api import Page

from ops.place import find_place
from ops.stack import read_stack

ROOT = Path(__file__).resolve().parents[2]
# How far each feed was read stays, with the events: what happened is never read again.
EMPTY = """
DO $$ BEGIN EXECUTE (
    SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' RESTART IDENTITY' FROM pg_tables
    WHERE schemaname = 'public' AND tablename NOT IN ('alembic_version', 'outbox', 'inbox', 'feed_cursor')
); END $$
"""
WITHOUT_ASSOCIATES = """
DELETE FROM setting;
UPDATE portal_user SET kind = 'employee', active = false, associate_id = NULL WHERE associate_id IS NOT NULL;
DELETE FROM tied_associate;
"""


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

    def empty(self) -> None:
        """Forget all customers, associates and jobs, and switch off what was switched on; the admin's sign-in stays."""
        admin = read_stack(find_place(self.environment))["databases"].environment["ADMIN_DATABASE_URL"]
        for service in ("customers", "associates", "imports"):
            with psycopg.connect(f"{admin.rpartition('/')[0]}/{service}", autocommit=True) as connection:
                connection.execute("SET lock_timeout = '1s'")
                for _ in range(30):  # workers look into these tables every few seconds
                    with contextlib.suppress(psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                        connection.execute(EMPTY)
                        break
                else:
                    raise AssertionError(f"the tables of {service} are never free")
        with psycopg.connect(f"{admin.rpartition('/')[0]}/portal") as connection:
            connection.execute(WITHOUT_ASSOCIATES)


def sign_in(page: Page, copy: Copy, user: str = "admin", password: str = "", to: str = "**/") -> None:
    """Sign in through the screen, which leads `to` some page."""
    page.goto("/sign-in")
    page.get_by_label("Username").fill(user)
    page.locator("input[name=password]").fill(password or copy.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(to)
