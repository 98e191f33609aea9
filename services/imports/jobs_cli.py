"""`python -m services.imports.jobs_cli undo JOB` and `... jobs`: take an import back, and list the latest, by the API.

The list has exports, too.

Needs LIAISON_URL and LIAISON_TOKEN (a personal access token). `undo` exits 0 when all was taken back, 1 when something
stayed, 2 when it could not be done at all.
"""

import argparse
import json
import os
import sys
import uuid
from datetime import datetime
from typing import Any

from services.imports import cli
from services.imports.api_client import Api, NotPermitted, Trouble
from services.imports.cli import Bar
from shared.bulk import UNDO_COUNTS

SHOWN = ("id", "kind", "state", "file_name", "counts", "created_at", "finished_at", "undo", "undo_until")
WORDS = {
    "removed": "removed",
    "restored": "with their old values again",
    "kept": "kept",
    "gone": "deleted before",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _parse(arguments)
    address, token = os.environ.get("LIAISON_URL"), os.environ.get("LIAISON_TOKEN")
    try:
        if not address or not token:
            raise Trouble("set LIAISON_URL and LIAISON_TOKEN in the environment.")
        with Api(address, token) as api:
            return undo(api, options) if options.command == "undo" else jobs(api, options)
    except Trouble as trouble:
        print(f"liaison {options.command}: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nNo longer watching.", file=sys.stderr)
        return 130


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="liaison", description="Look after imports.")
    commands = parser.add_subparsers(dest="command", required=True)
    takes_back = commands.add_parser("undo", help="take an import back and wait for its end")
    takes_back.add_argument("job", metavar="JOB", type=uuid.UUID, help="its id, as import and jobs tell it")
    takes_back.add_argument("--json", action="store_true", help="print what became of it as JSON")
    lists = commands.add_parser("jobs", help="list the latest imports, mass changes and exports")
    lists.add_argument("--json", action="store_true", help="print them as JSON")
    lists.add_argument(
        "-n", "--limit", type=int, default=20, choices=range(1, 101), metavar="COUNT", help="20 if not told"
    )
    return parser.parse_args(arguments)


def undo(api: Api, options: argparse.Namespace) -> int:
    """Take an import back; print what was removed, given back and kept."""
    api.call("POST", f"/jobs/{options.job}/undo")
    job = cli.wait(api, options.job, Bar(sys.stderr))
    undone = job["undo"]
    if options.json:
        counts = {name: undone[name] for name in UNDO_COUNTS}
        told = {"counts": counts, "failure": undone["failure"], "kept_file": undone["kept_file"]}
        print(json.dumps({"id": job["id"], "state": job["state"], **told}))
    else:
        words = ", ".join(f"{undone[name]:,} {word}" for name, word in WORDS.items() if undone[name])
        print(f"{job['file_name']}: {job['state'].replace('_', ' ')}. {words or 'Nothing was left to take back'}.")
        if undone["failure"]:
            print(undone["failure"])
        if undone["kept_file"]:
            print(f"What stayed, with reasons: {api.address.rstrip('/')}{undone['kept_file']}")
    return 0 if job["state"] == "undone" else 1


def jobs(api: Api, options: argparse.Namespace) -> int:
    """Print the latest imports, mass changes and exports, the newest first."""
    found = _latest(api, options.limit)
    if options.json:
        print(json.dumps(found))
        return 0
    for job in found:
        made = datetime.fromisoformat(job["created_at"]).astimezone()
        counts = ", ".join(f"{job['counts'][name]:,} {name}" for name in cli.COUNTS[1:] if job["counts"][name])
        if job["what"] == "export":
            counts = f"{job['counts']['rows']:,} {job['kind']}"
        what, state = job["what"].replace("_", " "), job["state"].replace("_", " ")
        print(f"{job['id']}  {made:%Y-%m-%d %H:%M}  {what:<11}  {state:<21}  {job['file_name']}  {counts}")
    if not found:
        print("No imports or exports yet.", file=sys.stderr)
    return 0


def _latest(api: Api, limit: int) -> list[dict[str, Any]]:
    """Return what this person may see of both; raise NotPermitted for who may see neither."""
    found, refused = list[dict[str, Any]](), list[NotPermitted]()
    for path, shown in (("/jobs", _job), ("/exports", _export)):
        try:
            found += map(shown, api.call("GET", path, params={"limit": limit})["items"])
        except NotPermitted as refusal:
            refused.append(refusal)
    if len(refused) == 2:
        raise refused[0]
    return sorted(found, key=lambda job: datetime.fromisoformat(job["created_at"]), reverse=True)[:limit]


def _job(job: dict[str, Any]) -> dict[str, Any]:
    return {**{name: job[name] for name in SHOWN}, "what": "mass_change" if job["kind"] == "mass_change" else "import"}


def _export(export: dict[str, Any]) -> dict[str, Any]:
    """Return an export with all that an import has, so that programs can read the one like the other."""
    counts = {**dict.fromkeys(cli.COUNTS, 0), "rows": export["progress"]["rows"]}
    return {**{name: export.get(name) for name in SHOWN}, "counts": counts, "what": "export"}


if __name__ == "__main__":
    sys.exit(main())
