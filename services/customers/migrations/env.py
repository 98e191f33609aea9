"""Alembic's entry for customers."""

from services.customers.models import Base
from shared.migrate import run_environment

run_environment(Base.metadata)
