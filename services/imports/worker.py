"""The Celery app of imports: `celery -A services.imports.worker worker -Q imports.short`, and beat.

Beat also wakes the readers of event feeds and the senders of mails, so that one beat serves the whole product.
"""

from celery import Celery
from celery.schedules import crontab

from services.imports import tasks  # noqa: F401 - registers them
from services.imports.app import create_app

# Who reads the feeds of others, and where its worker listens.
FEED_QUEUES = {"portal": "portal.events", "customers": "customers.events", "associates": "associates.events"}
# Who sends mails, and where the worker listens that does.
MAIL_QUEUES = {"customers": "customers.mail"}

app: Celery = create_app().extensions["liaison.celery"]
app.conf.beat_schedule = {
    "reconcile": {
        "task": "imports.reconcile",
        "schedule": 2.0,
        "options": {"queue": "imports.short", "expires": 5, "ignore_result": True},
    },
    "sweep files": {
        "task": "imports.sweep_files",
        "schedule": crontab(hour="3", minute="17"),
        "options": {"queue": "imports.long", "expires": 3600},
    },
    "sweep exports": {
        "task": "imports.sweep_exports",
        "schedule": crontab(minute="*/10"),
        "options": {"queue": "imports.short", "expires": 300},
    },
    **{
        f"pull events of {reader}": {
            "task": f"{reader}.pull_events",
            "schedule": 5.0,
            "options": {"queue": queue, "expires": 10},
        }
        for reader, queue in FEED_QUEUES.items()
    },
    **{
        f"send mail of {service}": {
            "task": f"{service}.send_mail",
            "schedule": 5.0,
            "options": {"queue": queue, "expires": 10},
        }
        for service, queue in MAIL_QUEUES.items()
    },
}
