"""Who looks after the customers of an import of customers: links that its rows ask for (A10).

Customers tells them with the chunk, in an event; here they are applied as a chunk of assignments, under a receipt. When
the chunk is taken back customers says so at once, and gets to know what became of them: a chunk that is taken back
before its event was read is never applied.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any, NamedTuple

import structlog
from sqlalchemy import exists, func, insert, select, text
from sqlalchemy.orm import Session

from services.associates.bulk import receipts
from services.associates.bulk.assignment_plan import Associate, Facts, Place, Wanted, plan_links
from services.associates.bulk.associate_chunk import DERIVED, note_records, tell_saved
from services.associates.bulk.associate_undo import Undo as UndoAssociates
from services.associates.bulk.chunk import LinksResult, links_by_associate, tell_links
from services.associates.bulk.job import UndoJob
from services.associates.bulk.link_writing import (
    Written,
    gone_accounts,
    read_associates,
    read_links,
    write_plan,
)
from services.associates.bulk.undo import LinksUndone, Names, sum_up, take_back
from services.associates.domain.link_locks import replace_alone, share_accounts, until_unhindered
from services.associates.domain.links import AccountFacts
from services.associates.domain.naming import FOUND, Called, find_called
from services.associates.domain.records import DEFAULTS, FIELDS, derived
from services.associates.models import Associate as AssociateTable
from services.associates.models import Change, Receipt, UndoReceipt, code_sequence
from shared.bulk import ChecksumMismatch, FenceClosed, Kept
from shared.codes import free_codes
from shared.db import uuid7s
from shared.importing import job as importing
from shared.importing.ids import pack, unpack
from shared.keys import code_key, email_key, name_key
from shared.records import EMPTY, first_values

CHECKSUM = "wish"
LOOKED_AFTER = """
SELECT DISTINCT ON (l.account_id) l.account_id, coalesce(a.name, 'Somebody') AS name
FROM link l LEFT JOIN associate a ON a.id = l.associate_id
WHERE l.account_id = ANY(:accounts) AND l.ended_at IS NULL
ORDER BY l.account_id, l.id = ANY(:begun), l.is_primary DESC, a.name
"""
# Accounts that the chunk created, and that stay since somebody looks after them all the same.
STAYING = """
SELECT account_id FROM link WHERE account_id = ANY(:created) AND ended_at IS NULL
    AND (id <> ALL(:begun) OR is_primary AND id <> ALL(:lead) OR since_by_name IS NOT NULL)
