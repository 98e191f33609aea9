"""The JSON API of imports: everything that its screens do."""

from services.imports.api.checks import blp as checks
from services.imports.api.exports import blp as exports
from services.imports.api.jobs import blp as jobs
from services.imports.api.mappings import blp as mappings
from services.imports.api.mass_changes import blp as mass_changes
from services.imports.api.results import blp as results
from services.imports.api.targets import blp as targets
from services.imports.api.undoing import blp as undoing

blueprints = (targets, jobs, checks, results, undoing, mappings, exports, mass_changes)

__all__ = ["blueprints"]
