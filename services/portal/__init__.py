"""Portal: who may sign in and what they may do, the audit trail, and the home page."""
