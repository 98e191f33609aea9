"""Which keys of a file came before, and on which line first, in little memory."""

import polars as pl

_LARGEST_RUN = 125_000  # that is merged again: sorting a larger one would take more memory than all keys


class SeenKeys:
    """The keys of the rows so far: 20 bytes each, whatever their length.

    A key is kept as 128 bits of hash; that two of a billion keys share them is out of the question (about 1e-20). The
    keys lie in sorted runs, small ones merged into larger ones as a log-structured merge tree does it, so that looking
    up a batch costs some binary searches and adding one costs a sort now and then.
    """

    def __init__(self) -> None:
        self._runs: list[pl.DataFrame] = []

    def first_lines(self, keys: pl.Series) -> pl.Series:
        """Return for each key the line on which it came before, null where it did not; no key may be null."""
        hashes, others = _hashes(keys)
        found = pl.Series("line", [None], dtype=pl.UInt32).new_from_index(0, len(keys))
        for run in self._runs:
            places = run["hash"].search_sorted(hashes).clip(0, run.height - 1)
            here = run[places]
            found = (
                pl.select(
                    pl.when((here["hash"] == hashes) & (here["other"] == others)).then(here["line"]).otherwise(found)
                )
                .to_series()
                .alias("line")
            )
        return found

    def add(self, keys: pl.Series, lines: pl.Series) -> None:
        """Remember these keys, none of which was there."""
        if not len(keys):
            return
        hashes, others = _hashes(keys)
        run = pl.DataFrame({"hash": hashes, "other": others, "line": lines.cast(pl.UInt32)}).sort("hash")
        while self._runs and self._runs[-1].height <= run.height <= _LARGEST_RUN:
            run = pl.concat([self._runs.pop(), run]).sort("hash")
        self._runs.append(run)


def _hashes(keys: pl.Series) -> tuple[pl.Series, pl.Series]:
    return keys.hash(0x6C69).alias("hash"), keys.hash(0x61736F).alias("other")
