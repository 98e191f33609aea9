"""A small service of its own, on a scratch database, to test the floor with."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import flask_smorest
import marshmallow as ma
import psycopg
import pytest
from flask import Blueprint, Flask
from psycopg import sql
from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.db import UuidPk, metadata, unit_of_work
from shared.errors import Conflict, Stale
from shared.feed import feed_blueprint
from shared.idempotency import IdempotencyTable
from shared.outbox import CursorTable, InboxTable, OutboxTable
from shared.settings import Settings
from shared.testing import server_url
from shared.web import (
    check_origin,
    create_app,
    etag_of,
    idempotent,
    internal,
    public,
    requires,
    seen_version,
    signed_in,
)


class Base(DeclarativeBase):
    metadata = metadata()


class Note(Base):
    __tablename__ = "note"
    id: Mapped[UuidPk]
    words: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": version}


class IdempotencyKey(IdempotencyTable, Base):
    pass


class Outbox(OutboxTable, Base):
    pass


class Inbox(InboxTable, Base):
    pass


class FeedCursor(CursorTable, Base):
    pass


class NoteTaken(Conflict):
    code = "note_taken"


class NoteIn(ma.Schema):
    words = ma.fields.String(required=True, validate=ma.validate.Length(1, 20))


class NoteOut(ma.Schema):
    id = ma.fields.UUID()
    words = ma.fields.String()


def api() -> flask_smorest.Blueprint:
    blueprint = flask_smorest.Blueprint("notes", "notes")

    @blueprint.route("/notes", methods=["POST"])
    @requires("notes.write")
    @idempotent
    @blueprint.arguments(NoteIn)
    @blueprint.response(201, NoteOut)
    def create(data: dict[str, str]) -> Note:
        with unit_of_work() as session:
            if data["words"] == "taken":
                raise NoteTaken("There is such a note already.", extra={"existing": "n1"})
            note = Note(**data)
            session.add(note)
        return note

    @blueprint.route("/notes/<uuid:note_id>", methods=["PUT"])
    @requires("notes.write", "notes.all")
    @blueprint.arguments(NoteIn)
    @blueprint.response(200, NoteOut)
    def change(data: dict[str, str], note_id: uuid.UUID) -> tuple[Note, int, dict[str, str]]:
        seen = seen_version()
        with unit_of_work() as session:
            note = session.get_one(Note, note_id)
            if note.version != seen:
                raise Stale
            note.words = data["words"]
        return note, 200, {"ETag": etag_of(note.version)}

    return blueprint


def pages() -> Blueprint:
    blueprint = Blueprint("pages", __name__)

    @blueprint.get("/mine")
    @signed_in()
    def mine() -> str:
        return "mine"

    @blueprint.post("/mine")
    @signed_in()
    def change_mine() -> str:
        return "changed"

    @blueprint.post("/open")
    @public()
    def anybody() -> str:
        check_origin()
        return "open"

    @blueprint.get("/unmarked")
    def unmarked() -> str:
        return "never"

    @blueprint.get("/broken")
    @public()
    def broken() -> str:
        raise RuntimeError("secret detail")

    @blueprint.get("/internal/thing")
    @internal()
    def thing() -> str:
        return "inside"

    return blueprint


@pytest.fixture(scope="session")
def scratch_url() -> Iterator[str]:
    name = f"test_floor_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server_url(), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = psycopg.conninfo.conninfo_to_dict(server_url())
        yield f"postgresql+psycopg://{url['user']}@{url['host']}:{url['port']}/{name}"
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def floor(scratch_url: str, make_settings: Callable[..., Settings], keys_dir: Path) -> Iterator[Flask]:
    app = create_app(
        make_settings("portal", scratch_url),
        pages=[pages()],
        apis=[api()],
        internals=[feed_blueprint(Outbox)],
        idempotency=IdempotencyKey,
    )
    app.config["tables"] = {"Note": Note, "Outbox": Outbox, "Inbox": Inbox, "FeedCursor": FeedCursor}
    engine = app.extensions["liaison.engine"]
    Base.metadata.create_all(engine)
    yield app
    engine.dispose()


@pytest.fixture
def count_notes(floor: Flask) -> Callable[[], int]:
    def count() -> int:
        with floor.app_context(), unit_of_work() as session:
            return len(session.scalars(select(Note)).all())

    return count
