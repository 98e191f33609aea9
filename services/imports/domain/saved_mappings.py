"""Mappings kept by name, so that next month's file with the same columns needs no matching."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from services.imports.domain.jobs import Viewer
from services.imports.domain.mapping import header_hash
from services.imports.errors import MappingNameTaken, MappingNotFound
from services.imports.models import SavedMapping
from shared.errors import Stale


def list_mappings(
    session: Session,
    viewer: Viewer,
    kind: str | None = None,
    *,
    name: str | None = None,
    after: tuple[str, uuid.UUID] | None = None,
    limit: int = 50,
) -> list[SavedMapping]:
    """Return up to `limit` saved mappings behind `after` (name and id), by name; of one kind, of one name if given."""
    query = select(SavedMapping).order_by(SavedMapping.name, SavedMapping.id)
    if after is not None:
        query = query.where(tuple_(SavedMapping.name, SavedMapping.id) > after)
    if kind is not None:
        query = query.where(SavedMapping.kind == kind)
    if name is not None:
        query = query.where(SavedMapping.name == name)
    if viewer.unlisted:
        query = query.where(SavedMapping.kind.not_in(viewer.unlisted))
    return list(session.execute(query.limit(limit)).scalars())


def mapping_for_header(session: Session, kind: str, header: Sequence[str]) -> SavedMapping | None:
    """Return the mapping that was last saved for a file with these columns."""
    return session.execute(
        select(SavedMapping)
        .where(SavedMapping.kind == kind, SavedMapping.header_hash == header_hash(header))
        .order_by(SavedMapping.updated_at.desc())
        .limit(1)
    ).scalar_one_or_none()


def get_mapping(session: Session, viewer: Viewer, mapping_id: uuid.UUID) -> SavedMapping:
    """Return a saved mapping; raise MappingNotFound."""
    saved = session.get(SavedMapping, mapping_id)
    if saved is None or saved.kind in viewer.hidden:
        raise MappingNotFound
    return saved


def save_mapping(
    session: Session, viewer: Viewer, kind: str, name: str, header: Sequence[str], mapping: dict[str, Any]
) -> SavedMapping:
    """Keep a mapping under a new name; raise MappingNameTaken."""
    saved = SavedMapping(
        kind=kind,
        name=name,
        header=list(header),
        header_hash=header_hash(header),
        mapping=mapping,
        created_by=viewer.user_id,
        created_by_name=viewer.name,
    )
    session.add(saved)
    _flush(session, name)
    return saved


def change_mapping(
    session: Session,
    viewer: Viewer,
    mapping_id: uuid.UUID,
    seen_version: int,
    *,
    name: str,
    header: Sequence[str],
    mapping: dict[str, Any],
) -> SavedMapping:
    """Change a saved mapping; raise MappingNotFound, Stale or MappingNameTaken."""
    saved = _seen(session, viewer, mapping_id, seen_version)
    saved.name, saved.mapping = name, mapping
    saved.header, saved.header_hash = list(header), header_hash(header)
    saved.updated_at = func.now()
    _flush(session, name)
    return saved


def rename_mapping(
    session: Session, viewer: Viewer, mapping_id: uuid.UUID, seen_version: int, name: str
) -> SavedMapping:
    """Give a saved mapping another name; raise MappingNotFound, Stale or MappingNameTaken.

    It is as old as it was: of two for the same columns, the one that was changed last is still the first choice.
    """
    saved = _seen(session, viewer, mapping_id, seen_version)
    saved.name = name
    _flush(session, name)
    return saved


def delete_mapping(session: Session, viewer: Viewer, mapping_id: uuid.UUID, seen_version: int) -> None:
    """Forget a saved mapping; raise MappingNotFound or Stale."""
    session.delete(_seen(session, viewer, mapping_id, seen_version))
    session.flush()


def _seen(session: Session, viewer: Viewer, mapping_id: uuid.UUID, seen_version: int) -> SavedMapping:
    saved = get_mapping(session, viewer, mapping_id)
    if saved.version != seen_version:
        raise Stale("This mapping")
    return saved


def _flush(session: Session, name: str) -> None:
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError as error:
        raise MappingNameTaken(name) from error
