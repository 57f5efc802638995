"""By what figures may be broken down: sites, and the first day of treatment for cut-offs."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.models import Site, TreatmentCourse, known


def sites(session: Session, ids: Collection[int] | None) -> list[Site]:
    """The sites with these ids (None: all), by their public name."""
    rows = select(Site).order_by(Site.public_name, Site.code)
    if ids is not None:
        rows = rows.where(Site.id.in_(ids))
    return list(session.scalars(rows))


def first_treated_on(session: Session) -> date | None:
    """The first day of treatment of anybody, as known now."""
    course = TreatmentCourse
    return session.scalar(
        select(func.min(course.started_on)).where(course.number == 1, known(course, None))
    )
