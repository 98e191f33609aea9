"""`python -m services.portal.seed`: what a fresh installation needs. Safe to repeat, and to run twice at once.

The first administrator's name and password go to FIRST_SIGN_IN_FILE (0600) if that is set, else to standard output.
"""

import os
import sys
from pathlib import Path

from sqlalchemy.orm import Session

from services.portal import config
from services.portal.domain.setup import FIRST_ADMIN, prepare
from shared.db import make_engine


def run(url: str, file: Path | None) -> str | None:
    """Seed the database at `url`; return the first administrator's password if they were made now."""
    engine = make_engine(url, pool_size=1)
    password = None
    try:
        with Session(engine) as session, session.begin():
            password = prepare(session)
            if password and file:
                _write(file, f"{FIRST_ADMIN}\n{password}\n")  # before the commit: a password nobody knows is worse
    except BaseException:
        if password and file:
            file.unlink(missing_ok=True)
        raise
    finally:
        engine.dispose()
    return password


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(text)
    fresh.replace(file)


def main() -> None:
    """Seed as the environment says."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        sys.exit("seed: set DATABASE_URL in the environment.")
    file = config.first_sign_in_file()
    password = run(url, file)
    if password is None:
        print("portal: users are there already")
    elif file:
        print(f"portal: made the user {FIRST_ADMIN}; the password is in {file}")
    else:
        print(f"portal: made the user {FIRST_ADMIN} with the password {password}")


if __name__ == "__main__":
    main()
