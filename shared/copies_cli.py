"""The command line of a service that keeps copies: `check` compares them with the owner, `rebuild` makes them anew."""

import argparse
import sys
from collections.abc import Callable

from shared.http import ServiceClient, ServiceUnavailable
from shared.settings import Settings
from shared.web import create_app

Action = Callable[[ServiceClient], list[str]]


def run(settings: Settings, owner: str, *, check: Action, rebuild: Action) -> int:
    """Do what the argument says, print a line for each thing it found or did; 1 when a check finds something.

    Both get a client of `owner`, and run inside the application of their service.
    """
    actions = {"check": check, "rebuild": rebuild}
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("action", choices=tuple(actions))
    action = parser.parse_args().action
    client = ServiceClient(settings, owner, seconds=60)
    with create_app(settings, database={"pool_size": 2}).app_context():
        try:
            lines = actions[action](client)
        except ServiceUnavailable as error:
            sys.exit(f"{settings.service}: {error.sentence}")
    for line in lines:
        print(f"{settings.service}: {line}")
    return 1 if action == "check" and lines else 0
