"""What the rows of a file make of the links of their customers: decided here, written elsewhere.

Rows of a file of assignments are found first; those of a file of customers come as links already (`plan_links`).
Rows of one customer stand in one chunk. Rows that *replace* belong together: those of one customer and role say who has
the role from now on, so they are applied all, or none of them is.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple

from services.associates.domain.links import AccountFacts
from shared.importing.refused import RowRefused, fits_several
from shared.keys import code_key, email_key

Row = Mapping[str, Any]
DEFAULT_ROLE = "manages"


class Place(NamedTuple):
    """Whose link it is: an associate looks after an account in a role."""

    account: uuid.UUID
    associate: uuid.UUID
    role: str


@dataclass(frozen=True)
class Associate:
    """An associate as rows find it."""

    id: uuid.UUID
    code: str
    name: str
    email_key: str | None
    active: bool


@dataclass(frozen=True)
class OpenLink:
    """A link that goes on; `id` is None for one that a row begins."""

    id: uuid.UUID | None
    is_primary: bool
    begun_on: date


@dataclass(frozen=True)
class Facts:
    """What is there: customers by the key of their code, associates, their links; who was deleted meanwhile.

    `former` has the links that ended, with the day of their end.
    """

    accounts: Mapping[str, AccountFacts]
    gone: Collection[uuid.UUID]
    associates: Sequence[Associate]
    links: Mapping[Place, OpenLink]
    former: Collection[tuple[Place, date]]
    today: date


@dataclass(frozen=True)
class Wanted:
    """A row whose customer and associate were found."""

    row: Row
    place: Place
    account: AccountFacts
    associate: Associate
    action: str
    primary: bool
    begun_on: date | None
    ended_on: date | None

    @property
    def is_over(self) -> bool:
        """Whether it tells of an assignment that ended, and not of what is from now on."""
        return self.action == "add" and self.ended_on is not None

    @property
    def group(self) -> tuple[uuid.UUID, str]:
        """The customer and the role, which rows that replace share."""
        return self.place.account, self.place.role


@dataclass
class Verdict:
    """What becomes of a row: created, updated, unchanged or skipped; `changes` is {field: (old, new)}."""

    wanted: Wanted
    outcome: str
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass
class Plan:
    """What is to be done.

    `begin` has new links with the day of their beginning (None for now) and whether they are the one to turn to first;
    `over` those that ended already; `end` links with the day of their end (None for now); `lead` those that are the one
    to turn to first from now on.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    refused: list[tuple[Row, RowRefused]] = field(default_factory=list)
    begin: dict[Place, tuple[date | None, bool]] = field(default_factory=dict)
    over: list[tuple[Place, date, date]] = field(default_factory=list)
    end: dict[uuid.UUID, date | None] = field(default_factory=dict)
    lead: dict[uuid.UUID, Place] = field(default_factory=dict)


def make_plan(rows: Sequence[Row], facts: Facts, mode: str, spoiled: Collection[str] = ()) -> Plan:
    """Decide about the rows of a chunk, which are in the order of the file.

    `spoiled` are the keys of customers of whom a row could not be read: nobody is replaced there.
    """
    return Planner(facts, mode, spoiled).plan(rows)


def plan_links(wanted: Sequence[Wanted], facts: Facts) -> Plan:
    """Decide about links whose customers and associates are known and may have them."""
    return Planner(facts, "both", ()).settle(wanted)


