"""What associates can do."""
