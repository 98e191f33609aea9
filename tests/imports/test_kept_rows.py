"""Rows kept beside the chunks are the rows of the file (product row I9)."""

import io
from pathlib import Path

import pytest

from services.imports.domain import error_file
from services.imports.domain.kept_rows import KeptRows
from services.imports.domain.reading import Records
from services.imports.domain.sniffing import sniff
from shared.bulk import Refusal
from shared.storage import Storage
from tests.imports.nasty.files import READ, Nasty


def test_kept_rows_come_back_in_order(tmp_path: Path) -> None:
    data = b"code,name\n" + b"".join(f"{at},Name of {at}\n".encode() for at in range(1, 150_000))
    records = Records(io.BytesIO(data), encoding="utf-8", delimiter=",", columns=["code", "name"])
    kept = KeptRows(Storage(tmp_path.as_uri()), "rows", records.columns, records.delimiter)
    for batch in records:
        kept.keep(batch, records.rows)
    numbers = [number for batch in kept for number in batch.frame["_row"]]
    assert numbers == list(range(1, 150_000))
    assert kept.rows == records.rows


@pytest.mark.parametrize("nasty", READ, ids=lambda nasty: nasty.name)
def test_the_error_file_is_the_same_from_kept_rows(nasty: Nasty, tmp_path: Path) -> None:
    form = sniff(nasty.data)

    def records() -> Records:
        return Records(
            io.BytesIO(nasty.data),
            encoding=form.encoding,
            delimiter=form.delimiter,
            columns=form.header,
            has_header=form.has_header,
        )

    def written(rows: Records | KeptRows, count: int) -> bytes:
        out = io.BytesIO()
        refusals = [Refusal(row, row + 1, None, "bad", "Wrong.") for row in range(1, count + 1)]
        error_file.write(rows, refusals, out, encoding=form.encoding, bom=form.bom)
        return out.getvalue()

    kept = KeptRows(Storage(tmp_path.as_uri()), "rows", form.header, form.delimiter)
    source = records()
    for batch in source:
        kept.keep(batch, source.rows)
        kept.keep(batch, source.rows)
    assert written(kept, source.rows) == written(records(), source.rows)
