"""A job is checked, step by step."""

from services.imports.domain import checks, jobs
from shared.bulk import COUNTS
from shared.db import unit_of_work
from tests.imports.conftest import ADA

FILE = "code,name\n1,A\n2,New\n3,C\n4,bad one\n5\n1,Again\n"
NOTHING = (0, 0, 0, 0, 0)


def begin(job):
    with unit_of_work() as session:
        return checks.begin_check(session, ADA, job.id)


def drop(job):
    with unit_of_work() as session:
        return checks.drop_check(session, ADA, job.id)


def start(job):
    with unit_of_work() as session:
        return jobs.start_job(session, ADA, job.id)


def told(job):
    return tuple(job.promise["counts"][name] for name in ("rows", *COUNTS))
