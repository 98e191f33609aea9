"""Schema history of portal."""
