"""`python -m services.imports.cli import KIND FILE`: import a file from the command line, through the API.

Needs LIAISON_URL and LIAISON_TOKEN (a personal access token). Exits 0 when every row went in (with --dry-run: would go
in), 1 when a row was refused or the job did not come to a good end, 2 when it could not be done at all.

What is typed comes first. The rest is as on the screen: a file of refused rows is matched and applied as in the import
that refused them, any other is matched as it was saved for its columns, else by their names; what is used is said. Only
this person's last import of such a file is not taken up, as a screen does it: nobody looks at it here, and a script has
to do tomorrow what it does today, whatever its user imported by hand in between.
"""

import argparse
import json
import os
import sys
import time
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from services.imports.api_client import Api, Trouble

POLL_SECONDS = 0.4
SHOWN = 10
SAID = ("values", "blanks")  # of a column of a saved matching
COUNTS = ("rows", "created", "updated", "unchanged", "skipped", "failed")
PLANNED = {
    "created": "created",
    "updated": "updated",
    "unchanged": "left as they are",
    "skipped": "skipped",
    "failed": "refused",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _parse(arguments)
    try:
        return _run(options)
    except Trouble as trouble:
        print(f"liaison import: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nNo longer watching; the import goes on.", file=sys.stderr)
        return 130


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="liaison", description="Import a CSV file.")
    commands = parser.add_subparsers(dest="command", required=True)
    imports = commands.add_parser("import", help="import a CSV file and wait for its end")
    imports.add_argument("kind", metavar="KIND", nargs="?", help="what the file holds, for example customers")
    imports.add_argument("file", metavar="FILE", nargs="?", type=Path)
    _add_choices(imports)
    imports.add_argument(
        "--dry-run",
        action="store_true",
        help="check the whole file, import nothing, and tell what an import would do. The checked file stays ready for"
        " 30 days: import it with --job, or look at it and discard it on its screen",
    )
    imports.add_argument(
        "--job", type=uuid.UUID, metavar="ID", help="import a file that --dry-run has checked, instead of KIND and FILE"
    )
    imports.add_argument("--json", action="store_true", help="print the job as JSON")
    options = parser.parse_args(arguments)
    others = {name: told for name, told in vars(options).items() if name not in ("command", "job", "json")}
    if options.job and any(told != imports.get_default(name) for name, told in others.items()):
        imports.error("--job imports the file as it was checked, and takes no other choice than --json")
    if not options.job and not options.file:
        imports.error("say KIND and FILE")
    return options


def _add_choices(imports: argparse.ArgumentParser) -> None:
    """Add the choices; what is not typed is None, so that a choice of before stands, as the module tells."""
    yes_or_no = argparse.BooleanOptionalAction
    imports.add_argument("--mode", choices=("create", "update", "both"), help="what rows may do (both)")
    imports.add_argument("--match", help="by what rows find their record: code (default) or email for most")
    imports.add_argument("--blank", choices=("keep", "clear"), help="what a blank cell does (keep)")
    imports.add_argument(
        "--repeated", choices=("refuse", "fold"), help="rows whose key came before in the file (refuse)"
    )
    imports.add_argument(
        "--overwrite-newer",
        action=yes_or_no,
        help="let rows of an export overwrite what others changed since; without it such rows are refused",
    )
    imports.add_argument(
        "--associates",
        choices=("add", "replace"),
        help="associates that rows of customers name come to the others (add), or replace those who have their role",
    )
    imports.add_argument(
        "--create-associates",
        action=yes_or_no,
        help="create associates that are not known, who cannot sign in; without it such rows are refused",
    )
    imports.add_argument(
        "--saved", metavar="NAME", help="match the columns as saved under this name; --map and --set come before it"
    )
    imports.add_argument("--map", action="append", default=[], metavar="COLUMN=FIELD", help="may be repeated")
    imports.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="the same value in all rows; may be repeated"
    )
    imports.add_argument(
        "--drop-others", action=yes_or_no, help="leave out columns that feed nothing; without it they are kept"
    )


def _run(options: argparse.Namespace) -> int:
    address, token = os.environ.get("LIAISON_URL"), os.environ.get("LIAISON_TOKEN")
    if not address or not token:
        raise Trouble("set LIAISON_URL and LIAISON_TOKEN in the environment.")
    pairs, constants = _pairs(options.map), _constants(options.set)
    if options.file and not options.file.is_file():
        raise Trouble(f"there is no file {options.file}.")
    with Api(address, token) as api:
        job_id = options.job or _prepare(api, options, pairs, constants)
        api.call("POST", f"/jobs/{job_id}/{'check' if options.dry_run else 'start'}")
        job = wait(api, job_id, Bar(sys.stderr))
    if job["state"] == "ready":
        _print_check(job, address, as_json=options.json)
        return 1 if job["check"]["counts"]["failed"] else 0
    _print(job, address, as_json=options.json)
    return 0 if job["state"] == "completed" and not job["counts"]["failed"] else 1


