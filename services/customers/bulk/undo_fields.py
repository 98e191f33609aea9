"""Giving back to accounts and contacts, field by field, what they had before a chunk changed it."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import polars as pl
from psycopg import sql

from services.customers.bulk.known import CONTACT_KEYS
from services.customers.bulk.merge import ACCOUNT_CHANGES, CONTACT_CHANGES
from services.customers.bulk.undo_derived import ACCOUNT_BASE, CONTACT_BASE, accounts_with_search, contacts_with_keys
from services.customers.bulk.undo_words import CHANGED, DUPLICATE, ROLE, left_field
from services.customers.bulk.write import write_frame
from services.customers.domain.records import contact_name
from shared.bulk import Kept
from shared.importing.job import UndoJob
from shared.importing.tables import Cursor, copy_out

KEYED = ("country", "first_name", "last_name", "email", "phone")  # what tells contacts of an account apart
COLUMNS = {"account": ACCOUNT_CHANGES, "contact": CONTACT_CHANGES}
BASE = {"account": ACCOUNT_BASE, "contact": CONTACT_BASE}
KEYS = {"account": ("name_key", "email_key", "phone_key", "phone2_key", "search"), "contact": CONTACT_KEYS}

STAGES = (
    """
    CREATE TEMP TABLE IF NOT EXISTS undo_field (
        id uuid, account_id uuid, contact_id uuid, field text, attribute text, old jsonb, kept text, actor_name text,
        by_job boolean
    ) ON COMMIT DELETE ROWS
    """,
    """
    CREATE TEMP TABLE IF NOT EXISTS undo_back (id uuid PRIMARY KEY, account_id uuid, back jsonb)
    ON COMMIT DELETE ROWS
    """,
    "DELETE FROM undo_field",
)
# Every field that the job changed at these accounts and their contacts, with what it held before the first time and
# after the last; an attribute is a field of its own. It gets back its old value (kept is null) unless somebody else
# touched it since. Other chunks of the job may have changed the same account: all is taken back at once, so that their
# order does not matter. What the job itself created is either removed as a whole or stays as it is.
FIND = """
WITH mine AS (
    SELECT h.id AS account_id, EXISTS (
        SELECT FROM change l WHERE l.account_id = h.id AND l.job_id IS DISTINCT FROM %(job)s
        AND l.action NOT IN ('undone', 'deleted')
    ) AS disputed
    FROM unnest(%(here)s::uuid[]) AS h(id)
), edits AS (
    SELECT c.account_id, c.contact_id, m.disputed, c.version, c.fields
    FROM mine m JOIN change c ON c.account_id = m.account_id
    WHERE c.job_id IS NOT DISTINCT FROM %(job)s AND c.action = 'updated' AND {of_table}
), parts AS (
    SELECT e.account_id, e.contact_id, e.disputed, e.version,
        f.name AS field, NULL AS attribute, f.pair->0 AS old, f.pair->1 AS new
    FROM edits e, jsonb_each(e.fields) AS f(name, pair) WHERE f.name <> 'attributes'
    UNION ALL
    SELECT e.account_id, e.contact_id, e.disputed, e.version,
        'attributes', k.name, e.fields->'attributes'->0->k.name, e.fields->'attributes'->1->k.name
    FROM edits e, jsonb_object_keys((e.fields->'attributes'->0) || (e.fields->'attributes'->1)) AS k(name)
    WHERE (e.fields->'attributes'->0->k.name) IS DISTINCT FROM (e.fields->'attributes'->1->k.name)
), changed AS (
    SELECT account_id, contact_id, field, attribute, bool_or(disputed) AS disputed, min(version) AS version,
        (array_agg(old ORDER BY version))[1] AS old, (array_agg(new ORDER BY version DESC))[1] AS new
    FROM parts GROUP BY account_id, contact_id, field, attribute
)
INSERT INTO undo_field
SELECT r.id, c.account_id, c.contact_id, c.field, c.attribute, c.old,
    CASE WHEN t.actor_name IS NOT NULL OR n.value IS DISTINCT FROM c.new THEN {changed} END, t.actor_name, t.by_job
