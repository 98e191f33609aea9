"""Selections of customers: codes that were pasted, rows that were ticked, or all that a list shows (A8, A9).

A selection stays under its id, so that its address can be kept; the same selection made again is the same one. To
*resolve* it finds its customers as they are now, and keeps them as a snapshot: what is done with it is done with those
that were shown. Snapshots are kept for a week.
"""
# ruff: noqa: S608 - put together from what stands here; every value is bound

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.customers.domain.pasted import as_pasted, read_codes
from services.customers.domain.search import SearchQuery, all_accounts
from services.customers.errors import NothingTicked, SelectionNotFound, SnapshotNotFound, TooManyTicked
from services.customers.models import Selection, SelectionSnapshot
from shared.db import uuid7
from shared.history import Actor

KEPT = timedelta(days=7)
SHOWN = 100
MOST_TICKED = 10_000
Query = Callable[[Session, Mapping[str, Any]], SearchQuery]

FOUND = """
CREATE TEMP TABLE found ON COMMIT DROP AS
SELECT p.no, p.code AS given, p.key, p.times, a.id, a.code, a.name, a.status
FROM selection s, unnest(s.codes, s.keys, s.times) WITH ORDINALITY AS p(code, key, times, no)
LEFT JOIN account a ON a.code_key = p.key WHERE s.id = :selection
"""
TICKED = """
CREATE TEMP TABLE found ON COMMIT DROP AS
SELECT p.no, CAST(NULL AS text) AS given, CAST(NULL AS text) AS key, 1 AS times, a.id, a.code, a.name, a.status
FROM selection s, unnest(s.account_ids) WITH ORDINALITY AS p(id, no) LEFT JOIN account a ON a.id = p.id
WHERE s.id = :selection
"""
LISTED = """
CREATE TEMP TABLE found ON COMMIT DROP AS
SELECT row_number() OVER () AS no, CAST(NULL AS text) AS given, CAST(NULL AS text) AS key, 1 AS times,
    id, code, name, status
FROM ({matches}) AS matches
"""
# Codes without an account that differ from exactly one account's in leading zeros only. Codes that begin with a zero
# have an index of their own; of the others the code without its zeros is the key.
ZEROS = """
CREATE TEMP TABLE zeros ON COMMIT DROP AS
SELECT f.no, f.given, near.code, near.name FROM found f CROSS JOIN LATERAL (
    SELECT min(code) AS code, min(name) AS name, count(*) AS accounts FROM (
        SELECT code, name FROM account WHERE code_key LIKE '0%' AND ltrim(code_key, '0') = ltrim(f.key, '0')
        UNION ALL SELECT code, name FROM account WHERE f.key LIKE '0%' AND code_key = ltrim(f.key, '0')) AS alike
) AS near WHERE f.id IS NULL AND ltrim(f.key, '0') <> '' AND near.accounts = 1
"""
COUNTS = """
SELECT coalesce(sum(times), 0) AS given, coalesce(sum(times - 1), 0) AS repeated, count(id) AS matched,
    count(*) FILTER (WHERE status = 'active') AS active, count(*) FILTER (WHERE status = 'inactive') AS inactive,
    count(*) FILTER (WHERE id IS NULL) AS absent, (SELECT count(*) FROM zeros) AS zeros FROM found
"""
# Of those that nobody has, as the report names the first of them.
UNKNOWN = "given FROM found WHERE id IS NULL AND given IS NOT NULL AND no NOT IN (SELECT no FROM zeros) ORDER BY no"
SAMPLES = {
    "matched": "SELECT id, code, name FROM found WHERE id IS NOT NULL ORDER BY no LIMIT 10",
    "inactive": f"SELECT id, code, name FROM found WHERE status = 'inactive' ORDER BY no LIMIT {SHOWN}",
    "repeated": f"SELECT given, times FROM found WHERE times > 1 ORDER BY no LIMIT {SHOWN}",
    "zeros": f"SELECT given, code, name FROM zeros ORDER BY no LIMIT {SHOWN}",
    "missing": f"SELECT {UNKNOWN} LIMIT {SHOWN}",
}
KEEP = """
INSERT INTO selection_snapshot (id, selection_id, active, inactive, report)
SELECT :id, :selection, coalesce(array_agg(id ORDER BY id) FILTER (WHERE status = 'active'), '{}'),
    coalesce(array_agg(id ORDER BY id) FILTER (WHERE status = 'inactive'), '{}'), CAST(:report AS jsonb)
FROM found
"""
TAKE_ZEROS = """
SELECT coalesce(z.code, f.given) AS code, f.times FROM found f LEFT JOIN zeros z ON z.no = f.no ORDER BY f.no
"""


