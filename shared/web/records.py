"""The screens that all records have alike: form, save, delete, bring back, active or not, history.

A service says in a `RecordPages` what is its own (words, permissions, schemas, domain functions, templates) and adds
the routes to its blueprint. What only it has, such as the page that shows a record, it writes beside it.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, make_response, render_template, request
from sqlalchemy.orm import Session

from shared.db import read_only, unit_of_work, uuid7
from shared.errors import Conflict, DomainError, Invalid, NotFound, RecordChanged
from shared.fields import Choice, Text
from shared.ui.records import short
from shared.web.access import current_actor, current_identity, requires
from shared.web.concurrency import once_per_form
from shared.web.forms import Raw, as_typed, load_form, merge_typed, seen_in, status_typed
from shared.web.htmx import go_to
from shared.web.paging import id_place, next_cursor
from shared.web.places import back_to_list, back_url

HISTORY_PAGE = 30
Extra = Callable[[Session, Any], Mapping[str, Any]]


class StatusIn(ma.Schema):
    """Make a record inactive (say why), or active again."""

    status = Choice(("active", "inactive"), required=True)
    reason = Text(500, metadata={"description": "Needed for inactive.", "example": "Closed down in March"})


def _nothing(session: Session, record: Any) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class RecordPages:
    """One kind of record. The domain functions are those that customers' accounts have, with the same arguments."""

    home: str
    thing: str
    things: str
    view: str
    edit: str
    delete: str
    feature: str = ""
    gone: type[NotFound]
    blank: Raw
    fields: Sequence[str]
    labels: Mapping[str, str]
    typed: Callable[[Any], Raw]
    new_schema: type[ma.Schema]
    patch_schema: type[ma.Schema]
    get: Callable[..., Any]
    create: Callable[..., Any]
    change: Callable[..., Any]
    remove: Callable[..., None]
    restore: Callable[..., Any]
    set_status: Callable[..., Any]
    deletion: Callable[..., Any]
    history: Callable[..., Any]
    entry: Callable[[Any], Mapping[str, Any]]
    form_template: str
    form_extra: Callable[[], Mapping[str, Any]] = dict
    delete_template: str
    delete_extra: Extra = _nothing
    inactive_text: str
    reasons: Sequence[str]

    def add_routes(self, blueprint: Blueprint) -> None:
        """Give `blueprint` (whose addresses begin with `home`) the screens of this kind."""
        one = "/<uuid:record_id>"
        routes: tuple[tuple[str, str, str, Callable[..., Any]], ...] = (
            ("GET", "/new", self.edit, self.new_form),
            ("POST", "", self.edit, self.add),
            ("GET", f"{one}/edit", self.edit, self.edit_form),
            ("POST", f"{one}/edit", self.edit, self.save),
            ("GET", f"{one}/delete", self.delete, self.delete_dialog),
            ("POST", f"{one}/delete", self.delete, self.delete_record),
            ("POST", f"{one}/restore", self.delete, self.bring_back),
            ("GET", f"{one}/inactive", "set_status", self.inactive_dialog),
            ("POST", f"{one}/status", "set_status", self.change_status),
            ("GET", f"{one}/history", self.view, self.show_history),
        )
        for method, rule, permission, view in routes:
            marked = requires(permission, feature=self.feature)(partial(view))
            blueprint.add_url_rule(rule, view.__name__, marked, methods=[method])

    def new_form(self) -> str:
        """Show a blank form."""
        return self._form(self.blank)

    def add(self) -> Response:
        """Add a record, once however often the form is sent; a refused form comes back as it was typed."""
        typed = self.typed(request.form)
        try:
            values = load_form(self.new_schema(), typed)
            return once_per_form(lambda: self._added(values))
        except DomainError as refusal:
            return make_response(self._form(typed, refusal=refusal), refusal.status)

    def _added(self, values: Raw) -> Response:
        with unit_of_work() as session:
            record = self.create(session, current_actor(), values)
        return go_to(f"{self.home}/{record.id}", f"{short(record.name)} was added.")

    def edit_form(self, record_id: uuid.UUID) -> str:
        """Show the form with what is known."""
        record = self._read(record_id)
        return self._form(as_typed(record, self.fields), record)

    def save(self, record_id: uuid.UUID) -> Response:
        """Save a record; where somebody else was quicker, show what they changed and keep what was typed."""
        typed, values = self.typed(request.form), {}
        try:
            values = load_form(self.patch_schema(), typed)
            with unit_of_work() as session:
                record = self.change(session, current_actor(), record_id, values, seen_in(request.form))
        except DomainError as refusal:
            return self._refused(record_id, typed, values, refusal)
        return go_to(f"{self.home}/{record.id}", f"{short(record.name)} was saved.")

    def _refused(self, record_id: uuid.UUID, typed: Raw, values: Raw, refusal: DomainError) -> Response:
        record = self._read(record_id)
        if not isinstance(refusal, RecordChanged):
            return make_response(self._form(typed, record, refusal, seen_in(request.form)), refusal.status)
        now = as_typed(record, self.fields)
        merged, refusal.fields = merge_typed(typed, values, now, refusal.extra["changes"], self.labels)
        return make_response(self._form(merged, record, refusal), refusal.status)

    def _form(
        self, typed: Raw, record: Any = None, refusal: DomainError | None = None, version: int | None = None
    ) -> str:
        return render_template(
            self.form_template,
            typed=typed,
            record=record,
            refusal=refusal,
            errors=refusal.fields if refusal else {},
            version=version if version is not None else record and record.version,
            labels=self.labels,
            form_id=uuid7(),
            **self.form_extra(),
        )

    def deleted_page(self, record_id: uuid.UUID) -> Response:
        """Return the page of a deleted record, with the way back; raise what says that there never was one."""
        with read_only() as session:
            deletion = self.deletion(session, record_id)
        if deletion is None:
            raise self.gone(record_id)  # type: ignore[arg-type]
        page = render_template(
            "ui/deleted.html",
            deletion=deletion,
            things=self.things,
            thing=self.thing,
            home=self.home,
            url=f"{self.home}/{record_id}",
            may_restore=current_identity().may(self.delete),
        )
        return make_response(page, 404)

    def delete_dialog(self, record_id: uuid.UUID) -> str:
        """Ask before a record is deleted."""
        with read_only() as session:
            record = self.get(session, record_id)
            extra = self.delete_extra(session, record)
        return render_template(self.delete_template, record=record, **extra)

    def delete_record(self, record_id: uuid.UUID) -> Response:
        """Delete a record; the toast offers the way back."""
        with unit_of_work() as session:
            name = self.get(session, record_id).name
            self.remove(session, current_actor(), record_id, seen_in(request.form))
        undo = f"{self.home}/{record_id}/restore"
        return go_to(back_to_list(self.home), f"{short(name)} was deleted.", undo_url=undo)

    def bring_back(self, record_id: uuid.UUID) -> Response:
        """Bring a deleted record back; where that cannot be, its page says why."""
        try:
            with unit_of_work() as session:
                record = self.restore(session, current_actor(), record_id)
        except Conflict as refusal:
            return go_to(f"{self.home}/{record_id}", refusal.sentence, tone="danger")
        return go_to(f"{self.home}/{record_id}", f"{short(record.name)} is back.")

    def inactive_dialog(self, record_id: uuid.UUID) -> str:
        """Ask why a record becomes inactive."""
        return self._inactive(self._read(record_id))

    def change_status(self, record_id: uuid.UUID) -> Response:
        """Make a record inactive or active again, and go back to where that was asked."""
        record = self._read(record_id)
        try:
            values = load_form(StatusIn(), status_typed(request.values))
            with unit_of_work() as session:
                record = self.set_status(session, current_actor(), record_id, values["status"], values.get("reason"))
        except Invalid as refusal:
            again = self._inactive(record, request.form.get("reason", ""), refusal.fields)
            return make_response(again, 422)
        if record.status == "active":
            return go_to(back_url(self.home), f"{short(record.name)} is active again.")
        undo = f"{self.home}/{record_id}/status?status=active"
        return go_to(back_url(self.home), f"{short(record.name)} is inactive now.", undo_url=undo)

    def _inactive(self, record: Any, reason: str = "", errors: Mapping[str, Sequence[str]] | None = None) -> str:
        return render_template(
            "ui/inactive.html",
            title=f"Make {short(record.name)} inactive?",
            text=self.inactive_text,
            action=f"{self.home}/{record.id}/status",
            reason=reason,
            errors=errors or {},
            reasons=self.reasons,
        )

    def show_history(self, record_id: uuid.UUID) -> str:
        """Show who changed what and when, a page at a time."""
        before = id_place(request.args.get("cursor"))
        with read_only() as session:
            entries, following = self.history(session, record_id, limit=HISTORY_PAGE, before=before)
        return render_template(
            "ui/history.html",
            url=f"{self.home}/{record_id}/history",
            changed=f"{self.things.lower()}:changed",
            entries=[self.entry(entry) for entry in entries],
            is_first=before is None,
            next_cursor=next_cursor(following),
        )

    def _read(self, record_id: uuid.UUID) -> Any:
        with read_only() as session:
            return self.get(session, record_id)
