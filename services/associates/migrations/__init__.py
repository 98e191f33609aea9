"""Schema history of associates."""
