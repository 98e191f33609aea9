"""What live search needs in the database beside the tables; see `services/customers/domain/search.py`.

Two indexes. `account_sorted` walks the accounts of a status by name, accents folded. `account_search` finds
any three letters anywhere in the search text, and combines them with `account_facets` (tags, kind, status,
roles), in one scan that skips through long lists to the rare ones. Facets made the index 3 % larger and COPY
of a million rows 5 % longer, and spare an index per filter.
"""

# The same words stand in the queries of domain/search.py: the planner matches the expressions.
FACETS = "account_facets(tags, kind, status, is_customer, is_vendor)"
SORTED = 'left(search, 40) COLLATE "C"'

# Kept out of `alembic check`, which cannot compare expressions.
INDEXES = ("account_sorted", "account_search")

UPGRADE = [
    # '=' keeps a tag named "vendor" apart from the role.
    """
    CREATE FUNCTION account_facets(tags text[], kind text, status text, is_customer boolean, is_vendor boolean)
    RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN tags || ARRAY['=' || kind, '=' || status]
        || CASE WHEN is_customer THEN ARRAY['=customer'] ELSE ARRAY[]::text[] END
        || CASE WHEN is_vendor THEN ARRAY['=vendor'] ELSE ARRAY[]::text[] END
    """,
    f"CREATE INDEX account_sorted ON account (status, ({SORTED}), id)",
    f"CREATE INDEX account_search ON account USING gin (search gin_trgm_ops, ({FACETS}) array_ops)",
]

DOWNGRADE = [
    "DROP INDEX account_search",
    "DROP INDEX account_sorted",
    "DROP FUNCTION account_facets",
]
