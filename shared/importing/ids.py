"""Ids of several sorts in the one field of a receipt that says what a chunk did."""

import uuid
from collections.abc import Sequence

APART = uuid.UUID(int=0).bytes  # between the sorts


def pack(*sorts: Sequence[uuid.UUID]) -> bytes:
    """Return the ids of each sort, 16 bytes each; nothing where there are none at all."""
    return APART.join(b"".join(one.bytes for one in ids) for ids in sorts) if any(sorts) else b""


def unpack(packed: bytes, sorts: int) -> list[list[uuid.UUID]]:
    """Return the ids of each of so many sorts; those that a receipt does not have are empty."""
    found: list[list[uuid.UUID]] = [[]]
    for at in range(0, len(packed), 16):
        one = packed[at : at + 16]
        if one == APART:
            found.append([])
        else:
            found[-1].append(uuid.UUID(bytes=one))
    return found + [[] for _ in range(sorts - len(found))]
