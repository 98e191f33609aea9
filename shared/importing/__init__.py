"""What the owners of imported records share: what a chunk is told, how its rows are read, tables written by COPY.

`job` is the import that a chunk belongs to, `rows` holds the cells of a chunk against its rule book, with `cells`
(fields that a file writes otherwise than the API) and `columns` (their quick twins). What a row means is the owner's.
`ids` is what a receipt keeps. All but `job`, `cells`, `refused` and `ids` load polars. How a kind is described
to people is `shared.import_target`.
"""
