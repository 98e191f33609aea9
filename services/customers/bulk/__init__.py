"""What a row of an import means to customers, and how a chunk of rows is written (design 6).

`target` describes the fields; `rows` is the rule book of one row (`cells` its fields, `columns` their quick twins);
`known` reads what is there; `unchanged` and `merge` say what becomes of it, `create` what is new; `tables` and `write`
write; `chunk` is the use case, `dry_run` the same without writing, `undo` (with `undo_...`) takes it back; `receipts`
lets each happen exactly once.
"""