"""
LINKS_OF = "SELECT id FROM link WHERE id = ANY(:links) AND account_id = ANY(:accounts)"
log = structlog.get_logger("wishes")


@dataclass(frozen=True)
class Wish:
    """What the rows of a chunk ask for: links with associates that were known, and with such as nobody knew."""

    id: uuid.UUID
    chunk_no: int
    actor_id: uuid.UUID
    actor_name: str
    replaces: bool
    links: Sequence[Place]
    new: Sequence[tuple[Called, Sequence[tuple[uuid.UUID, str]]]]

    @classmethod
    def from_event(cls, told: Mapping[str, Any]) -> "Wish":
        """Read the payload of `customers.assignments_wished.v1`."""
        return cls(
            uuid.UUID(told["job_id"]),
            told["chunk_no"],
            uuid.UUID(told["actor_id"]),
            told["actor_name"],
            told["mode"] == "replace",
            [Place(uuid.UUID(account), uuid.UUID(associate), role) for account, associate, role in told["links"]],
            [
                (Called(code, name, email), [(uuid.UUID(account), role) for account, role in places])
                for code, name, email, places in told["new"]
            ],
        )


def fulfil_wish(session: Session, wish: Wish) -> None:
    """Apply what the rows of a chunk ask for, once; nothing where the chunk was taken back before. Commits nothing.

    What cannot be done any more is left out and logged: an associate or a customer may be gone meanwhile.
    """
    try:
        receipts.apply_chunk(session, wish.id, wish.chunk_no, CHECKSUM, lambda inner: _fulfil(inner, wish))
    except (FenceClosed, ChecksumMismatch):
        log.info("taken back before", job=str(wish.id), no=wish.chunk_no)
        return
    receipts.finish_job(session, wish.id)


def _fulfil(session: Session, wish: Wish) -> LinksResult:
    share_accounts(session)
    return until_unhindered(session, lambda: _apply(session, wish))


def _apply(session: Session, wish: Wish) -> LinksResult:
    if wish.replaces:
        replace_alone(session)
    ids = _new_associates(session, wish)
    places, undecided = [*wish.links], set[uuid.UUID]()
    for associate, (called, asked) in zip(ids, wish.new, strict=True):
        if associate:
            places += [Place(account, associate, role) for account, role in asked]
        else:
            log.warning("fits several", job=str(wish.id), no=wish.chunk_no, called=str(called))
            undecided |= {account for account, _ in asked}
    accounts = sorted({place.account for place in places})
    named = {place.associate for place in (*places, *read_links(session, accounts, is_look=True))}
    associates = read_associates(session, AssociateTable.id.in_(named))
    links = read_links(session, accounts)
    facts = Facts({}, gone_accounts(session, accounts), associates, links, (), datetime.now(UTC).date())
    plan = plan_links(_possible(wish, dict.fromkeys(places), facts, undecided), facts)
    result = LinksResult(by=(str(wish.actor_id), wish.actor_name), created=len(plan.begin), updated=len(plan.end))
    result.created_ids = pack(*write_plan(session, wish_job(wish), plan))
    result.links = links_by_associate(session)
    tell_links(session)
    return result


def wish_job(wish: Wish) -> importing.UndoJob:
    """Return who does it for which job, as history is told."""
    return importing.UndoJob(wish.id, wish.chunk_no, "customers", wish.actor_id, wish.actor_name)


def _possible(wish: Wish, places: Mapping[Place, None], facts: Facts, undecided: set[uuid.UUID]) -> list[Wanted]:
    """Return the links that can be had; who cannot be given work, or not be told, replaces nobody there."""
    known = {one.id: one for one in facts.associates}
    action = "replace" if wish.replaces else "add"
    found, spoiled = [], undecided | set(facts.gone)
    for place in places:
        associate = known.get(place.associate)
        if place.account in facts.gone or associate is None or not (associate.active or place in facts.links):
            log.warning("left out", job=str(wish.id), no=wish.chunk_no, **_words(place))
            spoiled.add(place.account)
            continue
        found.append(_wanted(place, associate, action))
    if not wish.replaces:
        return found
    return [_wanted(one.place, one.associate, "add") if one.place.account in spoiled else one for one in found]


def _words(place: Place) -> dict[str, str]:
    return {"account": str(place.account), "associate": str(place.associate), "role": place.role}


def _wanted(place: Place, associate: Associate, action: str) -> Wanted:
    account = AccountFacts(place.account, "", "")
    return Wanted({}, place, account, associate, action, primary=False, begun_on=None, ended_on=None)


def _new_associates(session: Session, wish: Wish) -> list[uuid.UUID | None]:
    """Return the id of each associate that nobody knew, None where several fit by now; who is still missing is made.

    Somebody, or another chunk of the job, may have made one meanwhile: it is looked for again, as its row calls it. Of
    those that are made here, the same code, or the same e-mail, or the same name of such as have neither, is one.
    """
    called = [one for one, _ in wish.new]
    found = find_called(session, called, wish.id)
    ids: dict[int, uuid.UUID | None] = {
        at: one.those[0].id if one.verdict == FOUND else None for at, one in enumerate(found) if one.those
    }
    fresh = [at for at in range(len(called)) if at not in ids]
    groups = _same(called, sorted(fresh, key=lambda at: called[at].code is None))
    made = _make(session, wish, [[called[at] for at in group] for group in groups])
    for associate_id, group in zip(made, groups, strict=True):
        ids |= dict.fromkeys(group, associate_id)
    return [ids[at] for at in range(len(called))]


def _same(called: Sequence[Called], places: Sequence[int]) -> list[list[int]]:
    """Return `places` in groups that call the same associate; those with a code come first."""
    groups: list[list[int]] = []
    known: dict[str, list[int]] = {}
    for at in places:
        keys = keys_of(called[at])
        group = next((known[key] for key in keys if key in known), None)
        if group is None:
            group = []
            groups.append(group)
        group.append(at)
        for key in keys:
            known.setdefault(key, group)
    return groups


def keys_of(one: Called) -> list[str]:
    """Return by what it is known that two rows call the same new associate."""
    keys = [f"c:{code_key(one.code)}"] if one.code else []
    keys += [f"e:{email_key(one.email)}"] if one.email else []
    return keys or [f"n:{name_key(one.name or '')}"]


def _make(session: Session, wish: Wish, groups: Sequence[Sequence[Called]]) -> list[uuid.UUID]:
    """Add an associate for each group; each is active and cannot sign in."""
    if not groups:
        return []
    codes = iter(free_codes(session, len(groups), "A", code_sequence, AssociateTable.code_key))
    ids = uuid7s(len(groups))
    records = [_record(associate_id, group, codes) for associate_id, group in zip(ids, groups, strict=True)]
    by = {"created_by": wish.actor_id, "created_by_name": wish.actor_name}
    names = ("id", *FIELDS, *DERIVED)
    session.execute(insert(AssociateTable), [{**{name: one[name] for name in names}, **by} for one in records])
    given = [{name: one[name] for name in FIELDS if one[name] not in EMPTY} for one in records]
    lines = [first_values(values, DEFAULTS) for values in given]
    note_records(session, wish_job(wish), "created", zip(records, lines, strict=True))
    tell_saved(session, records)
    return list(ids)


def _record(associate_id: uuid.UUID, group: Sequence[Called], codes: Any) -> dict[str, Any]:
    said = {name: next(filter(None, (getattr(one, name) for one in group)), None) for name in Called._fields}
    record = {**dict.fromkeys(FIELDS), **DEFAULTS, "tags": [], **said, "id": associate_id}
    record["code"] = record["code"] or next(codes)
    return {**record, **derived(record), "status": "active", "version": 1}


@dataclass
class WishUndone(LinksUndone):
    """What became of a wish: `changed` are the customers whose links are as before, `stayed` those where some stay."""

    changed: list[str] = field(default_factory=list)
    stayed: list[str] = field(default_factory=list)


class Accounts(NamedTuple):
    """The accounts for which a chunk asked for links; those that it `created`, and those that are `kept` whole."""

    asked: Sequence[uuid.UUID]
    created: Sequence[uuid.UUID] = ()
    kept: Sequence[uuid.UUID] = ()


def undo_wish(session: Session, job: UndoJob, names: Names, accounts: Accounts) -> dict[str, Any]:
    """Take back what was done for a chunk, once; tell what stays, and who looks after its accounts all the same.

    An account that the chunk created stays whole, with all its links, or goes. A chunk whose event was not read yet is
    never applied then. Commits nothing.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(job.id), 1))))  # see _remove_unused
    answer = receipts.undo_chunk(
        session,
        job.id,
        job.chunk_no,
        lambda inner, ids: until_unhindered(inner, lambda: _undo(inner, job, ids, names, accounts)),
    )
    receipts.finish_job(session, job.id)
    told = {name: answer.get(name, []) for name in ("stayed", "left")}
    told["changed"] = answer.get("changed", [str(one) for one in accounts.asked])  # all, if never applied
    return {**told, "looked_after": _looked_after(session, job, accounts.asked)}


