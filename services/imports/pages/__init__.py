"""The screens of imports."""

from flask import Blueprint

from services.imports.pages import (
    checks,
    correcting,
    exports,
    job,
    lists,
    mass_changes,
    matching,
    saved_mappings,
    undoing,
    uploads,
)
from services.imports.pages.export_wording import export_badge, export_left, export_outcome, export_step, told_filter
from services.imports.pages.mass_wording import mass_counts, mass_names, mass_outcome, mass_step
from services.imports.pages.wording import (
    encoding_label,
    forecast,
    job_badge,
    lasted,
    left,
    outcome,
    preview_mark,
    preview_told,
    reason,
    step,
)

blueprint = Blueprint("imports", __name__, url_prefix="/imports")
for part in (lists, uploads, matching, saved_mappings, checks, job, correcting, undoing, exports, mass_changes):
    blueprint.register_blueprint(part.blueprint)
for word in (encoding_label, forecast, job_badge, lasted, left, outcome, preview_mark, preview_told, reason, step):
    blueprint.add_app_template_filter(word)
for export_word in (export_badge, export_left, export_outcome, export_step, told_filter):
    blueprint.add_app_template_filter(export_word)
for mass_word in (mass_counts, mass_names, mass_outcome, mass_step):
    blueprint.add_app_template_filter(mass_word)

__all__ = ["blueprint"]
