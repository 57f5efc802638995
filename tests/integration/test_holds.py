"""Letters wait under a hold, placed by a person or by twenty refusals in a row; none is lost."""

from collections.abc import Sequence

import pytest
from factories import a_patient, a_site, a_user
from post import FaultyMailer, letters, noon
from sqlalchemy import select

from registry.actions import deliveries, holds, outreach, sites, staff_mail
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.errors import Invalid, NotFound
from registry.mail import Fault, MailFault, MemoryMailer, Rejected
from registry.models import AuditEvent, Bounce, FollowUp, MailHold, SendingHold, Site
from registry.queries.post import PostStanding, post_standing
from registry.runtime import Runtime
from registry.survey_words import SurveyWords
from workers import delivery, side_journal

POLICY = Rejected("554 5.7.1 blocked", Fault.POLICY)


def due(runtime: Runtime, clock: FixedClock, *sites: str) -> None:
    """A patient at each of these sites whose first letter waits."""
    clock.move_to(noon("2026-01-05"))
    for site in sites:
        a_patient(runtime, site)
    clock.move_to(noon("2026-01-29"))
    its, at = runtime.settings, clock.now()
    side_journal.tend(runtime, "test")
    with transaction(runtime) as session:
        while outreach.queue_due(session, settings=its, by="test", at=at):
            pass


def hold(runtime: Runtime, site: str | None = None) -> int:
    site_id = None if site is None else a_site(runtime, site).id
    with transaction(runtime) as session:
        at = runtime.clock.now()
        placed = holds.place(session, site_id, "wrong text", by="Ada", at=at)
        session.flush()
        return placed.id


def lift(runtime: Runtime, hold_id: int) -> int:
    with transaction(runtime) as session:
        return holds.lift(session, hold_id, by="Ada", at=runtime.clock.now())


def in_force(runtime: Runtime) -> Sequence[SendingHold]:
    with reading(runtime) as session:
        return session.scalars(
            select(SendingHold).where(SendingHold.lifted_at.is_(None)).order_by(SendingHold.id)
        ).all()


def standing(runtime: Runtime) -> PostStanding:
    with reading(runtime) as session:
        return post_standing(session, runtime.clock.now())


def states(runtime: Runtime) -> list[tuple[str, int]]:
    return [(one.state, one.attempts) for one in letters(runtime)]


def test_letters_of_a_held_site_wait_without_losing_anything(
    registry: Runtime, clock: FixedClock
) -> None:
    due(registry, clock, "A", "B", "A")
    held = hold(registry, "A")
    mailer = MemoryMailer()
    delivery.send_due(registry, mailer)
    assert states(registry) == [("queued", 0), ("sent", 1), ("queued", 0)]
    clock.advance(days=3)
    delivery.send_due(registry, mailer)
    assert len(mailer.sent) == 1
    now = standing(registry)
    assert (now.held, now.waiting, now.is_stuck(clock.now())) == (2, 0, False)
    lift(registry, held)
    delivery.send_due(registry, mailer)
    assert states(registry) == [("sent", 1)] * 3
    assert len(mailer.sent) == 3


def test_letters_of_a_site_that_nobody_has_named_wait_for_its_name(
    registry: Runtime, clock: FixedClock
) -> None:
    site = a_site(registry, "LUPUS-STEM-CELLS", public_name="", telephone="")
    due(registry, clock, "LUPUS-STEM-CELLS", "B")
    mailer = MemoryMailer()
    delivery.send_due(registry, mailer)
    assert states(registry) == [("queued", 0), ("sent", 1)]
    now = standing(registry)
    assert (now.held, now.waiting, now.is_stuck(clock.now())) == (1, 0, False)
    with reading(registry) as session:
        row = session.get_one(Site, site.id)
        first = session.scalars(select(FollowUp).where(FollowUp.site_id == site.id)).first()
        assert first is not None
        words = SurveyWords(first, row, "Call 112.", first.due_on)
        assert "call your clinic on the number that it gave you" in words("new_link.too_often_text")
    with transaction(registry) as session:
        texts = sites.SiteTexts(public_name="Linden House", zone=site.zone)
        sites.change(session, session.get_one(Site, site.id), texts, by="Ada", at=clock.now())
    delivery.send_due(registry, mailer)
    assert states(registry) == [("sent", 1)] * 2
    assert b"Linden House" in mailer.sent[1].raw
    assert all(b"LUPUS" not in letter.raw.upper() for letter in mailer.sent)


def test_a_hold_on_every_site_lets_letters_to_staff_go(
    registry: Runtime, clock: FixedClock
) -> None:
    due(registry, clock, "A", "B")
    user = a_user(registry, "administrator", site=None)
    hold(registry)
    with transaction(registry) as session:
        staff_mail.queue_test_letter(session, user.id, by="Ada", at=clock.now())
    mailer = MemoryMailer()
    delivery.send_due(registry, mailer)
    assert [one.recipient for one in mailer.sent] == [user.email]


def test_a_hold_takes_effect_on_what_was_claimed_before(
    registry: Runtime, clock: FixedClock
) -> None:
    due(registry, clock, "A", "A", "A")
    mailer = MemoryMailer()
    its, at = registry.settings, clock.now()
    with transaction(registry) as session:
        (one,) = deliveries.claim(session, settings=its, by="w", at=at, limit=1).letters
    hold(registry, "A")
    delivery.deliver(registry, mailer, one)
    delivery.send_due(registry, mailer)
    assert mailer.sent == []
    assert {(one.state, one.attempts) for one in letters(registry)} == {("queued", 0)}