def select_codes(session: Session, actor: Actor, pasted: str) -> Selection:
    """Return the selection of the customers with these codes. Raises NoCodes, TooManyCodes."""
    codes, keys, times = read_codes(pasted)
    return _selection(session, actor, "codes", [keys, times], codes=codes, keys=keys, times=times)


def select_listed(session: Session, actor: Actor, chosen: Mapping[str, Any]) -> Selection:
    """Return the selection of all customers that a list shows which was asked for `chosen`."""
    asked = {name: value for name, value in sorted(chosen.items()) if value not in ("", None)}
    return _selection(session, actor, "list", asked, chosen=asked)


def select_ticked(session: Session, actor: Actor, ids: Sequence[uuid.UUID]) -> Selection:
    """Return the selection of these customers. Raises NothingTicked, TooManyTicked."""
    ticked = sorted(set(ids))
    if not ticked:
        raise NothingTicked
    if len(ticked) > MOST_TICKED:
        raise TooManyTicked(MOST_TICKED)
    return _selection(session, actor, "ticked", [str(one) for one in ticked], account_ids=ticked)


def get_selection(session: Session, selection_id: uuid.UUID) -> Selection:
    """Return a selection; raise SelectionNotFound."""
    selection = session.get(Selection, selection_id)
    if selection is None:
        raise SelectionNotFound
    return selection


def resolve(session: Session, selection_id: uuid.UUID, query: Query) -> SelectionSnapshot:
    """Find the customers of a selection as they are now, and keep them; `query` makes what is searched of `chosen`.

    Raises SelectionNotFound.
    """
    selection = get_selection(session, selection_id)
    session.execute(delete(SelectionSnapshot).where(SelectionSnapshot.made_at < func.now() - KEPT))
    _find(session, selection, query)
    counts: dict[str, Any] = {name: int(value) for name, value in session.execute(text(COUNTS)).one()._mapping.items()}
    absent = counts.pop("absent")
    is_pasted = selection.source == "codes"
    counts |= {"missing": absent if is_pasted else 0, "deleted": 0 if is_pasted else absent}
    first = {name: [_plain(row) for row in session.execute(text(query))] for name, query in SAMPLES.items()}
    report = json.dumps({**counts, "first": first})
    snapshot_id = uuid7()
    session.execute(text(KEEP), {"id": snapshot_id, "selection": selection_id, "report": report})
    return session.get_one(SelectionSnapshot, snapshot_id)


def take_zeros(session: Session, actor: Actor, selection_id: uuid.UUID, query: Query) -> Selection:
    """Return the selection with the right codes in place of those that only lost or gained leading zeros."""
    selection = get_selection(session, selection_id)
    if selection.source != "codes":
        return selection
    _find(session, selection, query)
    rows = session.execute(text(TAKE_ZEROS)).all()
    return select_codes(session, actor, as_pasted(row.code for row in rows for _ in range(row.times)))


def unknown_codes(session: Session, selection_id: uuid.UUID, query: Query) -> list[str]:
    """Return the pasted codes that no customer has now, as written first, but for those with wrong zeros only.

    Raises SelectionNotFound.
    """
    _find(session, get_selection(session, selection_id), query)
    return list(session.scalars(text(f"SELECT {UNKNOWN}")))


def get_snapshot(session: Session, snapshot_id: uuid.UUID) -> SelectionSnapshot:
    """Return a snapshot; raise SnapshotNotFound for one that is older than a week, or none."""
    snapshot = session.get(SelectionSnapshot, snapshot_id)
    if snapshot is None:
        raise SnapshotNotFound
    return snapshot


def _selection(session: Session, actor: Actor, source: str, content: Any, **values: Any) -> Selection:
    digest = hashlib.sha256(json.dumps([source, content]).encode()).digest()
    made = {"id": uuid7(), "source": source, "digest": digest, "created_by": actor.id, "created_by_name": actor.name}
    session.execute(insert(Selection).values(**made, **values).on_conflict_do_nothing(index_elements=["digest"]))
    return session.scalars(select(Selection).where(Selection.digest == digest)).one()


def _find(session: Session, selection: Selection, query: Query) -> None:
    """Make the tables `found`, of all that was selected, and `zeros`, for the rest of the transaction."""
    session.execute(text("DROP TABLE IF EXISTS pg_temp.found, pg_temp.zeros"))
    if selection.source == "list":
        matches, bound = all_accounts(query(session, selection.chosen or {}))
        session.execute(text(LISTED.format(matches=matches)), bound)
    else:
        session.execute(text(FOUND if selection.source == "codes" else TICKED), {"selection": selection.id})
    session.execute(text(ZEROS))


def _plain(row: Any) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in row._mapping.items()}
