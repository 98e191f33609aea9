"""The services that own what is exported: what can be asked for, and the stream of the file."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

from services.imports.domain.exports import Wish
from services.imports.errors import ExportRefused, UnknownKind
from shared.http import CallRefused, ServiceClient, ServiceUnavailable

TARGET_SECONDS = 30.0
CHECK_SECONDS = 5.0


@dataclass(frozen=True)
class Column:
    """A column that the file may have; `label` is what people call it."""

    name: str
    label: str
    group: str
    default: bool
    help: str


@dataclass(frozen=True)
class ExportTarget:
    """What an export of this kind may contain, and the permission without which nobody sees these records."""

    kind: str
    label: str
    noun: str
    columns: tuple[Column, ...]
    filters: tuple[str, ...]
    permission: str

    @classmethod
    def from_json(cls, answer: dict[str, Any]) -> Self:
        """Return what the owner described."""
        columns = tuple(
            Column(one["name"], one.get("label") or one["name"], one["group"], one["default"], one["help"])
            for one in answer["columns"]
        )
        plain = {name: answer[name] for name in ("kind", "label", "noun", "permission")}
        return cls(**plain, columns=columns, filters=tuple(answer["filters"]))

    @property
    def defaults(self) -> list[str]:
        """The columns that the list shows, and all that an import of the file understands."""
        return [column.name for column in self.columns if column.default]

    @property
    def groups(self) -> dict[str, list[Column]]:
        """The columns under the name of their group, in the owner's order."""
        grouped: dict[str, list[Column]] = {}
        for column in self.columns:
            grouped.setdefault(column.group, []).append(column)
        return grouped

    def check(self, wish: Wish) -> None:
        """Raise ExportRefused, naming each column or filter that there is not."""
        known = {column.name for column in self.columns}
        faults = {}
        if unknown := [name for name in wish.columns if name not in known]:
            faults["columns"] = [f"There is no column “{unknown[0][:60]}”. There are: {', '.join(sorted(known))}."]
        for name in wish.filter:
            if name not in self.filters:
                faults[f"filter.{name}"] = [f"There is no filter “{name[:60]}”. There are: {', '.join(self.filters)}."]
        if faults:
            raise ExportRefused(faults)


class ExportOwner:
    """The owner of one kind. All calls raise ServiceUnavailable when it is away, and may be repeated."""

    def __init__(self, kind: str, client: ServiceClient) -> None:
        self.kind = kind
        self.client = client
        self._target: tuple[float, ExportTarget] | None = None

    @property
    def name(self) -> str:
        """What people call the service."""
        return self.client.peer.removesuffix("_bulk")

    def target(self) -> ExportTarget:
        """Return what can be exported, as the owner describes it; half a minute old, older while it is away."""
        if self._target is not None and time.monotonic() - self._target[0] < TARGET_SECONDS:
            return self._target[1]
        try:
            return self.remember(self.client.get(f"/internal/export-targets/{self.kind}"))
        except ServiceUnavailable:
            if self._target is None:
                raise
            return self._target[1]

    def remember(self, answer: dict[str, Any]) -> ExportTarget:
        """Keep the owner's answer for a while and return what it tells."""
        self._target = (time.monotonic(), ExportTarget.from_json(answer))
        return self._target[1]

    def check(self, wish: Wish) -> None:
        """Raise ExportRefused for what can't be exported; an owner that is away says so when the file is written."""
        self.target().check(wish)
        if wish.filter:
            path = f"/internal/exports/{self.kind}/check"
            with suppress(ServiceUnavailable), _told_by_owner():
                self.client.post(path, json=_asked(wish), seconds=CHECK_SECONDS)

    def count(self, wish: Wish) -> int:
        """Return how many rows there are now; raise ExportRefused."""
        with _told_by_owner():
            return int(self.client.post(f"/internal/exports/{self.kind}/count", json=_asked(wish))["rows"])

    @contextmanager
    def stream(self, wish: Wish) -> Iterator[Iterator[bytes]]:
        """Give the file piece by piece; what breaks on the way is ServiceUnavailable too. Raise ExportRefused."""
        with _told_by_owner(), self.client.stream(f"/internal/exports/{self.kind}", json=_asked(wish)) as pieces:
            yield pieces


class ExportOwners:
    """The owner of each kind that can be exported."""

    def __init__(self, clients: Mapping[str, ServiceClient]) -> None:
        self.by_kind = {kind: ExportOwner(kind, client) for kind, client in clients.items()}

    @property
    def kinds(self) -> list[str]:
        """What can be exported."""
        return list(self.by_kind)

    def of(self, kind: str) -> ExportOwner:
        """Return the owner of `kind`; raise UnknownKind."""
        if kind not in self.by_kind:
            raise UnknownKind(kind, self.kinds, does="exported")
        return self.by_kind[kind]


@contextmanager
def _told_by_owner() -> Iterator[None]:
    """Turn what the owner refuses into ExportRefused, which names the first value that is wrong."""
    try:
        yield
    except CallRefused as refusal:
        faults = {_where(name): words for name, words in refusal.problem.get("errors", {}).items()}
        if not faults:
            raise
        name, words = next(iter(faults.items()))
        says_it_all = refusal.sentence in words
        sentence = refusal.sentence if says_it_all else f"{name.removeprefix('filter.').capitalize()}: {words[0]}"
        raise ExportRefused(faults, sentence) from refusal


def _where(name: str) -> str:
    """Return the name of a part of a wish as who asks knows it; what is no part of its own is a filter."""
    return name if name.partition(".")[0] in _asked(Wish("")) else f"filter.{name}"


def _asked(wish: Wish) -> dict[str, Any]:
    return {
        "filter": dict(wish.filter),
        "columns": list(wish.columns),
        "delimiter": wish.delimiter,
        "bom": wish.bom,
    }
