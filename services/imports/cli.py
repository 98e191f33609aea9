"""`python -m services.imports.cli import KIND FILE`: import a file from the command line, through the API.

Needs LIAISON_URL and LIAISON_TOKEN (a personal access token). Exits 0 when every row went in (with --dry-run: would go
in), 1 when a row was refused or the job did not come to a good end, 2 when it could not be done at all.
"""

import argparse
import json
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, TextIO

import httpx

API = "/api/imports/v1"
POLL_SECONDS = 0.4
PATIENCE_SECONDS = 120.0
SHOWN = 10
SAID = ("values", "blanks")  # of a column of a saved matching
AGAIN = "check again with --overwrite-newer to import them"
COUNTS = ("rows", "created", "updated", "unchanged", "skipped", "failed")
PLANNED = {
    "created": "created",
    "updated": "updated",
    "unchanged": "left as they are",
    "skipped": "skipped",
    "failed": "refused",
}


class Trouble(Exception):
    """Why it cannot be done, in one sentence for a person."""


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
    imports.add_argument("--mode", choices=("create", "update", "both"), default="both")
    imports.add_argument("--match", help="by what rows find their record: code (default) or email for most")
    imports.add_argument("--blank", choices=("keep", "clear"), default="keep", help="what a blank cell does")
    imports.add_argument(
        "--repeated", choices=("refuse", "fold"), default="refuse", help="rows whose key came before in the file"
    )
    imports.add_argument(
        "--overwrite-newer",
        action="store_true",
        help="let rows of an export overwrite what others changed since; without it such rows are refused",
    )
    imports.add_argument(
        "--associates",
        choices=("add", "replace"),
        default="add",
        help="associates that rows of customers name come to the others (add), or replace those who have their role",
    )
    imports.add_argument(
        "--create-associates",
        action="store_true",
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
        "--drop-others", action="store_true", help="leave out columns that feed nothing; without it they are kept"
    )
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


def _prepare(api: "Api", options: argparse.Namespace, pairs: dict[str, str], constants: dict[str, str]) -> str:
    """Upload the file and match its columns; return the id of the job. What cannot be matched leaves no job."""
    job = api.upload(options.kind, options.file)
    try:
        _match(api, options, job, pairs, constants)
    except Trouble:
        api.call("POST", f"/jobs/{job['id']}/cancel")
        raise
    return str(job["id"])


def _match(
    api: "Api", options: argparse.Namespace, job: dict[str, Any], pairs: dict[str, str], constants: dict[str, str]
) -> None:
    for warning in job["warnings"]:
        print(warning, file=sys.stderr)
    saved = saved_mapping(api, options.kind, options.saved) if options.saved else {}
    found = _columns_as_saved(job, saved, pairs) if saved else _columns(api, job, pairs)
    columns = {column: field for column, field in found.items() if field not in constants}
    fed = {*columns.values(), *constants}
    constants = {name: value for name, value in saved.get("constants", {}).items() if name not in fed} | constants
    kept = [column for column, field in columns.items() if saved.get("columns", {}).get(column) == field]
    mapping = {
        "columns": columns,
        "constants": constants,
        "keep_unmapped": not options.drop_others and saved.get("keep_unmapped", True),
        **{name: {column: saved[name][column] for column in kept if column in saved[name]} for name in SAID if saved},
    }
    choices = {
        "mapping": mapping,
        "mode": options.mode,
        "match": options.match or _match_for(api, options.kind, {*columns.values(), *constants}),
        "blank": options.blank,
        "repeated": options.repeated,
        "newer": "overwrite" if options.overwrite_newer else "refuse",
        "associates": options.associates,
        "create_associates": options.create_associates,
    }
    api.call("PATCH", f"/jobs/{job['id']}", json=choices, headers={"If-Match": f'"{job["version"]}"'})


def saved_mapping(api: "Api", kind: str, name: str) -> dict[str, Any]:
    """Return the mapping that is saved under this name for files of a kind."""
    found = api.call("GET", "/mappings", params={"kind": kind, "name": name})["items"]
    if found:
        return dict(found[0]["mapping"])
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


