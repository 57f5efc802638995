"""The outbox's pages: stop switch, letters that need a person, what a provider posts."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import returned
from click.testing import CliRunner
from factories import a_patient, a_site
from flask import Flask
from functional.applications import staff_app
from functional.staff_visitor import Staff, member, text_of
from post import FaultyMailer, letter, letters, noon, run, set_columns
from sqlalchemy import select

from registry import tokens
from registry.actions import dead_letters
from registry.actions.dead_letters import StaysDead
from registry.cli.post import COMMANDS
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.errors import NotFound
from registry.mail import Fault, Lost, MailFault, MemoryMailer, Rejected
from registry.models import AuditEvent, Bounce, FollowUp, Instance, OutboxEmail, SendingHold
from registry.queries.post_days import PostDay, post_days
from registry.runtime import Runtime
from registry.settings import Settings
from workers.schedule import run_jobs_once

SignIn = Callable[..., Staff]
KEY = b"w" * 32


@pytest.fixture
def due(registry: Runtime, clock: FixedClock) -> int:
    """A patient at site A whose first letter is due; the id."""
    patient = a_patient(registry)
    clock.move_to(noon("2026-01-29"))
    return patient.patient_id


def actions(runtime: Runtime) -> list[str]:
    with reading(runtime) as session:
        return list(session.scalars(select(AuditEvent.action)))


def holds(runtime: Runtime) -> list[SendingHold]:
    with reading(runtime) as session:
        return list(session.scalars(select(SendingHold).where(SendingHold.lifted_at.is_(None))))


def test_an_administrator_stops_letters_and_lets_them_go_again(
    registry: Runtime, due: int, sign_in: SignIn
) -> None:
    site = a_site(registry, "A")
    administrator = sign_in("administrator", site=None)
    page = administrator.get("/outbox/hold")
    assert "No reason" not in page.text
    told = {"site": str(site.id), "reason": "the letter names a wrong number"}
    after = administrator.follow(administrator.send(page, told))
    assert "Letters wait from now on" in after.text
    assert "Letters wait: A" in after.text
    run(registry, mailer := MemoryMailer())
    assert mailer.sent == []
    assert (letter(registry).state, letter(registry).attempts) == ("queued", 0)
    nurse = sign_in("nurse")
    assert "the letter names a wrong number" in nurse.get("/").text
    assert "the letter names a wrong number" not in sign_in("nurse", site="B").get("/").text
    (held,) = holds(registry)
    administrator.send(administrator.get("/outbox"), {}, f"/outbox/holds/{held.id}/lift")
    assert holds(registry) == []
    run(registry, mailer)
    assert len(mailer.sent) == 1
    assert {"mail.held", "mail.released"} <= set(actions(registry))


def test_a_hold_wants_a_reason(registry: Runtime, sign_in: SignIn) -> None:
    wrong = sign_in("administrator", site=None).fill(
        "/outbox/hold", {"site": "everywhere", "reason": ""}, status=422
    )
    assert "There is a problem" in wrong.text
    assert holds(registry) == []


def test_nobody_else_stops_letters(registry: Runtime, sign_in: SignIn) -> None:
    for role in ("nurse", "clinician", "data_manager", "analyst", "auditor"):
        sign_in(role).get("/outbox/hold", status=403)


def dies(runtime: Runtime, clock: FixedClock, *faults: MailFault, step: str = "open") -> None:
    mailer = FaultyMailer(**{step: faults})
    for _ in faults:
        run_jobs_once(runtime, mailer)
        clock.advance(hours=6)


ENDS = {
    "Unclear": ("lose", [Lost("no reply"), Lost("no reply")]),
    "No such mailbox": ("open", [Rejected("550 5.1.1 unknown", Fault.ADDRESS)]),
    "Not wanted": ("open", [Rejected("550 5.7.1 blocked", Fault.POLICY)]),
    "Content refused": ("refuse", [Rejected("552 5.3.4 too large", Fault.CONTENT)]),
    "Server refused": ("refuse", [Rejected("554 5.5.1 no", Fault.SERVER)]),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_letter_that_needs_a_person_says_how_it_ended_and_what_to_do(
    registry: Runtime, clock: FixedClock, due: int, sign_in: SignIn, end: str
) -> None:
    step, faults = ENDS[end]
    dies(registry, clock, *faults, step=step)
    page = text_of(sign_in("administrator", site=None).get("/outbox/dead").text)
    assert end in page
    assert "Send once more" in page
    assert "1 letter" in page


def test_a_letter_is_sent_once_more_by_a_person_and_only_once(
    registry: Runtime, clock: FixedClock, due: int, sign_in: SignIn
) -> None:
    dies(registry, clock, Rejected("550 5.7.1 blocked", Fault.POLICY))
    administrator = sign_in("administrator", site=None)
    one = letter(registry)
    administrator.fill(f"/outbox/dead/{one.id}/resend", {})
    assert (letter(registry).state, letter(registry).resent) == ("queued", 1)
    dies(registry, clock, Rejected("550 5.7.1 blocked", Fault.POLICY))
    assert letter(registry).state == "failed"
    administrator = sign_in("administrator", site=None)
    refused = administrator.fill(f"/outbox/dead/{one.id}/resend", {}, status=409)
    assert "sent again once already" in refused.text
    assert "was sent again once" in administrator.get("/outbox/dead").text
    assert actions(registry).count("letter.resent") == 1


def test_what_was_unclear_is_repeated_byte_by_byte_and_parked_again(
    registry: Runtime, clock: FixedClock, due: int, sign_in: SignIn
) -> None:
    mailer = FaultyMailer(lose=[Lost("no reply")] * 3)
    for _ in range(2):
        run(registry, mailer)
        clock.advance(hours=6)
    one = letter(registry, kind="invitation")
    assert one.state == "parked"
    sign_in("administrator", site=None).fill(f"/outbox/dead/{one.id}/resend", {})
    run(registry, mailer)
    assert letter(registry, kind="invitation").state == "parked"
    copies = [one.raw for one in mailer.sent if "reminder" not in one.message["Subject"].lower()]
    assert len(set(copies)) == 1
    assert len(copies) == 3


def test_a_letter_is_given_up_with_a_reason(
    registry: Runtime, clock: FixedClock, due: int, sign_in: SignIn
) -> None:
    dies(registry, clock, Rejected("550 5.7.1 blocked", Fault.POLICY))
    one = letter(registry)
    administrator = sign_in("administrator", site=None)
    administrator.fill(f"/outbox/dead/{one.id}/give-up", {"reason": "called instead"})
    gone = letter(registry)
    assert (gone.state, gone.state_reason) == ("cancelled", "given up by a person: called instead")
    assert "No letter needs a person" in administrator.get("/outbox/dead").text
    administrator.fill(f"/outbox/dead/{one.id}/give-up", {"reason": "again"}, status=409)


def test_a_letter_that_would_not_go_is_not_sent_again(
    registry: Runtime, clock: FixedClock, due: int
) -> None:
    dies(registry, clock, Rejected("550 5.7.1 blocked", Fault.POLICY))
    set_columns(registry, FollowUp, FollowUp.month == 1, state="answered")
    at, one = clock.now(), letter(registry)
    with transaction(registry) as session:
        with pytest.raises(StaysDead, match="would not go out: the follow-up is answered"):
            dead_letters.resend(session, one.id, by="Ada", at=at)
        with pytest.raises(NotFound):
            dead_letters.resend(session, 999, by="Ada", at=at)


def test_the_outbox_says_what_was_expected_and_what_was_sent(
    registry: Runtime, clock: FixedClock, due: int, sign_in: SignIn
) -> None:
    for _ in range(3):
        a_patient(registry)
    refused = Rejected("550 5.7.1 blocked", Fault.POLICY)
    run_jobs_once(registry, FaultyMailer(open=[None, refused]))
    today = clock.now().date()
    third = letters(registry)[2].id
    set_columns(registry, OutboxEmail, OutboxEmail.id == third, state="queued")
    with reading(registry) as session:
        days = post_days(session, today)
        assert days == [PostDay(today, due=4, sent=2, under_way=1, dead=1, without=0)]
        assert post_days(session, today - timedelta(days=1)) == []
    assert "Expected and sent" in sign_in("administrator", site=None).get("/outbox").text


# ---- what a mail provider posts


@pytest.fixture
def ours(registry: Runtime) -> Runtime:
    its = replace(registry.settings, bounce_address=returned.BOX, bounce_key=KEY)
    return replace(registry, settings=its)


def post(app: Flask, raw: bytes, key: bytes = KEY) -> tuple[int, str]:
    signature = f"sha256={hmac.new(key, raw, hashlib.sha256).hexdigest()}"
    answer = app.test_client().post("/bounces", data=raw, headers={"X-Signature-256": signature})
    return answer.status_code, answer.text


def test_a_provider_posts_what_came_back(ours: Runtime, due: int) -> None:
    run(ours, MemoryMailer())
    app = staff_app(ours)
    with reading(ours) as session:
        instance = session.get_one(Instance, 1).instance_id
    raw = returned.dsn(tokens.bounce_tag(ours.settings.token_keys, 1, instance, letter(ours).id))
    assert post(app, raw, b"x" * 32)[0] == 403
    assert app.test_client().post("/bounces", data=raw).status_code == 403
    assert kinds(ours) == []
    assert post(app, raw) == (200, '{"kind":"hard"}\n')
    assert post(app, raw) == (200, '{"kind":"known"}\n')
    assert post(app, b"nothing") == (200, '{"kind":"unproved"}\n')
    assert kinds(ours) == ["hard"]
    administrator = member(ours, "administrator", site=None)
    came = Staff(app).sign_in(administrator).get("/outbox").text
    assert "Came back (hard): 550 5.1.1 (address) no such user" in came
    nurse = Staff(app).sign_in(member(ours, "nurse"))
    own = text_of(nurse.get("/patients/R-0001/letters").text)
    assert "It came back, for there is no such mailbox: 550 5.1.1 (address) no such user." in own
    assert "550 5.1.1 (address) no such user" in text_of(nurse.get("/?kind=address").text)


def kinds(runtime: Runtime) -> list[str]:
    with reading(runtime) as session:
        return list(session.scalars(select(Bounce.kind)))


def test_without_a_key_there_is_no_such_page(registry: Runtime, app: Flask) -> None:
    assert post(app, b"x")[0] == 404


# ---- the command


def command(runtime: Runtime, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[int, str]:
    ours_always = classmethod(lambda cls, env, door=False: runtime.settings)
    monkeypatch.setattr(Settings, "from_env", ours_always)
    done = CliRunner().invoke(next(one for one in COMMANDS if one.name == "mail"), list(words))
    return done.exit_code, done.output


def test_the_command_holds_and_releases(
    registry: Runtime, due: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mail(*words: str) -> tuple[int, str]:
        return command(registry, monkeypatch, *words)

    assert mail("status") == (0, "0 held, 0 due, 0 need a person, 0 refused\n")
    assert mail("hold", "--reason", "moving house")[0] == 0
    assert mail("hold", "--site", "A", "--reason", "wrong text")[0] == 0
    run(registry, mailer := MemoryMailer())
    code, told = mail("status")
    assert code == 1
    assert "held: every site" in told
    assert "moving house" in told
    assert "held: site A" in told
    assert "1 held, 0 due" in told
    assert mail("release")[0] == 0
    run(registry, mailer)
    assert mailer.sent == []
    assert mail("release", "--site", "A")[0] == 0
    assert mail("release")[0] == 1
    run(registry, mailer)
    assert len(mailer.sent) == 1
