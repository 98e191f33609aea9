"""The screens of customers."""

from flask import Blueprint

from services.customers.domain.countries import country_name
from services.customers.pages import accounts, contacts, lists, statuses
from services.customers.pages.wording import label, marked, shown

blueprint = Blueprint("customers", __name__, url_prefix="/customers")
for part in (lists, accounts, statuses, contacts):
    blueprint.register_blueprint(part.blueprint)
blueprint.add_app_template_filter(country_name, "country_name")
blueprint.add_app_template_filter(label, "field_label")
blueprint.add_app_template_filter(marked, "marked")
blueprint.add_app_template_filter(lambda value, field: shown(field, value), "shown_as")

__all__ = ["blueprint"]
