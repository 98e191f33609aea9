"""The passwords of one installation, made once and kept. `python3 -m ops.passwords .env` makes them for Docker."""

import os
import secrets
import sys
from pathlib import Path

NAMES = (
    "POSTGRES_PASSWORD",
    "PORTAL_DB_PASSWORD",
    "CUSTOMERS_DB_PASSWORD",
    "ASSOCIATES_DB_PASSWORD",
    "IMPORTS_DB_PASSWORD",
)


def read_env(path: Path) -> dict[str, str]:
    """Return the NAME=value lines of a file; nothing when there is no file."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def keep_passwords(path: Path) -> dict[str, str]:
    """Return the passwords in `path`, after adding those that are missing. Only the owner may read the file."""
    known = read_env(path)
    missing = [name for name in NAMES if not known.get(name)]
    if missing:
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        text = path.read_text() if path.exists() else ""
        if text and not text.endswith("\n"):
            text += "\n"
        made = {name: secrets.token_urlsafe(24) for name in missing}
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text + "".join(f"{name}={value}\n" for name, value in made.items()))
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        known |= made
    return known


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python3 -m ops.passwords FILE")
    keep_passwords(Path(sys.argv[1]))
    print(f"The passwords are in {sys.argv[1]}. Keep the file: the databases know no others.")
