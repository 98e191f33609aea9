"""An owner for tests: it takes chunks of "things" by the protocol of shared.bulk, and can be told to misbehave."""

import io
import json
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl
from flask import Flask, abort, request
from sqlalchemy import create_engine, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from werkzeug.serving import WSGIRequestHandler, make_server

from shared.bulk import (
    ChunkResult,
    FenceTable,
    Kept,
    ReceiptTable,
    Refusal,
    UndoReceiptTable,
    UndoResult,
    apply_chunk,
    close_fence,
    undo_chunk,
    void_chunk,
)
from shared.errors import DomainError
from shared.forecast import Forecast

TARGET = {
    "kind": "customers",
    "label": "Things",
    "noun": "thing",
    "instructions": ["One row is one thing."],
    "keys": [
        {"name": "code", "field": "code", "rule": "code", "label": "Code"},
        {"name": "email", "field": "email", "rule": "email", "label": "E-mail"},
    ],
    "fields": [
        {"name": "code", "label": "Code", "group": "Thing", "aliases": ["id"]},
        {"name": "name", "label": "Name", "group": "Thing", "required": True, "aliases": ["title"]},
        {"name": "email", "label": "E-mail", "group": "Thing", "aliases": ["mail"]},
        {
            "name": "state",
            "label": "State",
            "group": "Thing",
            "choices": [
                {"value": "active", "label": "Active", "words": ["on"]},
                {"value": "inactive", "label": "Inactive"},
            ],
            "clears": False,
        },
    ],
    "shown": {"at": "/customers", "label": "things", "needs": "customers.view"},
    "sample": [{"code": "A1", "name": "First", "email": "first@things.example"}],
}
EXPORT = {
    "kind": "customers",
    "label": "Things",
    "noun": "thing",
    "permission": "customers.view",
    "filters": ["q", "status", "account"],
    "columns": [
        {"name": "Code", "group": "Thing", "default": True, "help": ""},
        {"name": "Name", "group": "Thing", "default": True, "help": ""},
        {"name": "_liaison", "group": "Not imported", "default": False, "help": "The version."},
    ],
}


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "thing"

    key: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    version: Mapped[int] = mapped_column(server_default="1")


class Receipt(ReceiptTable, Base):
    pass


class UndoReceipt(UndoReceiptTable, Base):
    pass


class JobFence(FenceTable, Base):
    pass


class Change(Base):
    __tablename__ = "thing_change"

    job_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    chunk_no: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    old: Mapped[str | None]
    version: Mapped[int]


class Handler(WSGIRequestHandler):
    """Sends streams in chunks, as gunicorn does, so that a broken one is seen."""

    protocol_version = "HTTP/1.1"


NO_CHUNK = (uuid.UUID(int=0), 0)


