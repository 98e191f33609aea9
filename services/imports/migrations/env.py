"""Alembic's entry for imports."""

from services.imports.models import Base
from shared.migrate import run_environment

run_environment(Base.metadata)
