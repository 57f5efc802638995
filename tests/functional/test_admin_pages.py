"""Administration, as the administrator and the auditor meet it."""

from collections.abc import Callable

from factories import a_patient, a_site
from functional.staff_visitor import Staff
from sqlalchemy import select

from registry.db import reading
from registry.models import OutboxEmail, RoleGrant, Site, User
from registry.runtime import Runtime

SignIn = Callable[..., Staff]


def test_a_site_is_added_and_changed(registry: Runtime, sign_in: SignIn) -> None:
    administrator = sign_in("administrator", site=None)
    told = {"public_name": "Linden House", "zone": "Europe/Berlin", "telephone": "+49 30 5550123"}
    administrator.fill("/sites/add", {"code": "LH", **told})
    with reading(registry) as session:
        site = session.scalars(select(Site).where(Site.code == "LH")).one()
        assert (site.public_name, site.zone) == ("Linden House", "Europe/Berlin")
    administrator.fill(f"/sites/{site.id}", {"hours": "Monday to Friday, 8 to 12"})
    assert "Monday to Friday, 8 to 12" in administrator.get("/sites").text


def test_a_wrong_zone_is_told_and_nothing_is_written(registry: Runtime, sign_in: SignIn) -> None:
    administrator = sign_in("administrator", site=None)
    told = {"code": "XX", "public_name": "X", "zone": "Middle/Earth"}
    wrong = administrator.fill("/sites/add", told, status=422)
    assert "There is a problem" in wrong.text
    with reading(registry) as session:
        assert session.scalars(select(Site).where(Site.code == "XX")).first() is None


def test_a_user_is_added_with_roles_and_a_link_by_mail(registry: Runtime, sign_in: SignIn) -> None:
    administrator = sign_in("administrator", site=None)
    site = a_site(registry, "A")
    told = {
        "name": "Nora Invented", "email": "nora@example.org", "roles": ["nurse", "clinician"],
        "places": [str(site.id)],
    }  # fmt: skip
    administrator.fill("/users/add", told)
    with reading(registry) as session:
        user = session.scalars(select(User).where(User.email == "nora@example.org")).one()
        roles = session.scalars(select(RoleGrant).where(RoleGrant.user_id == user.id)).all()
        assert {(role.role, role.site_id) for role in roles} == {
            ("nurse", site.id), ("clinician", site.id),
        }  # fmt: skip
        letter = session.scalars(select(OutboxEmail).where(OutboxEmail.user_id == user.id)).one()
        assert (letter.kind, letter.state) == ("password_reset", "queued")
    assert "Has no password yet" in administrator.get("/users").text


def test_an_administrator_cannot_lock_themselves_out(registry: Runtime, sign_in: SignIn) -> None:
    administrator = sign_in("administrator", site=None)
    with reading(registry) as session:
        own = session.scalars(select(User.id)).one()
    told = {"roles": ["nurse"], "places": ["everywhere"]}
    refused = administrator.fill(f"/users/{own}", told, status=403)
    assert "ask another administrator" in refused.text


def test_the_protocol_shows_the_calendar_of_a_leap_day_patient(sign_in: SignIn) -> None:
    page = sign_in("administrator", site=None).get("/protocol?treated_on=2024-02-29").text
    for day in ("29 March 2024", "29 May 2024", "28 February 2025", "28 February 2026"):
        assert day in page


def test_a_test_letter_is_queued_and_seen(registry: Runtime, sign_in: SignIn) -> None:
    administrator = sign_in("administrator", site=None)
    administrator.send(administrator.get("/outbox"), {}, action="/outbox/test")
    assert "test" in administrator.get("/outbox?state=queued").text


def test_the_trail_is_searched_by_study_number_and_verified(
    registry: Runtime, sign_in: SignIn
) -> None:
    patient = a_patient(registry)
    auditor = sign_in("auditor", site=None)
    page = auditor.get(f"/audit?subject={patient.study_number}").text
    assert "patient.enrolled" in page
    assert "Every chain holds" in auditor.get("/audit/verify").text
