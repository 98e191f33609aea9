"""The screens of customers."""

from flask import Blueprint

from services.customers.pages import accounts, contacts, lists, statuses

blueprint = Blueprint("customers", __name__, url_prefix="/customers")
for part in (lists, accounts, statuses, contacts):
    blueprint.register_blueprint(part.blueprint)

__all__ = ["blueprint"]
