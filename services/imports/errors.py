"""What imports refuses, each with its code and its sentence."""

from datetime import datetime

from shared.errors import Conflict, DomainError, Invalid, NotFound


class JobNotFound(NotFound):
    """There is no such job, or none that this person may see."""

    code = "job_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such import.")


class UnknownKind(NotFound):
    """Nothing of this kind can be imported (or exported, or whatever `does` says)."""

    code = "unknown_kind"

    def __init__(self, kind: str, known: list[str], does: str = "imported") -> None:
        super().__init__(f"“{kind[:60]}” cannot be {does}. What can be: {', '.join(known)}.")


class JobStarted(Conflict):
    """The job was started already, so nothing about it can be changed."""

    code = "job_started"

    def __init__(self) -> None:
        super().__init__("This import was started already, so it cannot be changed any more.")


class JobChecking(Conflict):
    """The job is being checked, so nothing about it can be changed before that is done or stopped."""

    code = "job_checking"

    def __init__(self) -> None:
        super().__init__("This file is being checked just now. Wait for the result, or stop the check first.")


class JobEnded(Conflict):
    """The job came to its end already."""

    code = "job_ended"

    def __init__(self) -> None:
        super().__init__("This import has come to its end already.")


class JobAtWork(Conflict):
    """The job is not done yet, so it cannot be taken back."""

    code = "job_at_work"

    def __init__(self) -> None:
        super().__init__("This import is still at work. Stop it, or wait for its end, then take it back.")


class JobUndoing(Conflict):
    """The job is being taken back, which cannot be stopped."""

    code = "job_undoing"

    def __init__(self) -> None:
        super().__init__("This import is being taken back, which cannot be stopped.")


class JobUndone(Conflict):
    """The job was taken back already."""

    code = "job_undone"

    def __init__(self, at: datetime, by: str) -> None:
        super().__init__(f"{by} took this import back on {at:%-d %B %Y} already.")


class NothingToUndo(Conflict):
    """The job created and changed nothing."""

    code = "nothing_to_undo"

    def __init__(self) -> None:
        super().__init__("This import added and changed nothing, so there is nothing to take back.")


class NothingKept(NotFound):
    """The job was not taken back, or nothing stayed."""

    code = "nothing_kept"

    def __init__(self) -> None:
        super().__init__("Nothing of this import stayed that could be listed.")


class UndoTooLate(Conflict):
    """The job ended too long ago."""

    code = "undo_too_late"

    def __init__(self, until: datetime) -> None:
        super().__init__(f"An import can be taken back for 30 days. For this one that ended on {until:%-d %B %Y}.")


class NobodySelected(Invalid):
    """A mass change has no customer that is meant."""

    code = "nobody_selected"

    def __init__(self) -> None:
        super().__init__("None of the selected customers is meant, so there is nothing to change.")


class NotMapped(Conflict):
    """The job cannot start before its columns are matched."""

    code = "not_mapped"

    def __init__(self) -> None:
        super().__init__("Match the columns of the file first, then start the import.")


class EmptyUpload(Invalid):
    """A file without any content."""

    code = "file_empty"

    def __init__(self) -> None:
        super().__init__("This file is empty. Choose another one.")


class UploadCutShort(DomainError):
    """The connection ended before the whole file had arrived."""

    status = 400
    code = "upload_cut_short"

    def __init__(self, received: int, expected: int | None) -> None:
        of = f" of {expected:,}" if expected is not None else ""
        super().__init__(f"Only {received:,}{of} bytes of the file arrived. Nothing was kept; upload it again.")


class FileTooLarge(DomainError):
    """The file is larger than this installation takes."""

    status = 413
    code = "file_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"This file is larger than {limit // 1_000_000} MB, the most that is taken. Split it in parts."
        )


class StorageFull(DomainError):
    """The file store has no room left."""

    status = 507
    code = "storage_full"

    def __init__(self) -> None:
        super().__init__("There is no room left to keep this file. Nothing was kept; tell your administrator.")


class UploadKeyReused(Invalid):
    """An idempotency key came again with another file."""

    code = "idempotency_key_reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another file. Take a new key.")


class NoErrorFile(NotFound):
    """The job refused no row, or is still at work."""

    code = "no_error_file"

    def __init__(self) -> None:
        super().__init__("This import has no file of refused rows.")


class OnlyChecked(Conflict):
    """The rows were refused by a check, so nothing was imported yet."""

    code = "only_checked"

    def __init__(self) -> None:
        super().__init__("This file was only checked so far. Import it first, then correct what was refused.")


class NothingCorrected(Invalid):
    """No cell of a refused row was changed."""

    code = "nothing_corrected"

    def __init__(self) -> None:
        super().__init__("Change at least one cell: rows as they were would be refused again.")


class RowNotRefused(NotFound):
    """This row was not refused, or cannot be corrected cell by cell."""

    code = "row_not_refused"

    def __init__(self, row: int) -> None:
        super().__init__(f"Row {row} is none of the refused rows that can be corrected here.")


class FileRefused(Invalid):
    """The file can't be read as CSV at all.

    `code` is file_empty, no_rows, excel_file, zip_file, binary_file, markup_file, too_many_columns, unknown_encoding or
    unknown_delimiter.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence, fields={"file": [sentence]})
        self.code = code  # type: ignore[misc]


class MappingRefused(Invalid):
    """The columns cannot be used as they were matched; `faults` is {where: [sentence]}."""

    code = "mapping_refused"

    def __init__(self, faults: dict[str, list[str]]) -> None:
        first = next(iter(faults.values()))[0]
        super().__init__(first if len(faults) == 1 else f"{first} (and {len(faults) - 1} more)", fields=faults)


class MappingNotFound(NotFound):
    """There is no such saved mapping."""

    code = "mapping_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such saved mapping.")


class MappingNameTaken(Conflict):
    """Another saved mapping of this kind has the name."""

    code = "mapping_name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a mapping named “{name}” already.", fields={"name": ["This name is taken."]})


class ExportNotFound(NotFound):
    """There is no such export, or none that this person may see."""

    code = "export_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such export.")


class ExportEnded(Conflict):
    """The export came to its end already."""

    code = "export_ended"

    def __init__(self) -> None:
        super().__init__("This export has come to its end already.")


class ExportNotReady(Conflict):
    """The file is not written, or never will be."""

    code = "export_not_ready"

    def __init__(self, state: str) -> None:
        ended = {"cancelled": "was stopped", "failed": "failed"}.get(state)
        super().__init__(f"This export {ended}, so it has no file." if ended else "This file is still being written.")


class ExportExpired(DomainError):
    """The file was kept for a day and is gone."""

    status = 410
    code = "export_expired"

    def __init__(self) -> None:
        super().__init__(
            "This file was kept for 24 hours and has been removed. Export the list again to get a new one."
        )


class ExportRefused(Invalid):
    """Something that was asked of an export is not there to be had; `faults` is {where: [sentence]}."""

    code = "export_refused"

    def __init__(self, faults: dict[str, list[str]], sentence: str | None = None) -> None:
        super().__init__(sentence or next(iter(faults.values()))[0], fields=faults)


class LeaseLost(Exception):  # it is no error: whoever gets it has to let go
    """The job was stopped, or somebody else took it over."""
