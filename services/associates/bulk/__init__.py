"""What many rows do to associates and to who looks after whom, by the protocol of `shared.bulk` (design 6).

Changing the associates of many customers (A8): `job` says what a chunk is told, `chunk` gives and takes links, `undo`
takes that back. Imports (A10): `kinds` lists what can be imported; `associate_...` adds and changes associates,
`assignment_...` begins and ends links row by row: its `plan` decides, its `chunk` writes. `receipts` lets each happen
exactly once and writes the line of history when a job has ended.
"""