def _undo(session: Session, job: UndoJob, created_ids: bytes, names: Names, accounts: Accounts) -> WishUndone:
    written = Written(*unpack(created_ids, len(Written._fields)))
    taken = take_back(session, job, _without_staying(session, written, accounts))
    links = sum_up(session, job, taken, names)
    result = WishUndone(**{name: getattr(links, name) for name in asdict(links)})
    result.left += _remove_unused(session, job)
    result.stayed = [str(one) for one in sorted(taken.kept)]
    result.changed = [str(one) for one in sorted(taken.done.keys() - taken.kept)]
    return result


def _without_staying(session: Session, written: Written, accounts: Accounts) -> Written:
    """Return what was written but for the accounts that stay."""
    told = {"created": list(accounts.created), **written._asdict()}
    staying = {*accounts.kept, *session.scalars(text(STAYING), told)}
    theirs = set(session.scalars(text(LINKS_OF), {"links": [*chain(*written)], "accounts": list(staying)}))
    return Written(*([one for one in sort if one not in theirs] for sort in written))


def _remove_unused(session: Session, job: UndoJob) -> list[Kept]:
    """With the last of a job's chunks, remove the associates that it made; return a line for each that somebody uses.

    Before, other chunks may use one that this one made. So the chunks of a job are taken back one after the other.
    """
    undone = exists().where(UndoReceipt.job_id == Receipt.job_id, UndoReceipt.chunk_no == Receipt.chunk_no)
    if session.scalar(select(exists().where(Receipt.job_id == job.id, ~undone))):
        return []
    made = session.scalars(select(Change.associate_id).where(Change.job_id == job.id, Change.action == "created")).all()
    told = importing.UndoJob(job.id, job.chunk_no, "customers", job.actor.id, job.actor.name)
    return UndoAssociates(session, told).apply(made, []).left if made else []


def _looked_after(session: Session, job: UndoJob, accounts: Sequence[uuid.UUID]) -> list[list[str]]:
    """Return those of `accounts` that somebody looks after, and who: [account, associate].

    Whom the chunk itself gave an account comes last: it is there since the account stays, not the other way round.
    """
    receipt = session.get(Receipt, (job.id, job.chunk_no))
    begun = unpack((receipt and receipt.created_ids) or b"", len(Written._fields))[0]
    rows = session.execute(text(LOOKED_AFTER), {"accounts": list(accounts), "begun": begun})
    return [[str(row.account_id), row.name] for row in rows]
