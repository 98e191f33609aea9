"""Changing the associates of many customers at once (A8), by the protocol of `shared.bulk` (design 6).

`job` says what a chunk is told, `chunk` gives and takes the links of its customers, `undo` takes that back, `receipts`
lets each happen exactly once and writes the line of history when a job has ended.
"""