class Planner:
    """One chunk: its rows are found first, then those that replace are held together, then each is decided."""

    def __init__(self, facts: Facts, mode: str, spoiled: Collection[str]) -> None:
        self.facts = facts
        self.mode = mode
        self.plan_ = Plan()
        self.links = dict(facts.links)
        self.by_account: dict[uuid.UUID, set[Place]] = defaultdict(set)
        for place in self.links:
            self.by_account[place.account].add(place)
        self.by_code = {code_key(one.code): one for one in facts.associates}
        self.by_email: dict[str, list[Associate]] = defaultdict(list)
        for one in facts.associates:
            if one.email_key:
                self.by_email[one.email_key].append(one)
        self.told_now: set[Place] = set()
        self.spoiled = {facts.accounts[key].id for key in spoiled if key in facts.accounts}
        self.seen: dict[tuple[Any, ...], int] = {}
        self.leaders: dict[uuid.UUID, int] = {}

    def plan(self, rows: Sequence[Row]) -> Plan:
        """Return what is to be done."""
        found = []
        for row in rows:
            try:
                found.append(self._wanted(row))
            except RowRefused as refused:
                self._refuse(row, refused)
        self.told_now = {one.place for one in found if not one.is_over}
        return self.settle(self._whole_groups([one for one in found if self._passes(one)]))

    def settle(self, found: Sequence[Wanted]) -> Plan:
        """Decide about rows whose customer and associate were found."""
        verdicts = [self._decide(one) for one in found]
        self._replace(verdicts)
        self.plan_.verdicts = verdicts
        return self.plan_

    def _wanted(self, row: Row) -> Wanted:
        account = self._account(row)
        try:
            associate = self._associate(row)
            action = row["action"] or "add"
            place = Place(account.id, associate.id, row["role"] or DEFAULT_ROLE)
            days = [date.fromisoformat(row[name]) if row[name] else None for name in ("begun_on", "ended_on")]
        except RowRefused:
            self.spoiled.add(account.id)
            raise
        return Wanted(row, place, account, associate, action, row["primary"] == "yes", *days)

    def _passes(self, wanted: Wanted) -> bool:
        try:
            self._check(wanted)
        except RowRefused as refused:
            self.spoiled.add(wanted.account.id)
            self._refuse(wanted.row, refused)
            return False
        return True

    def _account(self, row: Row) -> AccountFacts:
        if not row["customer_code"]:
            raise RowRefused("customer_code", "code_required", "Needed to find the customer.")
        account = self.facts.accounts.get(code_key(row["customer_code"]))
        if account is None:
            raise RowRefused("customer_code", "customer_not_found", "There is no customer or vendor with this code.")
        if account.id in self.facts.gone:
            raise RowRefused("customer_code", "customer_deleted", f"{account} was deleted meanwhile.")
        return account

    def _associate(self, row: Row) -> Associate:
        """Return whom a row means: by the code where it has one, else by the e-mail."""
        if row["associate_code"]:
            found = self.by_code.get(code_key(row["associate_code"]))
            if found is None:
                raise RowRefused("associate_code", "associate_not_found", "There is no associate with this code.")
            return found
        if not row["associate_email"]:
            raise RowRefused("associate_code", "associate_required", "Give the associate's code or e-mail.")
        several = self.by_email.get(email_key(row["associate_email"]), [])
        if not several:
            raise RowRefused("associate_email", "associate_not_found", "There is no associate with this address.")
        if len(several) > 1:
            told = f"{fits_several('associates', (one.code for one in several))} Give the code."
            raise RowRefused("associate_email", "ambiguous_match", told)
        return several[0]

    def _check(self, wanted: Wanted) -> None:
        ended, begun, today = wanted.ended_on, wanted.begun_on, self.facts.today
        if ended and ended > today:
            told = "Is to come. A file says what is over: bring it again when it is, or remove it by hand then."
            raise RowRefused("ended_on", "in_future", told)
        if begun and begun > today:
            raise RowRefused("begun_on", "in_future", "Is to come. An assignment begins on the day itself.")
        if ended and begun and ended < begun:
            raise RowRefused("ended_on", "ends_before_begin", "Is before the day on which it began.")
        link = self.links.get(wanted.place)
        if ended and link and ended < link.begun_on and not self._is_earlier(wanted):
            raise RowRefused("ended_on", "ends_before_begin", f"Is before {link.begun_on}, when it began here.")
        if wanted.action == "replace" and ended:
            raise RowRefused("ended_on", "over_replaces", "An assignment that is over replaces nobody.")
        if wanted.action == "replace" and self.mode != "both":
            told = "Replacing adds and takes away: choose “Added, or updated if known” (mode both) for it."
            raise RowRefused("action", "mode_replaces", told)
        if wanted.action != "remove" and not ended and not (wanted.associate.active or link):
            told = f"{wanted.associate.name} is inactive, so nothing can be given to them."
            raise RowRefused(_named_by(wanted.row), "associate_inactive", told)
        self._check_repeated(wanted)

    def _check_repeated(self, wanted: Wanted) -> None:
        key = (wanted.place, wanted.ended_on if wanted.is_over else None)
        if key in self.seen:
            raise RowRefused(_named_by(wanted.row), "repeated_key", f"Came before, on line {self.seen[key]}.")
        if wanted.primary and not wanted.is_over and wanted.action != "remove":
            if line := self.leaders.get(wanted.place.account):
                raise RowRefused("primary", "two_primaries", f"Line {line} makes another one primary already.")
            self.leaders[wanted.place.account] = wanted.row["_line"]
        self.seen[key] = wanted.row["_line"]

    def _whole_groups(self, found: Sequence[Wanted]) -> list[Wanted]:
        """Refuse the rows that replace somebody where another row of the customer is refused."""
        whole = []
        for one in found:
            if one.action == "replace" and one.place.account in self.spoiled:
                told = "Another row of this customer is refused, so nobody is replaced there."
                self._refuse(one.row, RowRefused("action", "replaced_together", told))
            else:
                whole.append(one)
        return whole

    def _refuse(self, row: Row, refused: RowRefused) -> None:
        self.plan_.refused.append((row, refused))

    def _decide(self, one: Wanted) -> Verdict:
        link = self.links.get(one.place)
        if one.is_over and one.ended_on and (link is None or self._is_earlier(one)):
            return self._decide_over(one, one.ended_on)
        if one.action == "remove" or one.ended_on:
            return self._decide_end(one, link)
        if link is None:
            return self._decide_new(one)
        if self.mode == "create":
            return Verdict(one, "skipped")
        if one.primary and not link.is_primary:
            self._lead(one.place)
            return Verdict(one, "updated", {"primary": ("no", "yes")})
        return Verdict(one, "unchanged")

    def _is_earlier(self, one: Wanted) -> bool:
        """Tell whether a row that is over is about an assignment before the one that goes on, and not about its end.

        It is where another row says what is from now on, and where one that ended on that day is known.
        """
        return one.is_over and (one.place in self.told_now or (one.place, one.ended_on) in self.facts.former)

    def _decide_new(self, one: Wanted) -> Verdict:
        if self.mode == "update":
            return Verdict(one, "skipped")
        self.plan_.begin[one.place] = one.begun_on, False
        self._put(one.place, OpenLink(None, is_primary=False, begun_on=one.begun_on or self.facts.today))
        if one.primary:
            self._lead(one.place)
        return Verdict(one, "created")

    def _decide_over(self, one: Wanted, ended: date) -> Verdict:
        """Decide about an assignment that is over, and that nobody noted while it went on."""
        if (one.place, ended) in self.facts.former:
            return Verdict(one, "skipped" if self.mode == "create" else "unchanged")
        if self.mode == "update":
            return Verdict(one, "skipped")
        self.plan_.over.append((one.place, one.begun_on or ended, ended))
        return Verdict(one, "created")

    def _decide_end(self, one: Wanted, link: OpenLink | None) -> Verdict:
        if self.mode == "create":
            return Verdict(one, "skipped")
        if link is None:
            return Verdict(one, "unchanged")
        self._end(one.place, one.ended_on)
        return Verdict(one, "updated", {"ended_on": (None, (one.ended_on or self.facts.today).isoformat())})

    def _replace(self, verdicts: Sequence[Verdict]) -> None:
        """End the links of a role that its rows do not name, and hand on the first place if it was among them."""
        groups: dict[tuple[uuid.UUID, str], list[Verdict]] = defaultdict(list)
        for verdict in verdicts:
            groups[verdict.wanted.group].append(verdict)
        names = {one.id: one.name for one in self.facts.associates}
        for (account, role), group in groups.items():
            first = next((one for one in group if one.wanted.action == "replace"), None)
            if first is None:
                continue
            named = {one.wanted.place for one in group}
            others = sorted(place for place in self.by_account[account] if place.role == role and place not in named)
            led = any(self.links[place].is_primary for place in others)
            for place in others:
                self._end(place, None)
            if others:
                first.outcome = "updated" if first.outcome == "unchanged" else first.outcome
                gone = ", ".join(sorted(names.get(place.associate, "another") for place in others))
                first.changes["associate_code"] = (gone, first.wanted.associate.name)
            if led and not any(self.links[place].is_primary for place in self.by_account[account]):
                self._lead(first.wanted.place)

    def _put(self, place: Place, link: OpenLink) -> None:
        self.links[place] = link
        self.by_account[place.account].add(place)

    def _end(self, place: Place, day: date | None) -> None:
        link = self.links.pop(place)
        self.by_account[place.account].discard(place)
        assert link.id is not None
        self.plan_.end[link.id] = day
        self.plan_.lead.pop(link.id, None)

    def _lead(self, place: Place) -> None:
        """Make this the one to turn to first; the former one steps back."""
        for other in self.by_account[place.account]:
            link = self.links[other]
            if link.is_primary and other != place:
                self.links[other] = replace(link, is_primary=False)
                if other in self.plan_.begin:
                    self.plan_.begin[other] = self.plan_.begin[other][0], False
                elif link.id:
                    self.plan_.lead.pop(link.id, None)
        link = self.links[place]
        self.links[place] = replace(link, is_primary=True)
        if place in self.plan_.begin:
            self.plan_.begin[place] = self.plan_.begin[place][0], True
        elif link.id and not self.facts.links[place].is_primary:
            self.plan_.lead[link.id] = place


def _named_by(row: Row) -> str:
    return "associate_code" if row["associate_code"] else "associate_email"
