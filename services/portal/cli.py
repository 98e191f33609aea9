"""`python -m services.portal.cli token USER` and `... password USER`: ways in for whoever runs the machine.

`token` prints a personal access token for 30 days; those made before stay valid. `password` prints a temporary
password, valid for 24 hours, and ends the user's sessions and access tokens.
"""

import argparse
import os
import sys

from sqlalchemy.orm import Session

from services.portal.domain import credentials, tokens, users
from services.portal.domain.actor import Actor
from services.portal.domain.permissions import ALL
from services.portal.errors import UserNotFound
from shared.db import make_engine

OPERATOR = Actor(None, "Command line", ALL)
TOKEN_NAME = "command line"  # noqa: S105 (the name of one)
TOKEN_DAYS = 30


def run(url: str, action: str, username: str) -> str:
    """Return the new token or password of a user; raise UserNotFound."""
    engine = make_engine(url, pool_size=1)
    try:
        with Session(engine) as session, session.begin():
            user = users.user_named(session, username)
            if action == "token":
                name = tokens.free_name(session, user.id, TOKEN_NAME)
                return tokens.create_token(session, OPERATOR, name, TOKEN_DAYS, owner=users.subject_of(user))[1]
            return credentials.set_password(session, OPERATOR, user.id, None).generated or ""
    finally:
        engine.dispose()


def main() -> None:
    """Do what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m services.portal.cli", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=("token", "password"))
    parser.add_argument("user", help="the username")
    chosen = parser.parse_args()
    url = os.environ.get("DATABASE_URL")
    if not url:
        sys.exit("portal: set DATABASE_URL in the environment.")
    try:
        print(run(url, chosen.action, chosen.user))
    except UserNotFound:
        sys.exit(f"portal: there is no user {chosen.user}.")


if __name__ == "__main__":
    main()
