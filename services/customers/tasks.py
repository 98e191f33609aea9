"""The tasks of customers: sending mails, and tidying up. They may be lost, come twice, or die at any place."""

import threading
import time

import structlog
from celery import shared_task
from flask import current_app
from sqlalchemy.exc import OperationalError

from services.customers.domain import sending, tidying
from shared.db import unit_of_work
from shared.mail import MailServer, Outcome
from shared.mail_queue import wake_sender

SECONDS = 30.0
TRIES = 6
log = structlog.get_logger("mail")
# One mail at a time in each process: the other threads stay free for feeds, however slow the mail server is.
_sending = threading.Lock()


@shared_task(name="customers.send_mail")
def send_mail() -> None:
    """Send due mails until none is left or the next task should go on."""
    if not _sending.acquire(blocking=False):
        return  # who sends sees what is due
    try:
        _send_due(current_app.extensions["liaison.mail"])
    finally:
        _sending.release()


@shared_task(name=tidying.TASK)
def tidy_up() -> None:
    """Leave the database tidy after a job that changed much."""
    with unit_of_work() as session:
        tidying.tidy_up(session)


def _send_due(server: MailServer | None) -> None:
    if server is None:
        with unit_of_work() as session:
            sending.keep_messages(session)
        return
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with unit_of_work() as session:
            claim = sending.claim_message(session)
        if claim is None:
            return
        outcome = server.send(claim.as_mail(server.sender), claim.waiting)
        _settle(claim, outcome)
        told = {"message": str(claim.message.id), "accepted": len(outcome.accepted), "refused": len(outcome.refused)}
        log.info("mail", **told, delayed=outcome.delayed)
    with unit_of_work() as session:
        wake_sender(session)


def _settle(claim: sending.Claim, outcome: Outcome) -> None:
    """Write the outcome down; a database that is away for a moment does not make the mail be sent again."""
    for left in reversed(range(TRIES)):
        try:
            with unit_of_work() as session:
                sending.settle_message(session, claim, outcome)
        except OperationalError:
            if not left:
                raise
            time.sleep(2 ** (TRIES - left - 1))
        else:
            return
