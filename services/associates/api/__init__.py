"""The JSON API of associates. While partner management is off, every route says so (A1)."""

from services.associates.api.associates import blp as associates
from services.associates.api.links import blp as links

blueprints = (associates, links)

__all__ = ["blueprints"]
