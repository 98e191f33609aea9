"""What a job begins with: how the columns of its file are matched, and how its rows are applied (I4, I9)."""

import uuid
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from services.imports.domain.earlier import earlier_job, job_of_error_file
from services.imports.domain.jobs import Options, Viewer, options_of
from services.imports.domain.mapping import Mapping
from services.imports.domain.matching import ColumnMatch, suggest
from services.imports.domain.saved_mappings import get_mapping, mapping_for_header
from services.imports.domain.target import Target
from services.imports.errors import MappingNotFound
from services.imports.models import Job, SavedMapping


@dataclass(frozen=True)
class FirstChoice:
    """A mapping and options, and where they come from.

    `source` is error_file, saved, earlier or names. `saved` is the saved mapping that is used, `job` the one whose
    options these are, and whose mapping, unless one was chosen. `matches` has what was found for each column.
    """

    mapping: Mapping
    options: Options
    matches: list[ColumnMatch]
    source: str = "names"
    saved: SavedMapping | None = None
    job: Job | None = None


def first_choice(
    session: Session,
    viewer: Viewer,
    job: Job,
    target: Target,
    *,
    saved_id: uuid.UUID | None = None,
    own_earlier: bool = False,
) -> FirstChoice:
    """Return what a job begins with, whoever asks: screen, API or command line; raise MappingNotFound.

    A file of refused rows is matched and applied as by the job that refused them, if `viewer` may see it. Any other is
    matched as it was last saved for its columns, else by their names. The saved mapping `saved_id` comes before all of
    that; what it does not say, how rows are applied, stays that of the job.

    `own_earlier` puts this person's last import of such a file before the names. Only a screen asks for it, where the
    choices are looked at before they are used: a script has to do tomorrow what it does today, whatever its user
    imported by hand in between. The error file and the saved mapping were meant to be used again.
    """
    source, saved = "names", None
    before = job_of_error_file(session, viewer, job)
    if saved_id is not None:
        source, saved = "saved", get_mapping(session, viewer, saved_id)
        if saved.kind != job.kind:
            raise MappingNotFound
    elif before is not None:
        source = "error_file"
    elif saved := mapping_for_header(session, job.kind, job.header):
        source = "saved"
    elif own_earlier and (before := earlier_job(session, viewer, job.kind, job.header)):
        source = "earlier"
    remembered = saved.mapping if saved else before.mapping if before else None
    known = Mapping.from_json(remembered).spelt_as(job.header) if remembered else None
    mapping, matches = _matched(job, target, known)
    options = _allowed(options_of(before), viewer) if before else Options(match=_likely_key(mapping, target))
    return FirstChoice(mapping, options, matches, source, saved, before)


def found_anew(job: Job, target: Target) -> FirstChoice:
    """Return what a job begins with whatever was done or saved before: the fields that the names of columns tell."""
    mapping, matches = _matched(job, target, None)
    return FirstChoice(mapping, Options(match=_likely_key(mapping, target)), matches)


def _matched(job: Job, target: Target, known: Mapping | None) -> tuple[Mapping, list[ColumnMatch]]:
    matches = suggest(job.header, target, known)
    columns = {match.column: name for match in matches if (name := match.field or match.suggestion)}
    mapping = replace(known or Mapping(keep_unmapped=target.keeps_others), columns=columns)
    return _with_constants(mapping, job, target), matches


def _with_constants(mapping: Mapping, job: Job, target: Target) -> Mapping:
    """Return the mapping with what was known before there was a file; whose records these are is never remembered."""
    whose = {key.field for key in target.keys if key.apart}
    known = Mapping.from_json(job.mapping or {}).constants if job.state == "uploaded" else {}
    kept = {name: text for name, text in mapping.constants.items() if name not in whose and name in target.by_name}
    columns = {column: name for column, name in mapping.columns.items() if name not in known}
    return Mapping.from_json(replace(mapping, columns=columns, constants=kept | known).to_json())


def _allowed(options: Options, viewer: Viewer) -> Options:
    """Return the options without what this person may not choose."""
    return replace(options, create_associates=False) if "associates" in viewer.hidden else options


def _likely_key(mapping: Mapping, target: Target) -> str:
    fed = set(mapping.columns.values())
    return next((key.name for key in target.keys if {key.field, *key.also} & fed), target.keys[0].name)
