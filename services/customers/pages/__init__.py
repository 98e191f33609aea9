"""The screens of customers."""

from flask import Blueprint

from services.customers.pages import accounts, contacts, lists, looked_after, selections, writing
from services.customers.pages.mail import blueprint as mail

blueprint = Blueprint("customers", __name__, url_prefix="/customers")
for part in (lists, accounts, contacts, looked_after, selections, writing):
    blueprint.register_blueprint(part.blueprint)

blueprints = (blueprint, mail)

__all__ = ["blueprints"]