def _columns(api: "Api", job: dict[str, Any], pairs: dict[str, str]) -> dict[str, str]:
    """Return which column feeds which field: as found, as suggested (said on stderr), and as told."""
    _check_columns(job, pairs)
    columns = {}
    for match in api.call("GET", f"/jobs/{job['id']}/matches")["items"]:
        column, field = match["column"], match["field"] or match["suggestion"]
        if column in pairs or not field or field in pairs.values():
            continue
        columns[column] = field
        if match["how"] == "fuzzy":
            print(f"“{column}” was taken as {field}; say --map '{column}=' to leave it out.", file=sys.stderr)
    return columns | {column: field for column, field in pairs.items() if field}


def _check_columns(job: dict[str, Any], pairs: dict[str, str]) -> None:
    unknown = [column for column in pairs if column not in job["header"]]
    if unknown:
        raise Trouble(f"the file has no column “{unknown[0]}”. It has: {', '.join(job['header'])}.")


def _columns_as_saved(job: dict[str, Any], saved: dict[str, Any], pairs: dict[str, str]) -> dict[str, str]:
    """Return which column feeds which field: as saved, and as told; say which columns the file has not."""
    _check_columns(job, pairs)
    told = {column: field for column, field in saved["columns"].items() if field not in pairs.values()} | pairs
    if missing := [column for column in told if column not in job["header"]]:
        print(f"The file has no column {', '.join(f'“{one}”' for one in missing)} of that matching.", file=sys.stderr)
    return {column: field for column, field in told.items() if field and column in job["header"]}


def _match_for(api: "Api", kind: str, fed: set[str]) -> str:
    """Return the first key that the file has, the first of all if it has none."""
    keys = api.call("GET", f"/targets/{kind}")["keys"]
    return str(next((key["name"] for key in keys if fed & {key["field"], *key["also"]}), keys[0]["name"]))


def wait(api: "Api", job_id: str | uuid.UUID, bar: "Bar") -> dict[str, Any]:
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
        refuses = job["newer"] == "refuse"
        does = f"be refused; {AGAIN}" if refuses else "overwrite those changes"
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


class Api:
    """The API of imports; every refusal becomes Trouble with its sentence."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.http = httpx.Client(
            base_url=f"{address.rstrip('/')}{API}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=httpx.Timeout(60, connect=5),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def upload(self, kind: str, path: Path) -> dict[str, Any]:
        """Send the file; memory stays flat."""
        headers = {"Content-Type": "text/csv", "Idempotency-Key": uuid.uuid4().hex}
        with path.open("rb") as file:
            query = {"kind": kind, "filename": path.name}
            return self._answer(
                self._send("POST", "/uploads", params=query, content=file, headers=headers, timeout=600)
            )

    def call(self, method: str, path: str, **what: Any) -> dict[str, Any]:
        """Return the answer; wait for a part that does not answer just now, as during a restart."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                response = self._send(method, path, **what)
                if response.status_code not in (502, 503, 504) or time.monotonic() > until:
                    return self._answer(response)
            except Trouble:
                if method != "GET" or time.monotonic() > until:
                    raise
            time.sleep(1)

    def download(self, path: str) -> Iterator[bytes]:
        """Give a file piece by piece."""
        try:
            with self.http.stream("GET", path, timeout=600) as response:
                if response.is_error:
                    response.read()
                    raise _trouble_of(response)
                yield from response.iter_bytes()
        except httpx.HTTPError as error:
            raise Trouble(f"the download broke off ({type(error).__name__}). Try again.") from error

    def _send(self, method: str, path: str, **what: Any) -> httpx.Response:
        try:
            return self.http.request(method, path, **what)
        except httpx.HTTPError as error:
            raise Trouble(f"{self.address} does not answer ({type(error).__name__}). Is Liaison running?") from error

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        if response.is_success and "json" in response.headers.get("Content-Type", ""):
            return dict(response.json())
        raise _trouble_of(response)


def _trouble_of(response: httpx.Response) -> Trouble:
    if response.status_code == 401:
        return Trouble("the access token is not valid. Make a new one with ./liaison token USER.")
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    sentence = problem.get("detail") or f"the answer was {response.status_code}, which was not expected."
    words = [f"{where}: {word}" for where, all_words in problem.get("errors", {}).items() for word in all_words]
    return Trouble(" ".join([sentence, *(word for word in words if not word.endswith(sentence))]))


if __name__ == "__main__":
    sys.exit(main())
