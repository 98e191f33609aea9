"""What the API and the forms take in and give out."""

from services.associates.schemas.associates import (
    AssociateIn,
    AssociateOut,
    AssociatePage,
    AssociatePatch,
    AssociateQuery,
    ChangeOut,
    search_query,
)
from services.associates.schemas.links import (
    AssociateLinkPage,
    ColleagueIn,
    LinkIn,
    LinkOut,
    LinksOut,
    LinkWithAssociateOut,
    RolePatch,
    WorkOut,
)

__all__ = [
    "AssociateIn",
    "AssociateLinkPage",
    "AssociateOut",
    "AssociatePage",
    "AssociatePatch",
    "AssociateQuery",
    "ChangeOut",
    "ColleagueIn",
    "LinkIn",
    "LinkOut",
    "LinkWithAssociateOut",
    "LinksOut",
    "RolePatch",
    "WorkOut",
    "search_query",
]
