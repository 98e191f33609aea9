"""What the API takes in and gives out."""

from services.imports.schemas.checks import CorrectedRowsIn, PreviewOut, RefusalPage
from services.imports.schemas.exports import (
    ExportIn,
    ExportOut,
    ExportPage,
    ExportQuery,
    ExportTargetOut,
    ExportTargetsOut,
)
from services.imports.schemas.jobs import JobOut, JobPage, JobPatch, JobQuery, KeptPage, PreviewIn, UploadQuery
from services.imports.schemas.mappings import (
    SavedMappingEdit,
    SavedMappingIn,
    SavedMappingName,
    SavedMappingOut,
    SavedMappingPage,
    SavedMappingQuery,
)
from services.imports.schemas.mass_changes import MassChangeIn
from services.imports.schemas.matches import MatchesOut, MatchesQuery
from services.imports.schemas.targets import TargetOut, TargetsOut

__all__ = [
    "CorrectedRowsIn",
    "ExportIn",
    "ExportOut",
    "ExportPage",
    "ExportQuery",
    "ExportTargetOut",
    "ExportTargetsOut",
    "JobOut",
    "JobPage",
    "JobPatch",
    "JobQuery",
    "KeptPage",
    "MassChangeIn",
    "MatchesOut",
    "MatchesQuery",
    "PreviewIn",
    "PreviewOut",
    "RefusalPage",
    "SavedMappingEdit",
    "SavedMappingIn",
    "SavedMappingName",
    "SavedMappingOut",
    "SavedMappingPage",
    "SavedMappingQuery",
    "TargetOut",
    "TargetsOut",
    "UploadQuery",
]
