"""A sample file for a kind: its columns are matched without anybody's help."""

import csv
import io

from services.imports.domain.target import Target


def csv_of(target: Target) -> bytes:
    """Return the owner's sample rows under the fields' labels, in UTF-8 with BOM so that Excel reads it right."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([target.labels[field.name] for field in target.fields])
    writer.writerows([row.get(field.name, "") for field in target.fields] for row in target.sample)
    return text.getvalue().encode("utf-8-sig")
