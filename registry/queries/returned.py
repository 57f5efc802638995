"""What came back of letters, as pages show it."""

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.models import Bounce


def newest(session: Session, letter_ids: Collection[int]) -> Mapping[int, Bounce]:
    """The newest message that came back of each of these letters, by the letter's id."""
    rows = session.scalars(
        select(Bounce)
        .where(Bounce.outbox_id.in_(letter_ids), Bounce.source == "message")
        .order_by(Bounce.id)
    )
    return {row.outbox_id: row for row in rows}
