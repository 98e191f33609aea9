"""The access token with which the command line calls the API of its own copy."""

import os
import urllib.error
import urllib.request
from pathlib import Path

from ops.failure import Failure
from ops.place import Place
from ops.stack import run_in_service


def own_token(place: Place) -> str:
    """Return a token of LIAISON_USER (admin), made when none works; nobody else on this machine can read it."""
    user = os.environ.get("LIAISON_USER") or "admin"
    file = place.state / f"token-{user.replace('/', '_')}"
    if file.exists() and _works(place, token := file.read_text().strip()):
        return token
    done = run_in_service(place, "portal", ["-m", "services.portal.cli", "token", user], capture=True)
    if done.returncode or not done.stdout.strip():
        raise Failure(f"Could not get an access token for {user}. Set LIAISON_TOKEN, or LIAISON_USER to another user.")
    token = done.stdout.split()[-1]
    _keep(file, token)
    return token


def _works(place: Place, token: str) -> bool:
    """Tell whether the gateway still takes it; any answer but a 401 is none of our business here."""
    question = urllib.request.Request(
        f"http://127.0.0.1:{place.ports['LIAISON_PORT']}/api/imports/v1/jobs?limit=1",
        headers={"Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(question, timeout=30):  # noqa: S310 - our own address
            return True
    except urllib.error.HTTPError as error:
        return error.code != 401
    except OSError:
        return True


def _keep(file: Path, token: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(token)
