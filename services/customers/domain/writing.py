"""Writing to a customer (A7): what a mail begins with, whom it can go to, and keeping it to be sent.

Recipients are records: the account, its active contacts, and, as copies, the associates that look after it today. So
nobody can have mails sent to an address that is not on file.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.customers.domain.accounts import get_account
from services.customers.domain.history import record_change
from services.customers.domain.keeping import contacts_of
from services.customers.domain.mail_templates import BY_NAME, fill
from services.customers.domain.records import contact_name
from services.customers.errors import MessageSent, MessageTaken, NoRecipient, UnknownRecipient
from services.customers.models import Account, AccountAssociate, AssociateName, Message, Recipient
from shared.db import uuid7
from shared.events.associates import LINK_ROLES
from shared.history import Actor
from shared.mail import deliverable
from shared.mail_queue import wake_sender


@dataclass(frozen=True)
class Reachable:
    """Somebody who can get the mail. `kind` is account, contact or associate; `roles` are an associate's.

    `suggested`: ticked unless the writer says otherwise; of an associate: its role fits the occasion.
    """

    kind: str
    id: uuid.UUID
    name: str
    email: str
    suggested: bool = False
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """What a mail begins with. `unreachable` are active contacts without an address that can be written to."""

    account: Account
    template: str
    subject: str
    text: str
    reply_to: str | None
    recipients: Sequence[Reachable]
    copies: Sequence[Reachable]
    unreachable: Sequence[str]


def draft_message(
    session: Session,
    actor: Actor,
    account_id: uuid.UUID,
    template: str,
    *,
    contact_id: uuid.UUID | None = None,
    with_copies: bool,
) -> Draft:
    """Return what a mail to this customer begins with; addressed to `contact_id`, else to whom one turns first.

    Raises AccountNotFound. `with_copies` is off for who may not see associates.
    """
    account = get_account(session, account_id)
    recipients, unreachable = _recipients(session, account, contact_id)
    addressed = next((one for one in recipients if one.suggested), None)
    values = {
        "customer": account.name,
        "code": account.code,
        "contact": addressed.name if addressed else account.name,
        "writer": actor.name,
    }
    chosen = BY_NAME[template]
    return Draft(
        account=account,
        template=template,
        subject=fill(chosen.subject, values),
        text=fill(chosen.text, values),
        reply_to=_last_reply_to(session, actor),
        recipients=recipients,
        copies=_copies(session, account_id, chosen.fits) if with_copies else [],
        unreachable=unreachable,
    )


def write_message(
    session: Session,
    actor: Actor,
    account_id: uuid.UUID,
    values: Mapping[str, Any],
    *,
    with_copies: bool,
    message_id: uuid.UUID | None = None,
) -> Message:
    """Keep a mail to be sent, and note it in the customer's history.

    `message_id` is the writer's own: the same mail again gives the one that was kept first, whoever of its recipients
    was removed since. Raises AccountNotFound, NoRecipient, UnknownRecipient, MessageTaken, MessageSent.
    """
    account = get_account(session, account_id)
    if message_id and session.get(Message, message_id):
        return _sent_before(session, actor, account, values, message_id)
    people = _chosen(session, account, values, with_copies=with_copies)
    fresh = session.scalar(
        insert(Message)
        .values(
            id=message_id or uuid7(),
            account_id=account_id,
            account_name=account.name,
            template=values["template"],
            subject=values["subject"],
            body=values["text"],
            reply_to=values.get("reply_to"),
            created_by=actor.id,
            created_by_name=actor.name,
        )
        .on_conflict_do_nothing()
        .returning(Message.id)
    )
    if fresh is None:  # sent at this moment, or where this person may not look
        return _sent_before(session, actor, account, values, message_id)
    session.add_all(
        Recipient(message_id=fresh, position=place, kind=one.kind, record_id=one.id, name=one.name, email=one.email)
        for place, one in enumerate(people)
    )
    record_change(session, actor, account, "wrote", {"message": [None, fresh], "subject": [None, values["subject"]]})
    wake_sender(session)
    session.flush()
    return session.get_one(Message, fresh)


def _sent_before(
    session: Session, actor: Actor, account: Account, values: Mapping[str, Any], message_id: uuid.UUID | None
) -> Message:
    """Return the mail that has this id; raise MessageTaken where it is of others, MessageSent where it says else."""
    known = session.get(Message, message_id)
    if known is None or (known.account_id, known.created_by) != (account.id, actor.id):
        raise MessageTaken
    said = (known.template, known.subject, known.body, known.reply_to)
    says = (values["template"], values["subject"], values["text"], values.get("reply_to"))
    if said != says or not _went_to(session, account, known.id, values):
        raise MessageSent(known.id)
    return known


def _went_to(session: Session, account: Account, message_id: uuid.UUID, values: Mapping[str, Any]) -> bool:
    """Tell whether the mail went to those who are wanted: to each, or to another of them with the same address."""
    kept = session.scalars(select(Recipient).where(Recipient.message_id == message_id)).all()
    wanted = {*_written_to(account, values), *values.get("associate_ids", ())}
    others = wanted - {one.record_id for one in kept}
    on_file = [*_recipients(session, account)[0], *_copies(session, account.id, ())]
    addresses = {one.email.lower() for one in on_file if one.id in others}
    return {one.record_id for one in kept} <= wanted and addresses <= {one.email.lower() for one in kept}


def preview_message(
    session: Session, account_id: uuid.UUID, values: Mapping[str, Any], *, with_copies: bool
) -> tuple[Account, list[Reachable]]:
    """Return whom a mail would go to, as `write_message` would keep it; raises what that would."""
    account = get_account(session, account_id)
    return account, _chosen(session, account, values, with_copies=with_copies)


def _chosen(session: Session, account: Account, values: Mapping[str, Any], *, with_copies: bool) -> list[Reachable]:
    """Return whom the mail is for, each address once, those it is written to before those who get a copy."""
    recipients, _ = _recipients(session, account)
    known = {one.id: one for one in recipients}
    wanted = _written_to(account, values)
    if not wanted:
        raise NoRecipient
    colleagues = _copies(session, account.id, ()) if with_copies else []
    copies = {one.id: one for one in colleagues}
    people = [*_known(wanted, known, "to"), *_known(values.get("associate_ids", ()), copies, "copies")]
    return list({one.email.lower(): one for one in reversed(people)}.values())[::-1]


def _written_to(account: Account, values: Mapping[str, Any]) -> list[uuid.UUID]:
    return [*([account.id] if values.get("to_account") else []), *values.get("contact_ids", ())]


def _known(ids: Iterable[uuid.UUID], known: Mapping[uuid.UUID, Reachable], field: str) -> list[Reachable]:
    found = [known.get(one) for one in ids]
    if None in found:
        raise UnknownRecipient(field)
    return [one for one in found if one]


def _recipients(
    session: Session, account: Account, first: uuid.UUID | None = None
) -> tuple[list[Reachable], list[str]]:
    """Return the account and its active contacts as far as they can be written to, and the names of the others.

    One is suggested: the contact `first`, else the primary one, else the account.
    """
    contacts = [one for one in contacts_of(session, account) if one.status == "active"]
    reachable, unreachable = [], []
    for contact in contacts:
        name = contact_name(contact.first_name, contact.last_name)
        if email := deliverable(contact.email):
            reachable.append(Reachable("contact", contact.id, name, email))
        else:
            unreachable.append(name)
    primary = next((one.id for one in contacts if one.is_primary), None)
    own = deliverable(account.email)
    if own:
        reachable.append(Reachable("account", account.id, account.name, own))
    ids = [one.id for one in reachable]
    suggested = next((one for one in (first, primary, account.id, *ids) if one in ids), None)
    return [Reachable(one.kind, one.id, one.name, one.email, one.id == suggested) for one in reachable], unreachable


def _copies(session: Session, account_id: uuid.UUID, fits: Sequence[str]) -> list[Reachable]:
    """Return the active associates with an address that look after the account today, those whose role fits first."""
    rows = session.execute(
        select(AssociateName.associate_id, AssociateName.name, AssociateName.email, AccountAssociate.role)
        .join(AccountAssociate, AccountAssociate.associate_id == AssociateName.associate_id)
        .where(AccountAssociate.account_id == account_id, AssociateName.active, AssociateName.email.is_not(None))
        .order_by(AssociateName.name, AssociateName.associate_id)
    ).all()
    roles: dict[uuid.UUID, set[str]] = {}
    for row in rows:
        roles.setdefault(row.associate_id, set()).add(row.role)
    found = []
    for associate_id, name, email in dict.fromkeys((row.associate_id, row.name, row.email) for row in rows):
        if address := deliverable(email):
            its_roles = tuple(sorted(roles[associate_id], key=LINK_ROLES.index))
            fitting = not roles[associate_id].isdisjoint(fits)
            found.append(Reachable("associate", associate_id, name, address, fitting, its_roles))
    return sorted(found, key=lambda one: (not one.suggested, _rank(one.roles, fits)))


def _rank(roles: Sequence[str], fits: Sequence[str]) -> int:
    return min((fits.index(role) for role in roles if role in fits), default=len(fits))


def _last_reply_to(session: Session, actor: Actor) -> str | None:
    """Return where this writer wanted the last mail answered."""
    query = select(Message.reply_to).where(Message.created_by == actor.id).order_by(Message.id.desc()).limit(1)
    return session.scalar(query)