def _prepare(api: Api, options: argparse.Namespace, pairs: dict[str, str], constants: dict[str, str]) -> str:
    """Upload the file and match its columns; return the id of the job. What cannot be matched leaves no job."""
    job = api.upload(options.kind, options.file)
    try:
        _match(api, options, job, pairs, constants)
    except Trouble:
        api.call("POST", f"/jobs/{job['id']}/cancel")
        raise
    return str(job["id"])


def _match(
    api: Api, options: argparse.Namespace, job: dict[str, Any], pairs: dict[str, str], constants: dict[str, str]
) -> None:
    for warning in job["warnings"]:
        print(warning, file=sys.stderr)
    _check_columns(job, pairs)
    saved = saved_mapping(api, options.kind, options.saved) if options.saved else None
    found = api.call("GET", f"/jobs/{job['id']}/matches", params={"saved": saved["id"]} if saved else {})
    _say_source(found)
    _say_missing(saved["mapping"]["columns"] if saved else {}, job, pairs)
    mapping = _changed(found["mapping"], pairs, constants)
    _say_suggestions(found["items"], mapping["columns"])
    if options.drop_others is not None:
        mapping["keep_unmapped"] = not options.drop_others
    choices = found["options"] | _typed(options)
    if not options.match and not found["job"]:
        choices["match"] = _match_for(api, options.kind, {*mapping["columns"].values(), *mapping["constants"]})
    choices["mapping"] = mapping
    api.call("PATCH", f"/jobs/{job['id']}", json=choices, headers={"If-Match": f'"{job["version"]}"'})


