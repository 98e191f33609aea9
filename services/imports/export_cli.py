"""`python -m services.imports.export_cli KIND FILE`: export a list to a file from the command line, through the API.

Needs LIAISON_URL and LIAISON_TOKEN (a personal access token). Exits 0 when the file was written, 1 when the export did
not come to a good end, 2 when it could not be done at all. FILE is there whole or not at all.
"""

import argparse
import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from services.imports import cli
from services.imports.api_client import Api, Trouble
from services.imports.cli import Bar

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    options = _parse(arguments)
    try:
        return _run(options)
    except Trouble as trouble:
        print(f"liaison export: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nNo longer waiting; the export goes on and stays among the exports for a day.", file=sys.stderr)
        return 130


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="liaison export", description="Export a list to a CSV file and wait for it.")
    parser.add_argument("kind", metavar="KIND", help="customers or contacts")
    parser.add_argument("file", metavar="FILE", type=Path)
    filter_help = "q, status, kind, role, tag, account or associate (a code), associate_role; may be repeated"
    parser.add_argument("--filter", action="append", default=[], metavar="NAME=VALUE", help=filter_help)
    column_help = "may be repeated; attributes.* is all attributes, a column each; what an import reads by default"
    parser.add_argument("--column", action="append", default=[], metavar="NAME", help=column_help)
    parser.add_argument("--delimiter", choices=DELIMITERS, default="comma")
    parser.add_argument("--no-bom", action="store_true", help="no byte order mark (Excel needs it to know UTF-8)")
    parser.add_argument("--json", action="store_true", help="print the export as JSON")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> int:
    address, token = os.environ.get("LIAISON_URL"), os.environ.get("LIAISON_TOKEN")
    if not address or not token:
        raise Trouble("set LIAISON_URL and LIAISON_TOKEN in the environment.")
    wish = {
        "kind": options.kind,
        "filter": _pairs(options.filter),
        "columns": options.column,
        "delimiter": DELIMITERS[options.delimiter],
        "bom": not options.no_bom,
    }
    if not options.file.absolute().parent.is_dir():
        raise Trouble(f"there is no folder {options.file.absolute().parent}.")
    with Api(address, token) as api:
        export = api.call("POST", "/exports", json=wish, headers={"Idempotency-Key": uuid.uuid4().hex})
        export = _wait(api, export["id"], Bar(sys.stderr))
        if export["file"]:
            _save(api, export["id"], options.file)
    _print(export, options)
    return 0 if export["file"] else 1


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise Trouble(f"--filter takes NAME=VALUE, not “{text}”.")
        pairs[name] = value
    return pairs


def _wait(api: Api, export_id: str, bar: Bar) -> dict[str, Any]:
    while True:
        export = api.call("GET", f"/exports/{export_id}")
        progress = export["progress"]
        step = "waiting" if progress["waiting"] else "writing" if export["state"] == "running" else export["state"]
        bar.show(export["state"], {**progress, "step": step, "done": progress["rows"]})
        if progress["final"]:
            bar.end()
            return export
        time.sleep(cli.POLL_SECONDS)


def _save(api: Api, export_id: str, path: Path) -> None:
    """Write the file under another name first, so that whoever reads `path` never finds half of it."""
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with partial.open("wb") as file:
            for piece in api.download(f"/exports/{export_id}/file"):
                file.write(piece)
        partial.replace(path)
    except OSError as error:
        raise Trouble(f"cannot write {path} ({error.strerror}).") from error
    finally:
        partial.unlink(missing_ok=True)


def _print(export: dict[str, Any], options: argparse.Namespace) -> None:
    rows = export["progress"]["rows"]
    if options.json:
        told = {"id": export["id"], "state": export["state"], "rows": rows, "bytes": export["file_size"]}
        print(json.dumps({**told, "file": str(options.file) if export["file"] else None}))
    elif export["file"]:
        print(f"{options.file}: {rows:,} {options.kind}, {export['file_size']:,} bytes.")
    else:
        print(f"The export {export['state']}." + (f" {export['failure']['sentence']}" if export["failure"] else ""))


if __name__ == "__main__":
    sys.exit(main())