class Owner:
    """The server of the owner; `before` and `after` are called around each applied chunk and may raise or abort."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, pool_size=12)
        Base.metadata.create_all(self.engine)
        self.before: Callable[[pl.DataFrame], None] = lambda frame: None
        self.after: Callable[[pl.DataFrame], None] = lambda frame: None
        self.previewing: Callable[[pl.DataFrame], None] = lambda frame: None
        self.chunks: list[int] = []
        self.newer = 0  # rows of which it says, in a check, that others changed them since
        self.fields: dict[str, int] | None = None  # what it tells of applied chunks, if anything
        self.undone: list[tuple[int, str]] = []
        self.undoing: Callable[[], None] = lambda: None
        self.after_undo: Callable[[], None] = lambda: None
        self.request_ids: list[str] = []
        self.checked: list[int] = []
        self.told: list[dict[str, Any]] = []
        self.finished: list[str] = []
        self.asked: list[tuple[str, int | None]] = []  # about chunks and jobs: void, fence, finish
        self.answering: Callable[[str], None] = lambda what: None
        self.pieces: list[bytes] = []
        self.between: Callable[[int], None] = lambda at: None
        self.judging: Callable[[dict[str, Any]], None] = lambda asked: None
        self.exported: list[dict[str, Any]] = []
        self.server = make_server("127.0.0.1", 0, self._app(), threaded=True, request_handler=Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.engine.dispose()

    def reset(self) -> None:
        self.before = self.after = self.previewing = lambda frame: None
        self.undoing = self.after_undo = lambda: None
        self.fields, self.newer = None, 0
        self.chunks.clear()
        self.undone.clear()
        self.request_ids.clear()
        self.checked.clear()
        self.told.clear()
        self.finished.clear()
        self.asked.clear()
        self.answering = lambda what: None
        self.pieces, self.between = [], lambda at: None
        self.exported.clear()
        self.judging = lambda asked: None
        with Session(self.engine) as session, session.begin():
            for table in (Thing, Change, Receipt, UndoReceipt, JobFence):
                session.execute(delete(table))

    def things(self) -> dict[str, tuple[str, int]]:
        """Return {key: (name, version)}."""
        with Session(self.engine) as session:
            return {row.key: (row.name, row.version) for row in session.execute(select(Thing)).scalars()}

    def receipts(self) -> int:
        with Session(self.engine) as session:
            return session.execute(select(func.count()).select_from(Receipt)).scalar_one()

    def _app(self) -> Flask:
        app = Flask("owner")

        @app.errorhandler(DomainError)
        def refused(error: DomainError) -> Any:
            return (
                {"code": error.code, "detail": error.sentence, "errors": error.fields, **error.extra},
                error.status,
                {"Content-Type": "application/json"},
            )

        @app.get("/internal/import-targets/<kind>")
        def target(kind: str) -> Any:
            return TARGET

        @app.post("/internal/chunks/<uuid:job>/<int:no>")
        def chunk(job: uuid.UUID, no: int) -> Any:
            frame = pl.read_ipc(io.BytesIO(request.get_data()))
            about = json.loads(request.headers["Liaison-Job"])
            self.told.append(about)
            self.before(frame)
            with Session(self.engine) as session, session.begin():
                answer = apply_chunk(
                    session,
                    JobFence,
                    Receipt,
                    job,
                    no,
                    request.headers["Liaison-Checksum"],
                    lambda inner: self._apply(inner, frame, about["mode"], (job, no)),
                )
            self.chunks.append(no)
            self.request_ids.append(request.headers.get("X-Request-Id", ""))
            self.after(frame)
            return answer

        @app.post("/internal/chunks/<uuid:job>/<int:no>/check")
        def check(job: uuid.UUID, no: int) -> Any:
            frame = pl.read_ipc(io.BytesIO(request.get_data()))
            about = json.loads(request.headers["Liaison-Job"])
            is_preview = about.get("every_row", False)
            (self.previewing if is_preview else self.before)(frame)
            with Session(self.engine) as session:  # never committed
                answer = self._forecast(session, frame, about["mode"], every_row=is_preview)
            if is_preview:
                return answer
            self.checked.append(no)
            self.after(frame)
            return answer

        @app.post("/internal/chunks/<uuid:job>/<int:no>/undo")
        def undo(job: uuid.UUID, no: int) -> Any:
            self.undoing()
            with Session(self.engine) as session, session.begin():
                answer = undo_chunk(session, Receipt, UndoReceipt, job, no, lambda inner, _: _take_back(inner, job, no))
            self.undone.append((no, request.get_json()["actor_name"]))
            self.after_undo()
            return answer

        @app.post("/internal/chunks/<uuid:job>/<int:no>/void")
        def void(job: uuid.UUID, no: int) -> Any:
            self._ask("void", no)
            with Session(self.engine) as session, session.begin():
                return {"answer": void_chunk(session, JobFence, Receipt, job, no)}

        @app.post("/internal/jobs/<uuid:job>/fence")
        def fence(job: uuid.UUID) -> Any:
            self._ask("fence")
            with Session(self.engine) as session, session.begin():
                return {"applied": close_fence(session, JobFence, Receipt, job)}

        @app.post("/internal/jobs/<uuid:job>/finish")
        def finish(job: uuid.UUID) -> Any:
            self._ask("finish")
            self.finished.append(str(job))
            return {}

        self._add_exports(app)
        return app

    def _ask(self, what: str, no: int | None = None) -> None:
        self.asked.append((what, no))
        self.answering(what)

    def _add_exports(self, app: Flask) -> None:
        @app.get("/internal/export-targets/<kind>")
        def export_target(kind: str) -> Any:
            return EXPORT | {"kind": kind}

        @app.post("/internal/exports/<kind>/check")
        def check_export(kind: str) -> Any:
            self.judging(request.get_json())
            return {}

        @app.post("/internal/exports/<kind>/count")
        def count(kind: str) -> Any:
            self.judging(request.get_json())
            return {"rows": b"".join(self.pieces).count(b"\n") - 1}

        @app.post("/internal/exports/<kind>")
        def export(kind: str) -> Any:
            self.exported.append(request.get_json())

            def sent() -> Any:
                for at, piece in enumerate(self.pieces):
                    self.between(at)
                    yield piece

            return app.response_class(sent(), content_type="text/csv")

    def _apply(
        self, session: Session, frame: pl.DataFrame, mode: str, chunk: tuple[uuid.UUID, int] = NO_CHUNK
    ) -> ChunkResult:
        result = ChunkResult(fields=None if self.fields is None else Counter(self.fields))
        keyed = {}
        for row in frame.iter_rows(named=True):
            if not row["name"] or row["name"].startswith("bad"):
                result.failed += 1
                result.refusals.append(Refusal(row["_row"], row["_line"], "name", "invalid", "Name: not a name."))
            else:
                key = (row.get("code") or row.get("email") or row["name"]).casefold()
                result.updated += key in keyed  # of the rows of a key, the last one stays
                keyed[key] = row["name"]
        found = session.execute(select(Thing).where(Thing.key.in_(keyed)).order_by(Thing.key).with_for_update())
        known = {thing.key: thing for thing in found.scalars()}
        new = [{"key": key, "name": name} for key, name in keyed.items() if key not in known]
        if new and mode != "update":
            session.execute(insert(Thing), new)
            session.add_all(Change(job_id=chunk[0], chunk_no=chunk[1], key=one["key"], version=1) for one in new)
            result.created = len(new)
        else:
            result.skipped = len(new)
        for key, thing in known.items():
            if mode == "create":
                result.skipped += 1
            elif thing.name == keyed[key]:
                result.unchanged += 1
            else:
                note = Change(job_id=chunk[0], chunk_no=chunk[1], key=key, old=thing.name, version=thing.version + 1)
                session.add(note)
                thing.name, thing.version = keyed[key], thing.version + 1
                result.updated += 1
        return result

    def _forecast(self, session: Session, frame: pl.DataFrame, mode: str, *, every_row: bool) -> dict[str, Any]:
        before = {thing.key: thing.name for thing in session.execute(select(Thing)).scalars()}
        result = self._apply(session, frame, mode)
        session.flush()
        session.expire_all()
        after = {thing.key: thing.name for thing in session.execute(select(Thing)).scalars()}
        forecast = Forecast(newer=self.newer, every_row=every_row)
        for row in frame.sort("_row").iter_rows(named=True):
            key = (row.get("code") or row.get("email") or row["name"] or "").casefold()
            if key in after and key not in before:
                forecast.creates(row["_row"], row["_line"], {"code": row.get("code"), "name": row["name"]})
            elif key in after and after[key] != before[key]:
                forecast.updates(row["_row"], row["_line"], key, {"name": (before[key], after[key])})
        return forecast.answer(result, frame.iter_rows(named=True))


def _take_back(session: Session, job: uuid.UUID, no: int) -> UndoResult:
    """Things that nobody touched since go, or get their old name; the others stay."""
    result = UndoResult()
    for change in session.execute(select(Change).where(Change.job_id == job, Change.chunk_no == no)).scalars():
        thing = session.get(Thing, change.key, with_for_update=True)
        if thing is None:
            result.gone += 1
        elif thing.version != change.version:
            result.kept += 1
            field = None if change.old is None else "name"
            result.left.append(Kept("thing", thing.key, f"/things/{thing.key}", field, "changed", "Ben changed it."))
        elif change.old is None:
            session.delete(thing)
            result.removed += 1
        else:
            thing.name, thing.version = change.old, thing.version + 1
            result.restored += 1
    return result


def away() -> None:
    """Answer as a service that cannot work just now."""
    abort(503)