FROM changed c JOIN {table} r ON r.id = {record}
CROSS JOIN LATERAL (SELECT {value} AS value) n
LEFT JOIN LATERAL (
    SELECT l.actor_name, l.job_id IS NOT NULL AS by_job FROM change l
    WHERE c.disputed AND l.account_id = c.account_id AND l.contact_id IS NOT DISTINCT FROM c.contact_id
    AND l.version > c.version AND l.job_id IS DISTINCT FROM %(job)s AND l.action NOT IN ('undone', 'deleted')
    AND {touches_l} AND (l.job_id IS NULL OR NOT EXISTS (
        SELECT FROM change u WHERE u.account_id = l.account_id AND u.contact_id IS NOT DISTINCT FROM l.contact_id
        AND u.job_id IS NOT DISTINCT FROM l.job_id AND u.action = 'undone' AND u.version > l.version AND {touches_u})
        AND (
        SELECT (array_agg({old_of_e} ORDER BY e.version))[1]
            IS DISTINCT FROM (array_agg({new_of_e} ORDER BY e.version DESC))[1]
        FROM change e WHERE e.account_id = l.account_id AND e.contact_id IS NOT DISTINCT FROM l.contact_id
        AND e.job_id IS NOT DISTINCT FROM l.job_id AND e.action = 'updated' AND {touches_e}))
    ORDER BY l.version DESC LIMIT 1
) t ON true
WHERE n.value IS DISTINCT FROM c.old AND r.created_job IS DISTINCT FROM %(job)s
"""
TOUCHES_FIELD = (
    "{row}.fields ? c.field AND (c.attribute IS NULL OR"
    " ({row}.fields->c.field->0->c.attribute) IS DISTINCT FROM ({row}.fields->c.field->1->c.attribute))"
)
VALUE_OF_E = "CASE WHEN c.attribute IS NULL THEN e.fields->c.field->{at} ELSE e.fields->c.field->{at}->c.attribute END"
# What every record gets back, as one object; attributes as they will be as a whole.
GATHER = """
INSERT INTO undo_back
SELECT f.id, f.account_id, coalesce(jsonb_object_agg(f.field, f.old) FILTER (WHERE f.attribute IS NULL), '{}')
    || CASE WHEN count(f.attribute) > 0 THEN jsonb_build_object('attributes',
        (a.attributes - array_agg(f.attribute) FILTER (WHERE f.attribute IS NOT NULL))
        || coalesce(jsonb_object_agg(f.attribute, f.old) FILTER (WHERE f.attribute IS NOT NULL AND f.old IS NOT NULL),
                    '{}')) ELSE '{}' END
FROM undo_field f LEFT JOIN account a ON a.id = f.id
WHERE f.kept IS NULL GROUP BY f.id, f.account_id, a.id
"""
WITHOUT_ROLE = """
UPDATE undo_field f SET kept = %(reason)s
FROM undo_back b JOIN account a ON a.id = b.id
WHERE f.id = b.id AND f.kept IS NULL AND f.field IN ('is_customer', 'is_vendor')
    AND NOT coalesce((b.back->>'is_customer')::boolean, a.is_customer)
    AND NOT coalesce((b.back->>'is_vendor')::boolean, a.is_vendor)
"""
LEFT = """
SELECT f.account_id::text, f.id::text, a.code, a.name, c.first_name, c.last_name, f.contact_id IS NOT NULL,
    coalesce('attributes.' || f.attribute, f.field), f.kept, f.actor_name, coalesce(f.by_job, false), c.is_primary
