"""Work that portal does apart from requests."""

from collections.abc import Callable

from services.portal.consumers import HANDLERS, OWNERS
from shared.feed import pull
from shared.http import ServiceClient
from shared.outbox import CursorTable, InboxTable

PULL_EVENTS = "portal.pull_events"


def pull_events(
    client: Callable[[str], ServiceClient], inbox: type[InboxTable], cursor: type[CursorTable]
) -> dict[str, int]:
    """Read the feeds of all owners into the audit trail; return how many events were new, by owner."""
    return {owner: pull(client(owner), owner, inbox, cursor, HANDLERS) for owner in OWNERS}
