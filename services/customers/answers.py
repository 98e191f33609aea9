"""What other services ask customers while somebody waits for it."""

import uuid
from typing import Any

from flask import Blueprint, request

from services.customers.domain.accounts import accounts_by_code, known_accounts
from shared.db import read_only
from shared.errors import Invalid
from shared.web import internal

blueprint = Blueprint("answers", __name__)


@blueprint.post("/internal/accounts/known")
@internal()
def accounts_known() -> dict[str, Any]:
    """Tell which of these accounts there are, and what they are called."""
    try:
        ids = [uuid.UUID(one) for one in request.get_json()["ids"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Invalid('Send {"ids": [...]}.', fields={"ids": ["Must be a list of ids."]}) from error
    with read_only() as session:
        found = known_accounts(session, ids)
    return {"accounts": [{"id": str(one.id), "code": one.code, "name": one.name} for one in found]}


@blueprint.post("/internal/accounts/by-code")
@internal()
def accounts_with_codes() -> dict[str, Any]:
    """Tell which accounts these codes mean, by the key of each code; those that nobody has are left out."""
    asked = request.get_json(silent=True)
    codes = asked.get("codes") if isinstance(asked, dict) else None
    if not isinstance(codes, list) or not all(isinstance(one, str) for one in codes):
        raise Invalid('Send {"codes": [...]}.', fields={"codes": ["Must be a list of texts."]})
    with read_only() as session:
        found = accounts_by_code(session, codes)
    return {"accounts": [{"key": one.code_key, "id": str(one.id), "code": one.code, "name": one.name} for one in found]}
