"""Facts that services tell each other: one module per owner, one frozen dataclass per event.

A name is `<owner>.<what_happened>.v<version>`; the fields are JSON values (ids and moments as text). A published event
never changes: a field may be added with a default, anything else is a new version beside the old one. Each event has a
sample in `tests/contracts/events/<name>.json`.
"""
