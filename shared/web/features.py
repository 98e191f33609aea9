"""The parts of Liaison that an installation may switch on; `Identity.features` names those that are."""

PARTNER_MANAGEMENT = "partner_management"