def test_a_letter_whose_worker_died_under_a_hold_does_not_age(
    registry: Runtime, clock: FixedClock
) -> None:
    due(registry, clock, "A")
    its, at = registry.settings, clock.now()
    with transaction(registry) as session:
        deliveries.claim(session, settings=its, by="w", at=at)
    held = hold(registry)
    for _ in range(8):
        clock.advance(hours=1)
        delivery.send_due(registry, MemoryMailer())
    lift(registry, held)
    delivery.send_due(registry, MemoryMailer())
    (one,) = letters(registry)
    assert (one.state, one.lapse_count) == ("sent", 1)


def test_a_hold_names_its_reason_and_a_site_and_is_placed_once(
    registry: Runtime, clock: FixedClock
) -> None:
    a_site(registry, "A")
    with transaction(registry) as session:
        with pytest.raises(Invalid, match="reason"):
            holds.place(session, None, "  ", by="Ada", at=clock.now())
        with pytest.raises(NotFound):
            holds.place(session, 999, "x", by="Ada", at=clock.now())
        with pytest.raises(NotFound):
            holds.lift(session, 999, by="Ada", at=clock.now())
    assert hold(registry, "A") == hold(registry, "A")
    assert hold(registry) != hold(registry, "A")
    for one in in_force(registry):
        lift(registry, one.id)
        lift(registry, one.id)
    with reading(registry) as session:
        trail = session.execute(
            select(AuditEvent.action, AuditEvent.reason, AuditEvent.by).where(
                AuditEvent.action.like("mail.%")
            )
        ).all()
    assert sorted(trail) == [
        ("mail.held", "wrong text", "Ada"),
        ("mail.held", "wrong text", "Ada"),
        ("mail.released", "wrong text", "Ada"),
        ("mail.released", "wrong text", "Ada"),
    ]


def refuse(runtime: Runtime, clock: FixedClock, *faults: MailFault | None) -> FaultyMailer:
    """Send what is due, each letter a minute after the one before and met by its fault."""
    mailer = FaultyMailer(open=faults)
    its = runtime.settings
    for _ in faults:
        clock.advance(minutes=1)
        with transaction(runtime) as session:
            at = clock.now()
            claim = deliveries.claim(session, settings=its, by="w", at=at, limit=1)
        for one in claim.letters:
            delivery.deliver(runtime, mailer, one)
    return mailer


def test_twenty_refusals_in_a_row_hold_the_site_and_no_address(
    registry: Runtime, clock: FixedClock
) -> None:
    due(registry, clock, *["A"] * 23, *["B"] * 2)
    mailer = refuse(registry, clock, *[POLICY] * 20, None, None, POLICY)
    assert mailer.opened == 22  # twenty of A, then B's two, which are taken; A's other three wait
    (held,) = in_force(registry)
    assert (held.site_id, held.kind) == (a_site(registry, "A").id, "policy")
    assert held.reason.startswith("20 letters in a row were refused")
    with reading(registry) as session:
        assert session.scalars(select(MailHold)).all() == []
        assert set(session.scalars(select(Bounce.kind))) == {"policy"}
    assert [one.state for one in letters(registry)].count("queued") == 3

    clock.advance(days=1)
    assert lift(registry, held.id) == 20
    sent = MemoryMailer()
    delivery.send_due(registry, sent)
    assert len(sent.sent) == 23  # B's went before
    assert {one.fault for one in letters(registry, state="sent")} == {None}


def test_refusals_at_several_sites_hold_every_site(registry: Runtime, clock: FixedClock) -> None:
    due(registry, clock, *["A", "B", "C"] * 7)
    refuse(registry, clock, *[POLICY] * 21)
    assert [(one.site_id, one.kind) for one in in_force(registry)] == [(None, "policy")]
    assert [one.state for one in letters(registry)].count("queued") == 1


@pytest.mark.parametrize("what", ["taken", "no mailbox", "slowly", "nineteen"])
def test_what_is_no_row_of_twenty_holds_nothing(
    registry: Runtime, clock: FixedClock, what: str
) -> None:
    between: dict[str, MailFault | None] = {
        "taken": None,
        "no mailbox": Rejected("550 5.1.1 unknown", Fault.ADDRESS),
    }
    due(registry, clock, *["A"] * 24)
    faults: list[MailFault | None] = [POLICY] * 19
    refuse(registry, clock, *faults)
    if what in between:
        refuse(registry, clock, between[what])
    if what == "slowly":
        clock.advance(hours=25)
    if what != "nineteen":
        refuse(registry, clock, *faults[:4])
    assert in_force(registry) == []


def test_after_lifting_the_count_begins_anew(registry: Runtime, clock: FixedClock) -> None:
    due(registry, clock, *["A"] * 22)
    refuse(registry, clock, *[POLICY] * 20)
    (held,) = in_force(registry)
    lift(registry, held.id)
    refuse(registry, clock, *[POLICY] * 19)
    assert in_force(registry) == []
    refuse(registry, clock, POLICY)
    assert len(in_force(registry)) == 1


def test_refused_content_counts_like_policy(registry: Runtime, clock: FixedClock) -> None:
    due(registry, clock, *["A"] * 20)
    refuse(registry, clock, *[Rejected("552 5.3.4 too large", Fault.CONTENT)] * 20)
    assert len(in_force(registry)) == 1
