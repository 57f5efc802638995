"""The holds in force: whose letters wait."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, or_, select, true
from sqlalchemy.orm import Session

from registry.models import OutboxEmail, Patient, SendingHold, Site

# built once: it runs with every claim, and building it costs more than running it
HELD_SITES = (
    select(SendingHold.site_id)
    .where(SendingHold.lifted_at.is_(None))
    .union_all(select(Site.id).where(Site.public_name == ""))
)
"""Whose letters wait: a site's, or everybody's (None)."""


def in_force(session: Session) -> Sequence[SendingHold]:
    """The holds that nobody has lifted, the oldest first."""
    return session.scalars(
        select(SendingHold).where(SendingHold.lifted_at.is_(None)).order_by(SendingHold.id)
    ).all()


def unnamed(session: Session) -> Sequence[Site]:
    """The sites that nobody has given the name that patients read, by code: their letters wait."""
    return session.scalars(select(Site).where(Site.public_name == "").order_by(Site.code)).all()


def may_go(session: Session) -> ColumnElement[bool]:
    """SQL condition: letters that no hold keeps back, nor the missing name of their site.

    Those to staff always go: a test letter shows whether the mail server takes letters again.
    """
    held = set(session.scalars(HELD_SITES))
    if not held:
        return true()
    to_staff = OutboxEmail.patient_id.is_(None)
    if None in held:
        return to_staff
    of_held_site = exists().where(Patient.id == OutboxEmail.patient_id, Patient.site_id.in_(held))
    return or_(to_staff, ~of_held_site)