FROM undo_field f JOIN account a ON a.id = f.account_id LEFT JOIN contact c ON c.id = f.contact_id
WHERE f.kept IS NOT NULL ORDER BY a.code_key, f.contact_id NULLS FIRST, 8
"""


class Place(NamedTuple):
    """A record, which is the account itself or a contact of it."""

    account: str
    record: str


class Fields:
    """What a job changed at the accounts `here`, which were there before; `left` tells what stays."""

    def __init__(self, cursor: Cursor, job: UndoJob, here: Sequence[str]) -> None:
        self.cursor = cursor
        self.job = job
        self.here = list(here)
        self.changing: set[str] = set()
        self.left: list[Kept] = []
        self.kept: set[Place] = set()

    def give_back(self, lost: Iterable[str]) -> set[Place]:
        """Give back what can be; bring words right, also of accounts that lost a contact. Return records that got any.

        Their rows are locked.
        """
        self._find()
        accounts, contacts = self._derived(lost)
        if double := _with_doubles(contacts):
            self._keep(DUPLICATE, double)
            accounts, contacts = self._derived(lost)
        self._tell_left()
        given = {Place(*row) for row in self._run("SELECT account_id::text, id::text FROM undo_back")}
        self._write("contact", contacts)
        self._write("account", accounts)
        return given

    def _find(self) -> None:
        for statement in STAGES:
            self.cursor.execute(sql.SQL(statement))
        known = {"job": self.job.id, "here": self.here}
        for table in COLUMNS:
            of_account = table == "account"
            query = sql.SQL(FIND).format(
                table=sql.Identifier(table),
                record=sql.SQL("c.account_id" if of_account else "c.contact_id"),
                of_table=sql.SQL("contact_id IS NULL" if of_account else "contact_id IS NOT NULL"),
                changed=sql.Literal(CHANGED),
                value=_value_now(table),
                touches_l=sql.SQL(TOUCHES_FIELD.format(row="l")),
                touches_u=sql.SQL(TOUCHES_FIELD.format(row="u")),
                touches_e=sql.SQL(TOUCHES_FIELD.format(row="e")),
                old_of_e=sql.SQL(VALUE_OF_E.format(at=0)),
                new_of_e=sql.SQL(VALUE_OF_E.format(at=1)),
            )
            self.cursor.execute(query, known)
        self._gather()
        if self.cursor.execute(WITHOUT_ROLE, {"reason": ROLE}).rowcount:
            self._gather()

    def _keep(self, reason: str, accounts: Sequence[str]) -> None:
        """Keep what would make contacts of these accounts the same."""
        self.cursor.execute(
            "UPDATE undo_field SET kept = %s"
            " WHERE kept IS NULL AND account_id = ANY(%s::uuid[]) AND field = ANY(%s)"
            " AND (contact_id IS NOT NULL OR field = 'country')",
            [reason, list(accounts), list(KEYED)],
        )
        self._gather()

    def _gather(self) -> None:
        self.cursor.execute("DELETE FROM undo_back")
        self.cursor.execute(sql.SQL(GATHER))

    def _derived(self, lost: Iterable[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the accounts concerned and all their contacts as they will be, with keys and words."""
        given = self._run("SELECT DISTINCT account_id::text FROM undo_back")
        ids = sorted({account for (account,) in given} | set(lost))
        accounts = self._will_be("account", "t.id", ids)
        contacts = self._will_be("contact", "t.account_id", ids)
        contacts = contacts_with_keys(contacts, accounts)
        return accounts_with_search(accounts, contacts), contacts

    def _will_be(self, table: str, place: str, ids: Sequence[str]) -> pl.DataFrame:
        """Return text columns: what does not change, what will be, `was_...` for derived columns, and `bump`."""
        self.changing = {name for (name,) in self._run("SELECT DISTINCT jsonb_object_keys(back) FROM undo_back")}
        shown = [name for name in COLUMNS[table] if name in self.changing or name in BASE[table]]
        plain = ("id", "code") if table == "account" else ("id", "account_id", "is_primary")
        columns = [*plain, *shown, *(f"was_{name}" for name in KEYS[table]), "bump"]
        query = sql.SQL(
            "SELECT {columns}, (b.id IS NOT NULL)::int FROM {table} t LEFT JOIN undo_back b ON b.id = t.id"
            " WHERE {place} = ANY(%s::uuid[])"
        ).format(
            table=sql.Identifier(table),
            place=sql.SQL(place),
            columns=sql.SQL(", ").join(
                [
                    *(sql.SQL("t.{}").format(sql.Identifier(name)) for name in plain),
                    *map(_value_then, shown),
                    *(sql.SQL("t.{}").format(sql.Identifier(name)) for name in KEYS[table]),
                ]
            ),
        )
        return copy_out(self.cursor, query, [list(ids)], columns)

    def _tell_left(self) -> None:
        for account, record, code, name, first, last, of_contact, field, reason, by, by_job, first_one in self._run(
            LEFT
        ):
            label = f"{contact_name(first, last)} ({code} {name})" if of_contact else f"{code} {name}"
            contact = "contact_" if first_one or self.job.kind == "contacts" else "second_contact_"
            place = f"{contact}{field}" if of_contact else "roles" if field.startswith("is_") else field
            self.kept.add(Place(account, record))
            self.left.append(left_field(account, label, place, reason, by, of_contact=of_contact, by_job=by_job))

    def _write(self, table: str, frame: pl.DataFrame) -> None:
        derived = KEYS[table]
        differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"was_{name}")) for name in derived)
        frame = frame.filter((pl.col("bump") == "1") | differs)
        if table == "contact":
            self._make_room(frame)
        shown = [name for name in COLUMNS[table] if name in self.changing]
        write_frame(self.cursor, self.job, table, frame.select("id", *shown, *derived, "bump"), "undone")

    def _make_room(self, contacts: pl.DataFrame) -> None:
        """Let contacts that exchange their keys do so one after the other: the index looks at each alone."""
        moving = contacts.filter(pl.col("contact_key") != pl.col("was_contact_key"))
        taken = moving.join(moving, left_on=("account_id", "was_contact_key"), right_on=("account_id", "contact_key"))
        if taken.height:
            self.cursor.execute(
                "UPDATE contact SET contact_key = 'u:' || id WHERE id = ANY(%s::uuid[])", [taken["id"].to_list()]
            )

    def _run(self, query: str) -> list[tuple[Any, ...]]:
        return self.cursor.execute(sql.SQL(query)).fetchall()


