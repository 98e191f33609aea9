"""Alembic's entry for associates."""

from services.associates.models import Base
from shared.migrate import run_environment

run_environment(Base.metadata)
