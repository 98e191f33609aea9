"""Opaque tokens: 256 random bits for the bearer, their SHA-256 for the database."""

import hashlib
import secrets

ACCESS_TOKEN_START = "lia_"  # noqa: S105 (it marks tokens, for people and for scanners of leaked secrets)
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters that look alike


def new_token(start: str = "") -> str:
    """Return a fresh token."""
    return start + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """Return what is stored of `token`."""
    return hashlib.sha256(token.encode()).digest()


def new_password() -> str:
    """Return a random password that can be read out on the telephone: four groups of five, 99 bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(4))
