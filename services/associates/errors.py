"""What associates refuses."""

from shared.errors import Conflict


class PartnerManagementOff(Conflict):
    """Partner management is switched off, so nothing of it can be used; nothing is deleted by that (A1)."""

    code = "partner_management_off"

    def __init__(self) -> None:
        super().__init__("Partner management is switched off.")
