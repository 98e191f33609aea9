"""What a person who is no employee may see of a service's records: only what belongs to their associate (A6).

Two walls. The first narrows every statement of the ORM in one place (`limit_session`); statements as text ask
`associate_of` whom they are for. The second stands in PostgreSQL: the transaction steps into a role that owns nothing,
so that row-level security holds for it, and names the associate in a setting. Without it that role sees no row.

Employees get none of this: their statements are the very same as if there were no scope.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, event, text
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction
from sqlalchemy.sql.base import ExecutableOption

NOBODY = uuid.UUID(int=0)
_ENTER = text("SELECT set_config('role', :role, true), set_config('liaison.associate', :associate, true)")
# In policies and migrations: the associate of this transaction, null for none.
CURRENT_ASSOCIATE = "nullif(current_setting('liaison.associate', true), '')::uuid"


def limit_session(session: Session, role: str, associate_id: uuid.UUID, criteria: Sequence[ExecutableOption]) -> None:
    """Let `session` see what `criteria` leave and what the policies of `role` allow."""
    session.info["associate"] = associate_id
    values = {"role": role, "associate": str(associate_id)}

    def enter(_: Session, __: SessionTransaction, connection: Connection) -> None:
        connection.execute(_ENTER, values)

    def narrow(state: ORMExecuteState) -> None:
        if state.is_select or state.is_update or state.is_delete:
            state.statement = state.statement.options(*criteria)

    event.listen(session, "after_begin", enter)
    event.listen(session, "do_orm_execute", narrow)


def associate_of(session: Session) -> uuid.UUID | None:
    """Return the associate whose records alone this session sees; None for one that sees all."""
    found: uuid.UUID | None = session.info.get("associate")
    return found
