"""The columns of a file: which field each feeds, how rows are applied, and the start."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.datastructures import MultiDict

from services.imports.caller import associate_fields, current_viewer, importable_kinds, target_for
from services.imports.domain import jobs as domain
from services.imports.domain import saved_mappings
from services.imports.domain.checks import begin_check
from services.imports.domain.decoding import ENCODINGS
from services.imports.domain.first_choice import FirstChoice, first_choice, found_anew
from services.imports.domain.jobs import Options, check_start, options_of
from services.imports.domain.mapping import Mapping, fed_names, own_columns
from services.imports.domain.matching import ColumnMatch, suggest
from services.imports.domain.sniffing import DELIMITERS, ERROR_COLUMNS
from services.imports.domain.target import Target
from services.imports.errors import MappingNotFound, MappingRefused
from services.imports.pages.checks import label_of
from services.imports.pages.column_details import column_details
from services.imports.pages.saved_mappings import MAX_NAME, seen_in_form
from services.imports.previewing import checked_preview, plain_preview, row_count
from services.imports.uploading import read_form
from services.imports.wakeups import wake_job
from shared.cells import is_ours
from shared.db import after_commit, read_only, unit_of_work
from shared.errors import DomainError
from shared.web import go_to, requires

blueprint = Blueprint("matching", __name__)

NOT_MATCHED = "the columns are not all matched yet."
MODES = {"create", "update", "both"}
BLANKS = {"keep", "clear"}


@dataclass
class Choice:
    """What stands in the form: the mapping, how rows are applied, and under which name to keep the mapping.

    `first` tells where that comes from while it stands as it was offered.
    """

    mapping: Mapping
    options: Options
    matches: Sequence[ColumnMatch] = ()
    first: FirstChoice | None = None
    save_as: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)


def matching_screen(job: Any, choice: Choice | None = None) -> str:
    """Return the screen on which columns are matched."""
    target = target_for(job.kind)
    with read_only() as session:
        kept = saved_mappings.list_mappings(session, current_viewer(), job.kind, limit=100)
        if choice is None:
            choice = _first_choice(session, job, target, request.args.get("saved", ""))
    choice.matches = choice.matches or suggest(job.header, target, None)
    return render_template(
        "imports/matching.html",
        job=job,
        target=target,
        choice=choice,
        kept=kept,
        details=column_details(job, target, choice.mapping),
        encodings=list(ENCODINGS.items()),
        is_export=is_ours(job.header),
        error_columns=ERROR_COLUMNS,
        associate_fields=associate_fields(job.kind),
        may_create_associates="associates" in importable_kinds(),
        fed=[*choice.mapping.columns.values(), *choice.mapping.constants],
        key_choices=[(key.name, key.words) for key in target.keys],
        delimiters=[
            (sign, f"{name.capitalize()} ({sign})" if sign != "\t" else "Tab") for sign, name in DELIMITERS.items()
        ],
        **_preview(job, target, choice),
    )


@blueprint.post("/<uuid:job_id>/preview")
@requires("import")
def preview(job_id: uuid.UUID) -> str:
    """Show the first rows as they would be imported by the form as it stands, and what is wrong with it."""
    job = _job(job_id)
    target = target_for(job.kind)
    choice = _typed(request.form, job.header)
    choice.errors = _faults(job, target, choice)
    return render_template(
        "imports/preview.html",
        job=job,
        target=target,
        choice=choice,
        is_fragment=True,
        **_preview(job, target, choice),
    )


@blueprint.post("/<uuid:job_id>/columns")
@requires("import")
def columns(job_id: uuid.UUID) -> str:
    """Show the values and blank cells of the columns that feed a field, by the form as it stands."""
    job = _job(job_id)
    target = target_for(job.kind)
    choice = _typed(request.form, job.header)
    details = column_details(job, target, choice.mapping)
    return render_template("imports/column_details.html", job=job, choice=choice, details=details)


@blueprint.post("/<uuid:job_id>/form")
@requires("import")
def change_form(job_id: uuid.UUID) -> Response:
    """Read the file another way: encoding, delimiter, with or without header."""
    job = _job(job_id)
    domain.must_wait(job)
    form = read_form(
        job.file_path,
        encoding=request.form.get("encoding") or job.encoding,
        delimiter=request.form.get("delimiter") or job.delimiter,
        has_header=request.form.get("has_header", "true") == "true",
    )
    with unit_of_work() as session:
        domain.change_form(session, current_viewer(), job_id, seen_in_form(), form)
    return go_to(f"/imports/{job_id}", "The file was read anew.")


@blueprint.post("/<uuid:job_id>/mapping")
@requires("import")
def save(job_id: uuid.UUID) -> Response:
    """Keep how the columns are matched and start the import, unless asked to check the file first, or to wait."""
    job = _job(job_id)
    target = target_for(job.kind)
    choice = _typed(request.form, job.header)
    then = request.form.get("then", "start")
    try:
        check_start(choice.mapping, job.header, target, choice.options)
        _keep(job, choice, then)
    except DomainError as refusal:
        if not refusal.fields:
            raise
        choice.errors = {("save_as" if name == "name" else name): words for name, words in refusal.fields.items()}
        return make_response(matching_screen(job, choice), refusal.status)
    if then == "wait":
        return go_to("/imports", "The matching was kept.")
    return go_to(f"/imports/{job_id}", None)


def _keep(job: Any, choice: Choice, then: str) -> None:
    viewer = current_viewer()
    with unit_of_work() as session:
        job = domain.change_mapping(
            session, viewer, job.id, seen_in_form(), mapping=choice.mapping.to_json(), options=choice.options
        )
        if choice.save_as:
            saved_mappings.save_mapping(session, viewer, job.kind, choice.save_as, job.header, choice.mapping.to_json())
        if then != "wait":
            begin = begin_check if then == "check" else domain.start_job
            job = begin(session, viewer, job.id)
            after_commit(session, lambda: wake_job(job))


def _first_choice(session: Any, job: Any, target: Target, wanted: str) -> Choice:
    """Return what the form shows at first: as it was left, as such a file was matched before, or as it is found."""
    if job.mapping and job.state != "uploaded" and not wanted:
        return Choice(Mapping.from_json(job.mapping), options_of(job))
    if wanted == "none":
        first = found_anew(job, target)
    else:
        saved_id = _uuid(wanted) if wanted else None
        first = first_choice(session, current_viewer(), job, target, saved_id=saved_id, own_earlier=True)
    return Choice(first.mapping, first.options, first.matches, first)


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise MappingNotFound from error


def _typed(form: MultiDict[str, str], header: Sequence[str]) -> Choice:
    columns = {column: name for at, column in enumerate(header) if (name := form.get(f"column.{at}"))}
    pairs = zip(form.getlist("constant_field"), form.getlist("constant_value"), strict=False)
    constants = {name: value.strip() for name, value in pairs if name and value.strip()}
    blanks = {column: does for at, column in enumerate(header) if (does := form.get(f"blank.{at}")) in BLANKS}
    mode, blank = form.get("mode", "both"), form.get("blank", "keep")
    options = Options(
        mode if mode in MODES else "both",
        form.get("match", "code"),
        blank if blank in BLANKS else "keep",
        "fold" if form.get("repeated") == "fold" else "refuse",
        "overwrite" if "overwrite_newer" in form else "refuse",
        "replace" if form.get("associates") == "replace" else "add",
        "create_associates" in form,
    )
    mapping = Mapping.from_json(
        {
            "columns": columns,
            "constants": constants,
            "keep_unmapped": "keep_unmapped" in form,
            "values": _typed_values(form, header),
            "blanks": blanks,
        }
    )
    return Choice(mapping, options, save_as=form.get("save_as", "").strip()[:MAX_NAME])


def _typed_values(form: MultiDict[str, str], header: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return what was chosen for the texts of columns: `value.<column>.<n>` beside `text.<column>.<n>`."""
    told: dict[str, dict[str, str]] = {}
    for name, text in form.items():
        if name.startswith("text.") and (value := form.get(f"value.{name[5:]}")):
            at = name.split(".")[1]
            if at.isdigit() and int(at) < len(header):
                told.setdefault(header[int(at)], {})[text] = value
    return told


def _faults(job: Any, target: Target, choice: Choice) -> dict[str, list[str]]:
    try:
        check_start(choice.mapping, job.header, target, choice.options)
    except DomainError as refusal:
        return refusal.fields
    return {}


def _preview(job: Any, target: Target, choice: Choice) -> dict[str, Any]:
    try:
        preview = checked_preview(job, choice.mapping, choice.options)
    except MappingRefused:
        preview = plain_preview(job, choice.mapping, NOT_MATCHED)
    except DomainError as refusal:
        preview = plain_preview(job, choice.mapping, refusal.sentence)
    return {
        "preview": preview,
        "count": row_count(job),
        "names": fed_names(choice.mapping, job.header, target),
        "label_of": label_of(target),
        "data_columns": len(job.header) - len(own_columns(job.header)),
    }


def _job(job_id: uuid.UUID) -> Any:
    with read_only() as session:
        return domain.get_job(session, current_viewer(), job_id)
