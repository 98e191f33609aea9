"""What imports, edits and undos must leave, as plain dicts: the model of tests of any story."""

from typing import Any


class Model:
    """What must be there: {code: {field: value}}, with every write that still counts as (writer, field, old, new)."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}
        self.maker: dict[str, Any] = {}
        self.writes: dict[str, list[tuple[Any, str, Any, Any]]] = {}

    def bring(self, job: Any, row: dict[str, str]) -> str:
        """Apply a row of an import; return how it counts."""
        code, values = row["code"], {name: value for name, value in row.items() if name != "code"}
        if code not in self.records:
            if "name" not in values:
                return "failed"
            self.records[code], self.maker[code], self.writes[code] = values, job, []
            return "created"
        changed = [self.write(job, code, name, value) for name, value in values.items()]
        return "updated" if any(changed) else "unchanged"

    def write(self, writer: Any, code: str, name: str, value: Any) -> bool:
        """Change a field; tell whether that was a change."""
        old = self.records[code].get(name)
        if value == old:
            return False
        self.records[code][name] = value
        self.writes[code].append((writer, name, old, value))
        return True

    def undo(self, job: Any, codes: set[str]) -> tuple[int, int, int]:
        """Return how many are removed, restored and kept."""
        removed = restored = kept = 0
        for code in codes & self.records.keys():
            writes = self.writes[code]
            if self.maker[code] == job:
                if any(writer != job for writer, *_ in writes):
                    kept += 1
                else:
                    self.drop(code)
                    removed += 1
                continue
            outcome = {
                self._give_back(code, name, job) for name in {name for writer, name, *_ in writes if writer == job}
            }
            kept += "kept" in outcome
            restored += "back" in outcome and "kept" not in outcome
        return removed, restored, kept

    def _give_back(self, code: str, name: str, job: Any) -> str:
        about = [write for write in self.writes[code] if write[1] == name]
        first = next(at for at, write in enumerate(about) if write[0] == job)
        old, now = about[first][2], self.records[code].get(name)
        if now == old:
            return "same"
        if any(writer != job for writer, *_ in about[first:]):
            return "kept"
        self.records[code][name] = old
        self.writes[code] = [write for write in self.writes[code] if write[:2] != (job, name)]
        return "back"

    def filled(self) -> dict[str, dict[str, Any]]:
        """Return the records without what is blank."""
        return {
            code: {name: value for name, value in one.items() if value is not None}
            for code, one in self.records.items()
        }

    def drop(self, code: str) -> None:
        del self.records[code], self.maker[code], self.writes[code]
