"""Imports of users: what a file of them may hold, how a chunk is applied, checked and taken back.

Each row goes through the very functions that the screen uses (`domain.users`), so nobody gives by a file what they
could not give there.
"""
