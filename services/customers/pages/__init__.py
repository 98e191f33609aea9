"""The screens of customers."""

from flask import Blueprint

from services.customers.pages import accounts, contacts, lists, looked_after, selections

blueprint = Blueprint("customers", __name__, url_prefix="/customers")
for part in (lists, accounts, contacts, looked_after, selections):
    blueprint.register_blueprint(part.blueprint)

__all__ = ["blueprint"]
