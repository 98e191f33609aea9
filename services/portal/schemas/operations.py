"""What the API gives out about operations, and the switches of parts."""

import marshmallow as ma
from marshmallow import fields, validate


class ServiceSeenOut(ma.Schema):
    """A service; `milliseconds` tells how soon it said that it is ready, null that it did not."""

    name = fields.String()
    milliseconds = fields.Float(allow_none=True)


class FeedSeenOut(ma.Schema):
    """How many events of `owner` its `reader` has not read yet, and since when the oldest waits; null if unknown.

    `away` names the one of both that does not answer, which is why.
    """

    reader = fields.String()
    owner = fields.String()
    events = fields.Integer(allow_none=True)
    seconds = fields.Float(allow_none=True)
    away = fields.String(allow_none=True)


class QueueOut(ma.Schema):
    """A queue. Jobs are imports, mass changes and exports; the rest but the longest wait tells of chunks alone."""

    name = fields.String()
    running_jobs = fields.Integer()
    waiting_jobs = fields.Integer()
    due_chunks = fields.Integer()
    leased_chunks = fields.Integer()
    oldest_due_seconds = fields.Float()
    rows_per_second = fields.Float()
    expired_leases = fields.Integer()


class WorkOut(ma.Schema):
    """An import, a check, an undo, a mass change or an export that runs or waits."""

    id = fields.UUID()
    what = fields.String(validate=validate.OneOf(("import", "check", "undo", "mass_change", "export")))
    kind = fields.String(metadata={"example": "customers"})
    file_name = fields.String()
    by = fields.String(metadata={"description": "The name of who asked for it."})
    queue = fields.String(validate=validate.OneOf(("short", "long")))
    state = fields.String()
    since = fields.AwareDateTime(metadata={"description": "When it was asked for."})
    done = fields.Integer(metadata={"description": "Rows; customers of a mass change."})
    rows = fields.Integer(allow_none=True, metadata={"description": "How many there are; null until that is known."})
    expected = fields.Integer(allow_none=True, metadata={"description": "`rows`, or the best guess so far."})
    percent = fields.Float()
    waiting = fields.String(allow_none=True, metadata={"description": "Why nothing moves, as a sentence."})
    url = fields.String(metadata={"description": "Where its page is."})


class WorkerOut(ma.Schema):
    """A worker that answered; `slots` is how many tasks it does at once."""

    name = fields.String()
    queues = fields.List(fields.String())
    slots = fields.Integer()


class BrokerOut(ma.Schema):
    """Redis: whether it answers, and how many messages wait in each queue."""

    answers = fields.Boolean()
    waiting = fields.Dict(keys=fields.String(), values=fields.Integer())


class JobsSeenOut(ma.Schema):
    """What imports tells of its queues, its work and the workers."""

    queues = fields.List(fields.Nested(QueueOut))
    work = fields.List(
        fields.Nested(WorkOut), metadata={"description": "What is not finished; the 20 that were asked for first."}
    )
    broker = fields.Nested(BrokerOut)
    workers = fields.List(fields.Nested(WorkerOut))


class OperationsOut(ma.Schema):
    """How the whole product does."""

    services = fields.List(fields.Nested(ServiceSeenOut))
    feeds = fields.List(fields.Nested(FeedSeenOut))
    jobs = fields.Nested(JobsSeenOut, allow_none=True)


class SwitchIn(ma.Schema):
    """Switch a part of Liaison on or off."""

    on = fields.Boolean(required=True)


class SwitchOut(ma.Schema):
    """Whether a part of Liaison is switched on."""

    on = fields.Boolean()
