"""Trouble that a person can do something about."""


class Failure(Exception):
    """One plain sentence that says what is wrong and what to do; `./liaison` prints it and exits with 1."""
