"""The switch over everything in this service (A1)."""

from sqlalchemy.orm import Session

from services.associates.errors import PartnerManagementOff
from services.associates.models import Setting

NAME = "partner_management"


def is_on(session: Session) -> bool:
    """Tell whether partner management is switched on."""
    setting = session.get(Setting, NAME)
    return setting is not None and setting.value is True


def must_be_on(session: Session) -> None:
    """Raise PartnerManagementOff unless it is on."""
    if not is_on(session):
        raise PartnerManagementOff
