"""The patient door under odd use: stale pages, two devices at once, bytes that nobody types."""

import threading
from datetime import date

import pytest
from factories import a_patient, a_site, follow_up_of
from functional.applications import door_app
from functional.door_visitor import Form, Visitor, filled, title
from functional.test_door import WELL, link_to, open_follow_up, visitor
from sqlalchemy import select

from registry.actions import endings, responses
from registry.actions.responses import Entry
from registry.db import reading, transaction
from registry.models import FollowUp, Withdrawal
from registry.queries import protocols, surveys
from registry.runtime import Runtime

__all__ = ["visitor"]


def test_nobody_is_thanked_for_answers_that_were_not_sent(
    registry: Runtime, visitor: Visitor
) -> None:
    follow_up, token = open_follow_up(registry)
    visitor.answer_all(visitor.enter(token), WELL)
    form = Form(visitor.client.get("/s/review").text).hidden
    with transaction(registry) as session:
        endings.withdraw(
            session, follow_up.patient_id, date(2026, 1, 5), by="nurse", at=registry.clock.now()
        )
    page = visitor.page(visitor.client.post("/s/review", data=form))
    assert "have been sent" not in page.text
    assert title(page).startswith("There are no more questions for you")


def test_a_form_with_a_mangled_mark_is_refused_like_any_stale_one(
    registry: Runtime, visitor: Visitor
) -> None:
    _, token = open_follow_up(registry)
    address = visitor.enter(token).headers["Location"]
    for mark in ("é", "\x00", ""):
        refused = visitor.client.post(address, data={"csrf_token": mark})
        assert refused.status_code == 401
        assert "open for a long time" in refused.text


def test_letters_can_be_stopped_only_by_whole_tokens(registry: Runtime, visitor: Visitor) -> None:
    open_follow_up(registry)
    unknown = visitor.client.get("/u/x").data
    for token in ("1." + "9" * 5000 + ".x", "9" * 5000 + ".1.x", "²." * 3, "1.٣.x"):
        for answer in (visitor.client.get(f"/u/{token}"), visitor.client.post(f"/u/{token}")):
            assert (answer.status_code, answer.data) == (404, unknown)


def test_a_defect_is_no_unknown_link(registry: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    _, token = open_follow_up(registry)
    visitor = Visitor(door_app(registry).test_client())
    address = visitor.enter(token).headers["Location"]
    data = filled(Form(visitor.client.get(address).text), {})

    def broken(*_given: object, **_named: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(responses, "save", broken)
    answer = visitor.client.post(address, data=data)
    assert answer.status_code == 500
    assert "not saved yet" in answer.text


def test_leaving_takes_any_reason(registry: Runtime, visitor: Visitor) -> None:
    _, token = open_follow_up(registry)
    visitor.enter(token)
    form = Form(visitor.client.get("/s/leave").text).hidden
    left = visitor.client.post("/s/leave", data=form | {"reason": "too\x00 far\x1b[31m\r\naway "})
    assert "You have left the follow-up" in left.text
    with reading(registry) as session:
        assert session.scalars(select(Withdrawal.why)).one() == "too far[31m away"


def test_two_devices_at_once_lose_no_answer(registry: Runtime, visitor: Visitor) -> None:
    follow_up, token = open_follow_up(registry)
    address = visitor.enter(token).headers["Location"]
    data = filled(Form(visitor.client.get(address).text), {})
    saved = []
    thread = threading.Thread(
        target=lambda: saved.append(visitor.client.post(address, data=data).status_code)
    )
    at = registry.clock.now()
    with transaction(registry) as session:
        protocol = protocols.in_force(session).protocol
        entry, given = Entry(), {"fatigue": 7}
        responses.save(session, follow_up.id, given, protocol, entry, by="door", at=at)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive(), "the second device did not wait for the first"
    thread.join(20)
    assert saved == [303]
    with reading(registry) as session:
        row = session.get_one(FollowUp, follow_up.id)
        kept = surveys.answers_of(session, surveys.response_of(session, row))
    assert set(kept) == {"fatigue", "overall_change"}


def test_a_late_paper_form_moves_no_later_recall_back(registry: Runtime) -> None:
    patient = a_patient(registry, treated_on=date(2025, 10, 27))
    at = registry.clock.now()
    with transaction(registry) as session:
        protocol = protocols.in_force(session).protocol
        for month, day in ((3, date(2026, 1, 2)), (1, date(2025, 12, 1))):
            follow_up = follow_up_of(registry, patient.patient_id, month)
            row = session.get_one(FollowUp, follow_up.id)
            row.state = "open"
            responses.save(session, row.id, WELL, protocol, Entry("paper"), by="nurse", at=at)
            responses.submit(session, row.id, protocol, day, by="nurse", at=at)
    assert follow_up_of(registry, patient.patient_id, 6).recall_from == date(2026, 1, 2)


def test_a_clinic_without_a_number_is_still_told_how_to_reach(
    registry: Runtime, visitor: Visitor
) -> None:
    a_site(registry, "N", telephone="", hours="")
    patient = a_patient(registry, "N")
    token = link_to(registry, follow_up_of(registry, patient.patient_id, 1))
    first = visitor.enter(token)
    for page in (visitor.client.get(f"/s/{token}"), visitor.page(first)):
        assert "on , ." not in page.text
        assert "tel:" not in page.text
        assert "on the number that it gave you, when it is open." in page.text
