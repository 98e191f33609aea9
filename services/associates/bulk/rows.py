"""The rule books of one row of a file of associates, and of a file of assignments."""

import marshmallow as ma

from services.associates.bulk.words import ACTIONS, KINDS, ROLES, YES_NO
from shared.fields import Code, Country, Email, Name, Phone, Text
from shared.importing.cells import Day, Synonym, TagsCell


class AssociateRow(ma.Schema):
    """An associate. Blank cells come as None; what a blank means is the job's choice."""

    code = Code(64)
    name = Name(300)
    kind = Synonym(KINDS, "employee, dealer, partner or other")
    is_firm = Synonym(YES_NO, "yes or no")
    email = Email(254)
    phone = Phone(64)
    phone2 = Phone(64)
    street = Text(500)
    city = Text(200)
    region = Text(200)
    postal_code = Text(32)
    country = Country(100)
    tags = TagsCell()
    notes = Text(20_000, lines=True)


class AssignmentRow(ma.Schema):
    """That an associate looks after a customer, or no longer. Days come as YYYY-MM-DD."""

    customer_code = Code(64)
    associate_code = Code(64)
    associate_email = Email(254)
    role = Synonym(ROLES, "manages, lead source, sales, collections or service")
    action = Synonym(ACTIONS, "add, replace or remove")
    primary = Synonym(YES_NO, "yes or no")
    begun_on = Day()
    ended_on = Day()


ASSOCIATE_ROW = AssociateRow()
ASSIGNMENT_ROW = AssignmentRow()
