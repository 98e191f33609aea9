"""Live search over accounts and their contacts."""

from services.customers.domain.search_text import (
    SearchedContact,
    SearchedContactColumns,
    search_text,
    search_text_expression,
)

__all__ = ["SearchedContact", "SearchedContactColumns", "search_text", "search_text_expression"]