def _typed(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options that were typed, as the API calls them."""
    names = ("mode", "match", "blank", "repeated", "associates", "create_associates")
    typed = {name: told for name in names if (told := getattr(options, name)) is not None}
    if options.overwrite_newer is not None:
        typed["newer"] = "overwrite" if options.overwrite_newer else "refuse"
    return typed


def _changed(mapping: dict[str, Any], pairs: dict[str, str], constants: dict[str, str]) -> dict[str, Any]:
    """Return a mapping after --map and --set, which come before it; what it says about other columns stays."""
    told = {column: field for column, field in mapping["columns"].items() if field not in pairs.values()} | pairs
    columns = {column: field for column, field in told.items() if field and field not in constants}
    kept = {column for column, field in columns.items() if mapping["columns"].get(column) == field}
    others = {name: value for name, value in mapping["constants"].items() if name not in columns.values()}
    said = {name: {column: mapping[name][column] for column in kept if column in mapping[name]} for name in SAID}
    return {**mapping, "columns": columns, "constants": others | constants, **said}


def _say_source(found: dict[str, Any]) -> None:
    """Say what was remembered for the file: nothing is where its columns are matched by their names."""
    saved, job = found["saved"], found["job"]
    if saved:
        print(f"Matched as saved under “{saved['name']}”.", file=sys.stderr)
    if job:
        day = datetime.fromisoformat(job["created_at"])
        does = "Rows are applied" if saved else "Matched, and applied,"
        print(f"{does} as in the import of {job['file_name']} of {day:%-d %B %Y}.", file=sys.stderr)


def _say_missing(saved: dict[str, str], job: dict[str, Any], pairs: dict[str, str]) -> None:
    there = {column.casefold() for column in job["header"]}
    told = [column for column, field in saved.items() if field not in pairs.values() and column not in pairs]
    if missing := [column for column in told if " ".join(column.split()).casefold() not in there]:
        print(f"The file has no column {', '.join(f'“{one}”' for one in missing)} of that matching.", file=sys.stderr)


def _say_suggestions(matches: list[dict[str, Any]], columns: dict[str, str]) -> None:
    for match in matches:
        column, field = match["column"], match["suggestion"]
        if match["how"] == "fuzzy" and columns.get(column) == field:
            print(f"“{column}” was taken as {field}; say --map '{column}=' to leave it out.", file=sys.stderr)


def saved_mapping(api: Api, kind: str, name: str) -> dict[str, Any]:
    """Return what is saved under this name for files of a kind."""
    found = api.call("GET", "/mappings", params={"kind": kind, "name": name})["items"]
    if found:
        return dict(found[0])
    known = [one["name"] for one in api.call("GET", "/mappings", params={"kind": kind})["items"]]
    there = f"There are: {', '.join(known)}." if known else "None is saved for this kind yet."
    raise Trouble(f"no matching is saved as “{name}” for {kind}. {there}")


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        column, sign, field = text.rpartition("=")
        if not sign or not column:
            raise Trouble(f"--map takes COLUMN=FIELD, not “{text}”.")
        pairs[column] = field
    return pairs


def _constants(texts: list[str]) -> dict[str, str]:
    constants = {}
    for text in texts:
        field, _, value = text.partition("=")
        if not field or not value:
            raise Trouble(f"--set takes FIELD=VALUE, not “{text}”.")
        constants[field] = value
    return constants


def _check_columns(job: dict[str, Any], pairs: dict[str, str]) -> None:
    unknown = [column for column in pairs if column not in job["header"]]
    if unknown:
        raise Trouble(f"the file has no column “{unknown[0]}”. It has: {', '.join(job['header'])}.")


def _match_for(api: Api, kind: str, fed: set[str]) -> str:
    """Return the first key that the file has, the first of all if it has none."""
    keys = api.call("GET", f"/targets/{kind}")["keys"]
    return str(next((key["name"] for key in keys if fed & {key["field"], *key["also"]}), keys[0]["name"]))


def wait(api: Api, job_id: str | uuid.UUID, bar: "Bar") -> dict[str, Any]:
    """Show how far a job is until it has ended or is checked; return it. Raise Trouble when its check was stopped."""
    while True:
        job = api.call("GET", f"/jobs/{job_id}")
        bar.show(job["state"], job["progress"])
        if job["progress"]["final"] or job["state"] == "ready":
            bar.end()
            return job
        if job["state"] == "mapped":
            bar.end()
            raise Trouble(f"the check of {job['file_name']} was stopped, and nothing imported.")
        time.sleep(POLL_SECONDS)


def _print(job: dict[str, Any], address: str, *, as_json: bool) -> None:
    counts = {name: job["counts"][name] or 0 for name in COUNTS}
    difference = (job["check"] or {}).get("difference")
    if as_json:
        told = {"id": job["id"], "state": job["state"], "counts": counts, "error_file": job["error_file"]}
        print(json.dumps(told | ({"difference": difference} if job["check"] else {})))
        return
    words = ", ".join(f"{counts[name]:,} {name}" for name in COUNTS[1:] if counts[name])
    print(f"{job['file_name']}: {job['state'].replace('_', ' ')}. {counts['rows']:,} rows: {words or 'none'}.")
    if difference:
        print(difference)
    if job["failure"]:
        print(job["failure"]["sentence"])
    _print_error_file(job, address)


def _print_error_file(job: dict[str, Any], address: str) -> None:
    if job["error_file"]:
        print(f"The refused rows, with reasons: {address.rstrip('/')}{job['error_file']}")


def _print_check(job: dict[str, Any], address: str, *, as_json: bool) -> None:
    """Print what an import of a checked file would do, with the first rows of each sort."""
    check = job["check"]
    if as_json:
        told = {name: check[name] for name in ("counts", "fields", "sample", "newer")}
        print(json.dumps({"id": job["id"], "state": job["state"], **told, "error_file": job["error_file"]}))
        return
    counts, sample = check["counts"], check["sample"]
    words = ", ".join(f"{counts[name]:,} would be {PLANNED[name]}" for name in PLANNED if counts[name])
    print(f"{job['file_name']}: checked, nothing imported. {counts['rows']:,} rows: {words or 'none'}.")
    if check["fields"]:
        listed = ", ".join(f"{one['field']} in {one['rows']:,}" for one in check["fields"][:SHOWN])
        more = f", and {len(check['fields']) - SHOWN} more fields" if len(check["fields"]) > SHOWN else ""
        print(f"Updates would change {listed}{more}.")
    if check["newer"]:
        does = "overwrite those changes"
        if job["newer"] == "refuse":
            does = "be refused; check again with --overwrite-newer to import them"
        rows = "1 row was" if check["newer"] == 1 else f"{check['newer']:,} rows were"
        print(f"{rows} changed by others since this export and would {does}.")
    for row in sample["updated"]:
        changes = (f"{one['field']} {one['old'] or 'nothing'} -> {one['new'] or 'nothing'}" for one in row["changes"])
        print(f"  line {row['line']}, update {row['record']}: {', '.join(changes)}")
    for row in sample["created"]:
        print(f"  line {row['line']}, create: {', '.join(one['value'] for one in row['values'])}")
    for row in sample["refused"]:
        print(f"  line {row['line']}, refuse: {row['message']}")
    _print_error_file(job, address)
    print(f"Import it: ./liaison import --job {job['id']}")
    print(f"Look at it, or discard it: {address.rstrip('/')}/imports/{job['id']}")


class Bar:
    """Progress on a terminal as one line that changes, elsewhere as a line every tenth."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.live = stream.isatty()
        self.said: tuple[str, int] | None = None

    def show(self, state: str, progress: dict[str, Any]) -> None:
        """Show how far it is."""
        step, percent = progress["step"], progress["percent"]
        text = f"{step.replace('_', ' '):<10} {percent:5.1f} %  {progress['done']:,}"
        if progress["expected"]:
            text += f" of {progress['expected']:,} rows"
        if progress["rate"]:
            text += f"  {progress['rate']:,.0f} rows/s"
        if progress["seconds_left"] is not None:
            text += f"  {progress['seconds_left']} s left"
        if progress["waiting"]:
            text += f"  {progress['waiting']}"
        if self.live:
            filled = round(percent / 5)
            self.stream.write(f"\r\x1b[2K[{'#' * filled}{'.' * (20 - filled)}] {text}"[:200])
            self.stream.flush()
        elif self.said != (now := (state, int(percent // 10))):
            self.said = now
            print(text, file=self.stream)

    def end(self) -> None:
        """Leave the line."""
        if self.live:
            self.stream.write("\n")


if __name__ == "__main__":
    sys.exit(main())
