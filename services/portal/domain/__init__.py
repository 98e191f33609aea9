"""What portal can do."""
