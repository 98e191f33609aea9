"""`python -m bench [NAME [ARGUMENTS]]`, which is what `./liaison bench` runs: measurements, each beside its floor.

Each takes a copy of Liaison of its own. Without a name all of them run, one after the other.
"""

import sys

from bench import assign, busy, export, imports, live_search, others, page, scope, start, undo, workers

BENCHES = {
    "start": start.run,
    "import": imports.run,
    "others": others.run,
    "undo": undo.run,
    "workers": workers.run,
    "export": export.run,
    "assign": assign.run,
    "search": live_search.run,
    "scope": scope.run,
    "page": page.run,
    "busy": busy.run,
}
USAGE = f"""usage: ./liaison bench [NAME [ARGUMENTS]], NAME one of {", ".join(BENCHES)}
  import [ROWS ...]    an import, the same again, and COPY of the same rows; 100000 and 1000000 rows by default
  others [ROWS]        an import beside django-import-export's of the same rows; 100000 by default
  undo [ROWS ...]      imports that create and that change, and their undo; 100000 and 1000000 rows by default
  workers [ROWS]       an import by one worker process and by two; 300000 rows by default
  export [ROWS]        the whole list to a file, beside COPY of the same query; 1000000 rows by default
  assign [CUSTOMERS]   three associates for all customers, and away again, beside the bare statements; 100000 by default
  search [ROWS]        live search at so many accounts, by classes of input
  scope [ROWS]         customers by associate, with a text, and as associates see them, at so many accounts
  page                 requests per second beside a bare Flask view
  busy [ROWS]          search, saving and a small import while a large one runs, beside the same when idle
  start                seconds from `up` to ready, and the memory of all parts at rest
"""


def main(arguments: list[str]) -> int:
    """Run what is asked for; return the exit code."""
    name, *more = arguments or [""]
    if name and name not in BENCHES:
        sys.stderr.write(USAGE)
        return 2
    for bench in [name] if name else BENCHES:
        print(f"--- {bench}", flush=True)
        BENCHES[bench](more)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
