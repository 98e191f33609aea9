"""What customers tells: accounts and contacts that changed their standing."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class AccountStatusChanged:
    """An account was made active or inactive; `reason` is what the person said, `ip` where they sat."""

    name: ClassVar[str] = "customers.account_status_changed.v1"

    account_id: str
    code: str
    account_name: str
    active: bool
    reason: str
    actor_id: str
    actor_name: str
    at: str
    ip: str = ""


@dataclass(frozen=True)
class ContactStatusChanged:
    """A contact of an account was made active or inactive."""

    name: ClassVar[str] = "customers.contact_status_changed.v1"

    contact_id: str
    contact_name: str
    account_id: str
    account_name: str
    active: bool
    reason: str
    actor_id: str
    actor_name: str
    at: str
    ip: str = ""


@dataclass(frozen=True)
class AccountDeleted:
    """An account was deleted, with its contacts."""

    name: ClassVar[str] = "customers.account_deleted.v1"

    account_id: str
    code: str
    account_name: str
    actor_id: str
    actor_name: str
    at: str
    ip: str = ""


@dataclass(frozen=True)
class AccountRestored:
    """A deleted account was brought back, with its contacts."""

    name: ClassVar[str] = "customers.account_restored.v1"

    account_id: str
    code: str
    account_name: str
    actor_id: str
    actor_name: str
    at: str
    ip: str = ""


@dataclass(frozen=True)
class AccountsImported:
    """A chunk of an import created or updated accounts: how many of each, not which."""

    name: ClassVar[str] = "customers.accounts_imported.v1"

    job_id: str
    chunk_no: int
    created: int
    updated: int
    actor_id: str
    actor_name: str
    file_name: str


@dataclass(frozen=True)
class AccountsTakenBack:
    """A chunk of an import was undone: which accounts were removed, and how many got back what they had.

    v1 told only how many were `removed`, and nobody read it.
    """

    name: ClassVar[str] = "customers.accounts_taken_back.v2"

    job_id: str
    chunk_no: int
    removed: list[str]
    restored: int
    actor_id: str
    actor_name: str
    file_name: str


@dataclass(frozen=True)
class AssignmentsWished:
    """Rows of a chunk of an import say who looks after their accounts. `mode` is add, or replace: instead of others.

    Each of `links` is [account_id, associate_id, role]. Each of `new` is an associate that nobody knew when the chunk
    was applied, and its links: [code, name, e-mail, [[account_id, role], ...]]; the name is always there.
    """

    name: ClassVar[str] = "customers.assignments_wished.v1"

    job_id: str
    chunk_no: int
    mode: str
    links: list[list[str]]
    new: list[list[str | list[list[str]] | None]]
    actor_id: str
    actor_name: str
    file_name: str
