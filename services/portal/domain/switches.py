"""Parts of Liaison that an installation may switch on (A1). Off hides and refuses them; what they hold stays.

The gateway's identity names what is on, so every service knows it with the next request, and none keeps a copy.
"""

from sqlalchemy import func
from sqlalchemy.orm import Session

from services.portal.domain import audit
from services.portal.domain.actor import Actor
from services.portal.models import Setting

PARTNER_MANAGEMENT = "partner_management"


def is_on(session: Session, feature: str) -> bool:
    """Tell whether a part is switched on."""
    setting = session.get(Setting, feature)
    return setting is not None and setting.value is True


def switch(session: Session, actor: Actor, feature: str, *, on: bool) -> bool:
    """Switch a part on or off; tell whether that changed anything."""
    setting = session.get(Setting, feature, with_for_update=True)
    if setting is None:
        setting = Setting(name=feature, value=False)
        session.add(setting)
    if setting.value is on:
        return False
    setting.value = on
    setting.updated_at = func.now()
    subject = audit.Subject("setting", None, feature.replace("_", " ").capitalize())
    audit.note(session, "switched_on" if on else "switched_off", actor, subject)
    return True
