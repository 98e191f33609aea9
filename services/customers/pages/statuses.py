"""Why customers and contacts become inactive (C7): what the dialog suggests."""

REASONS = ("No longer buys from us", "Closed down", "Moved away", "Duplicate", "Asked to be left alone")
