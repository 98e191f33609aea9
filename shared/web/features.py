"""The parts of Liaison that an installation may switch on; `Identity.features` names those that are."""

from shared.errors import FeatureOff
from shared.web.access import current_identity

PARTNER_MANAGEMENT = "partner_management"


def must_be_on(feature: str, *used: object) -> None:
    """Raise FeatureOff where a request uses something of a part that is switched off."""
    if any(used) and not current_identity().has(feature):
        raise FeatureOff(feature)


def sees_associates() -> bool:
    """Tell whether who asks may know of associates here."""
    identity = current_identity()
    return identity.has(PARTNER_MANAGEMENT) and identity.may("associates.view")
