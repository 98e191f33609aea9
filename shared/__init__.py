"""What every service stands on: database, errors, web base, identity, feed, bulk protocol. No business rules."""