def _with_doubles(contacts: pl.DataFrame) -> list[str]:
    """Return the accounts two of whose contacts would have one key."""
    double = contacts.filter(pl.struct("account_id", "contact_key").is_duplicated())
    return double["account_id"].unique().to_list()


def _value_now(table: str) -> sql.Composable:
    """Return the SQL of what field `c.field` of record `r` holds, as history keeps it."""
    cases: list[sql.Composable] = [
        sql.SQL("WHEN {} THEN coalesce(to_jsonb(r.{}), 'null')").format(sql.Literal(name), sql.Identifier(name))
        for name in COLUMNS[table]
        if name != "attributes"
    ]
    if table == "account":
        cases.append(sql.SQL("WHEN 'attributes' THEN r.attributes->c.attribute"))
    return sql.SQL("CASE c.field {} END").format(sql.SQL(" ").join(cases))


def _value_then(name: str) -> sql.Composable:
    """Return the SQL of what column `name` of record `t` will hold after it got back `b.back`."""
    back = {
        "tags": "ARRAY(SELECT jsonb_array_elements_text(b.back->{name}))",
        "attributes": "b.back->{name}",
        "is_customer": "(b.back->>{name})::boolean",
        "is_vendor": "(b.back->>{name})::boolean",
    }.get(name, "b.back->>{name}")
    return sql.SQL(f"CASE WHEN b.back ? {{name}} THEN {back} ELSE t.{{column}} END").format(
        name=sql.Literal(name), column=sql.Identifier(name)
    )
