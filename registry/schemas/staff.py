"""Accounts and clinics, as forms and the command give them."""

from marshmallow import Schema

from registry.schemas.fields import Code, Email, Holidays, Lines, PlainText, Telephone, Whole, Zone


class SiteTextsSchema(Schema):
    """What patients read of a clinic, its zone, and the days without letters."""

    public_name = PlainText(200, required=True)
    telephone = Telephone()
    hours = PlainText(200)
    emergency_text = Lines(500)
    zone = Zone(required=True)
    holidays = Holidays(4000, load_default=dict)


class SiteSchema(SiteTextsSchema):
    """A new clinic."""

    code = Code(40, required=True)


class UserSchema(Schema):
    """A new account."""

    email = Email(required=True)
    name = PlainText(200, required=True)


class KeySchema(Schema):
    """A new key for a program that acts as a user."""

    user_id = Whole(1, 2**31 - 1, required=True)
    label = PlainText(100, required=True)


class HoldSchema(Schema):
    """The stop switch: whose letters wait, and why."""

    site = Code(40, required=True)
    reason = Lines(300, required=True)


class GivenUpSchema(Schema):
    """Why a letter is left unsent."""

    reason = Lines(150, required=True)
