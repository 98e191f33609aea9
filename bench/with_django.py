"""Imports a CSV into table account by django-import-export: `python bench/with_django.py CSV COLUMN:TYPE ...`.

Runs in the environment of requirements/others.txt. Needs PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE; prints the
seconds.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import models

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"]}},
    INSTALLED_APPS=["import_export"],
    USE_TZ=True,
)
django.setup()

from import_export import resources  # noqa: E402 # after the set-up
from tablib import Dataset  # noqa: E402

FIELDS: dict[str, Any] = {
    "text": lambda: models.TextField(null=True),  # as the table has it
    "boolean": models.BooleanField,
    "uuid": lambda: models.UUIDField(primary_key=True),
}


def main(path: str, *columns: str) -> None:
    """Import the file; one transaction, saved by the thousand."""
    fields = {name: FIELDS[kind]() for name, kind in (column.split(":") for column in columns)}
    meta = type("Meta", (), {"app_label": "import_export", "db_table": "account", "managed": False})
    account = type("Account", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})
    about = {"model": account, "import_id_fields": ("code_key",), "use_bulk": True, "batch_size": 1000}
    resource = resources.modelresource_factory(account, meta_options=about)()
    started = time.perf_counter()
    data = Dataset().load(Path(path).read_text(), format="csv")
    result = resource.import_data(data, use_transactions=True, raise_errors=True)
    assert result.totals["new"] == len(data), result.totals
    print(time.perf_counter() - started)


main(*sys.argv[1:])
