"""What comes back of a letter: proved, counted once, and followed by what it deserves."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import returned
from click.testing import CliRunner
from factories import a_patient, a_person, vault_of
from post import (
    Crash,
    crash_at_commit,
    letter,
    letters,
    live_until,
    noon,
    plan_of,
    run,
    set_columns,
)
from sqlalchemy import func, select

from registry import tokens
from registry.actions import corrections, outreach, returns, staff_mail
from registry.actions.enrolment import Enrolled
from registry.bounces.boxes import NoMailbox
from registry.cli.post import COMMANDS
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.mail import MemoryMailer
from registry.models import (
    AuditEvent,
    Bounce,
    Disposition,
    Instance,
    MailHold,
    OutboxEmail,
    Patient,
    SendingHold,
    known,
)
from registry.queries import identities, worklists
from registry.runtime import Runtime
from registry.settings import Settings
from workers.returns import read_bounces
from workers.schedule import run_jobs_once

DUE = "2026-01-29"


class Post(MemoryMailer):
    """Remembers the envelope senders."""

    def __init__(self) -> None:
        super().__init__()
        self.senders: list[str] = []

    def open(self, sender: str, recipient: str) -> None:
        self.senders.append(sender)
        super().open(sender, recipient)


@pytest.fixture
def mailer() -> Post:
    return Post()


@pytest.fixture
def ours(registry: Runtime) -> Runtime:
    """The registry with a bounce address."""
    return replace(registry, settings=replace(registry.settings, bounce_address=returned.BOX))


@pytest.fixture
def sent(ours: Runtime, clock: FixedClock, mailer: Post) -> Enrolled:
    """A patient whose first letter has gone."""
    patient = a_patient(ours, person=a_person(email="pat@example.org"))
    clock.move_to(noon(DUE))
    run(ours, mailer)
    return patient


def tag_of(runtime: Runtime, one: OutboxEmail | None = None) -> str:
    with reading(runtime) as session:
        instance = session.get_one(Instance, 1).instance_id
    return tokens.bounce_tag(runtime.settings.token_keys, 1, instance, (one or letter(runtime)).id)


def receive(runtime: Runtime, raw: bytes) -> str:
    with transaction(runtime) as session:
        its, at = runtime.settings, runtime.clock.now()
        return returns.receive(session, raw, settings=its, by="bounces", at=at)


def holds(runtime: Runtime) -> Sequence[MailHold]:
    with reading(runtime) as session:
        return session.scalars(select(MailHold).where(MailHold.lifted_at.is_(None))).all()


def kinds(runtime: Runtime) -> list[str]:
    with reading(runtime) as session:
        return list(session.scalars(select(Bounce.kind).order_by(Bounce.id)))


def tasks(runtime: Runtime) -> dict[str, str]:
    with reading(runtime) as session:
        found = worklists.tasks(session, None, runtime.clock.now())
    return {task.kind.value: task.what for task in found}


def test_each_letter_has_an_envelope_sender_that_only_we_can_make(
    ours: Runtime, sent: Enrolled, mailer: Post
) -> None:
    a_patient(ours)
    run(ours, mailer)
    wanted = [returned.sender(tag_of(ours, one)) for one in letters(ours)]
    assert mailer.senders == wanted
    assert {str(one.message["From"].addresses[0].addr_spec) for one in mailer.sent} == {
        "registry@example.org"
    }


def test_without_a_bounce_address_letters_come_from_the_sender_and_nothing_is_read(
    registry: Runtime, clock: FixedClock, mailer: Post
) -> None:
    a_patient(registry)
    clock.move_to(noon(DUE))
    run(registry, mailer)
    assert mailer.senders == ["registry@example.org"]
    assert receive(registry, returned.dsn(tag_of(registry))) == "unproved"
    assert holds(registry) == []


def test_a_hard_bounce_stops_letters_and_is_a_task_and_a_call(
    ours: Runtime, clock: FixedClock, mailer: Post, sent: Enrolled
) -> None:
    clock.advance(hours=2)
    assert receive(ours, returned.dsn(tag_of(ours))) == "hard"
    (hold,) = holds(ours)
    assert (hold.kind, hold.patient_id) == ("undeliverable", sent.patient_id)
    assert hold.reason == "550 5.1.1 (address) no such user"
    with reading(ours) as session:
        fact = session.scalars(select(Disposition).where(known(Disposition))).one()
    assert (fact.code, fact.month, fact.source) == ("undeliverable", 1, "mail")
    assert plan_of(ours, sent.patient_id)[1].state_reason == "no letter: undeliverable"
    found = tasks(ours)
    assert found["address"] == "Address: mail cannot be delivered"
    assert found["call"] == "Call: no answer to month 1"
    live_until(ours, clock, mailer, date(2026, 2, 12))
    assert len(mailer.sent) == 1  # no reminder


def test_letters_that_wait_are_called_off(
    ours: Runtime, clock: FixedClock, mailer: Post, sent: Enrolled
) -> None:
    follow_up = plan_of(ours, sent.patient_id)[1]
    with transaction(ours) as session:
        staff_mail.ask_new_link(session, follow_up.id, by="Ada", at=clock.now())
    run(ours, mailer)
    set_columns(ours, OutboxEmail, OutboxEmail.kind == "new_link", state="queued")
    receive(ours, returned.dsn(tag_of(ours, letters(ours)[0])))
    again = letter(ours, kind="new_link")
    assert (again.state, again.state_reason) == ("cancelled", "no letters: undeliverable")


def test_a_message_that_comes_twice_counts_once(ours: Runtime, sent: Enrolled) -> None:
    raw = returned.dsn(tag_of(ours))
    assert receive(ours, raw) == "hard"
    assert receive(ours, raw) == "known"
    assert receive(ours, b"Delivered-To: x@example.org\r\n" + raw) == "known"
    assert kinds(ours) == ["hard"]
    assert len(holds(ours)) == 1


FORGED = {
    "no tag": lambda tag: returned.dsn("").replace(b"bounces+@", b"bounces@"),
    "made up": lambda tag: returned.dsn(tag[:-4] + "aaaa"),
    "another letter's": lambda tag: returned.dsn(tag.replace("1-1-", "1-2-", 1)),
    "another key's": lambda tag: returned.dsn("9" + tag[1:]),
    "a letter that there is not": lambda tag: returned.dsn("1-999999-" + tag[-20:]),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_report_changes_nothing(ours: Runtime, sent: Enrolled, how: str) -> None:
    before = rows(ours)
    assert receive(ours, FORGED[how](tag_of(ours))) == "unproved"
    assert rows(ours) == before


def rows(runtime: Runtime) -> tuple[int, ...]:
    counted = (AuditEvent, Bounce, MailHold, Disposition)
    with reading(runtime) as session:
        return tuple(session.scalar(select(func.count()).select_from(one)) or 0 for one in counted)


def test_a_tag_of_a_letter_that_has_not_gone_proves_nothing(
    ours: Runtime, clock: FixedClock
) -> None:
    a_patient(ours)
    clock.move_to(noon(DUE))
    with transaction(ours) as session:
        outreach.queue_due(session, settings=ours.settings, by="test", at=clock.now())
    assert receive(ours, returned.dsn(tag_of(ours))) == "unproved"


def change_address(runtime: Runtime, patient: Enrolled, email: str) -> None:
    vault, at = vault_of(runtime), runtime.clock.now()
    with transaction(runtime) as session:
        person = identities.person_of(session, vault, patient.patient_id)
        corrections.change_identity(
            session, patient.patient_id, replace(person, email=email),
            vault=vault, reason="told us", by="Ada", at=at,
        )  # fmt: skip


def test_what_concerns_an_address_of_the_past_is_kept_and_stops_nothing(
    ours: Runtime, sent: Enrolled
) -> None:
    change_address(ours, sent, "new@example.org")
    assert receive(ours, returned.dsn(tag_of(ours))) == "hard"
    assert kinds(ours) == ["hard"]
    assert holds(ours) == []


def test_after_the_address_was_corrected_letters_go_again_and_the_old_report_is_known(
    ours: Runtime, clock: FixedClock, mailer: Post, sent: Enrolled
) -> None:
    raw = returned.dsn(tag_of(ours))
    receive(ours, raw)
    clock.advance(days=1)
    change_address(ours, sent, "new@example.org")
    with transaction(ours) as session:
        staff_mail.lift_hold(session, sent.patient_id, "undeliverable", by="Ada", at=clock.now())
    assert receive(ours, raw) == "known"
    run(ours, mailer)
    assert mailer.sent[-1].recipient == "new@example.org"
    newest = letters(ours)[-1]
    assert receive(ours, returned.dsn(tag_of(ours, newest))) == "hard"
    assert len(holds(ours)) == 1


def full(tag: str) -> bytes:
    return returned.dsn(tag, "5.2.2", "smtp; 552 5.2.2 over quota")


def late(tag: str) -> bytes:
    return returned.dsn(tag, "4.4.7", "smtp; 451 4.4.7 expired")


@pytest.mark.parametrize(
    ("days", "stops"),
    [((0, 0, 0, 0), False), ((0, 1), False), ((0, 5, 13), True), ((0, 7, 14), False)],
)
@pytest.mark.parametrize("report", [full, late])
def test_three_days_with_a_full_mailbox_within_two_weeks_stop_letters(
    ours: Runtime, clock: FixedClock, sent: Enrolled, report, days: tuple[int, ...], stops: bool
) -> None:
    began_at = clock.now()
    for day in days:
        clock.move_to(began_at)
        clock.advance(days=day)
        assert receive(ours, report(tag_of(ours))) == "soft"
    assert bool(holds(ours)) is stops


def test_a_complaint_stops_letters(ours: Runtime, sent: Enrolled) -> None:
    assert receive(ours, returned.complaint(tag_of(ours))) == "complaint"
    assert [hold.kind for hold in holds(ours)] == ["complaint"]
    assert tasks(ours)["address"] == "Address: mail marked as unwanted"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (returned.out_of_office, "auto_reply"),
        (returned.by_a_person, "other"),
        (lambda tag: returned.dsn(tag, "4.4.1", action="delayed"), "delayed"),
        (lambda tag: returned.dsn(tag, "5.7.1", "smtp; 550 5.7.1 blocked"), "policy"),
        (lambda tag: returned.complaint(tag, "not-spam"), "other"),
    ],
)
def test_what_is_not_about_the_address_is_counted_and_stops_nothing(
    ours: Runtime, sent: Enrolled, message, kind: str
) -> None:
    assert receive(ours, message(tag_of(ours))) == kind
    assert kinds(ours) == [kind]
    assert holds(ours) == []
    assert plan_of(ours, sent.patient_id)[1].state_reason is None


def test_twenty_reports_of_policy_in_a_row_hold_the_site(
    ours: Runtime, clock: FixedClock, mailer: Post
) -> None:
    for _ in range(20):
        a_patient(ours)
    clock.move_to(noon(DUE))
    run(ours, mailer)
    for one in letters(ours):
        clock.advance(minutes=1)
        receive(ours, returned.dsn(tag_of(ours, one), "5.7.1", "smtp; 550 5.7.1 blocked"))
    with reading(ours) as session:
        (held,) = session.scalars(select(SendingHold)).all()
        site = session.scalars(select(Patient.site_id).limit(1)).one()
    assert (held.kind, held.site_id) == ("policy", site)
    assert holds(ours) == []


# ---- where they are read


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    return tmp_path / "box"


def with_maildir(runtime: Runtime, folder: Path) -> Runtime:
    its = replace(runtime.settings, bounce_mailbox=f"maildir://{folder}")
    return replace(runtime, settings=its)


def test_a_maildir_is_read_and_marked(ours: Runtime, sent: Enrolled, maildir: Path) -> None:
    tag = tag_of(ours)
    (maildir / "new" / "1.a").write_bytes(returned.dsn(tag))
    (maildir / "new" / "2.b").write_bytes(returned.out_of_office(tag))
    (maildir / "new" / "3.c").write_bytes(b"\xff\x00 nothing that can be read")
    (maildir / "cur" / "4.d:2,").write_bytes(returned.complaint(tag))
    (maildir / "cur" / "5.e:2,S").write_bytes(returned.complaint(tag))
    reader = with_maildir(ours, maildir)
    for _ in range(2):
        read_bounces(reader, None)
    assert sorted(kinds(ours)) == ["auto_reply", "complaint", "hard"]
    assert list((maildir / "new").iterdir()) == []
    names = sorted(file.name for file in (maildir / "cur").iterdir())
    assert names == ["1.a:2,S", "2.b:2,S", "3.c:2,S", "4.d:2,S", "5.e:2,S"]


@pytest.mark.parametrize("after", [False, True])
def test_a_reader_that_dies_reads_the_message_again_and_counts_it_once(
    ours: Runtime, sent: Enrolled, maildir: Path, after: bool
) -> None:
    (maildir / "new" / "1.a").write_bytes(returned.dsn(tag_of(ours)))
    reader = with_maildir(ours, maildir)
    with crash_at_commit(ours, 1, after=after), suppress(Crash):
        read_bounces(reader, None)
    assert [file.name for file in (maildir / "new").iterdir()] == ["1.a"]
    read_bounces(reader, None)
    assert kinds(ours) == ["hard"]
    assert len(holds(ours)) == 1


def test_the_job_reads_and_says_what_is_wrong_with_the_mailbox(
    ours: Runtime, sent: Enrolled, mailer: Post, maildir: Path, tmp_path: Path
) -> None:
    (maildir / "new" / "1.a").write_bytes(returned.dsn(tag_of(ours)))
    assert run_jobs_once(with_maildir(ours, maildir), mailer) == {}
    assert kinds(ours) == ["hard"]
    nowhere = with_maildir(ours, tmp_path / "nowhere")
    assert "is no maildir" in run_jobs_once(nowhere, mailer)["read_bounces"]
    with pytest.raises(NoMailbox):
        read_bounces(nowhere, None)


def test_the_command_takes_one_message(
    ours: Runtime, sent: Enrolled, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command = next(one for one in COMMANDS if one.name == "bounces")
    monkeypatch.setattr(
        Settings, "from_env", classmethod(lambda cls, env, door=False: ours.settings)
    )
    genuine, forged = tmp_path / "genuine.eml", returned.dsn("1-1-" + "a" * 20)
    genuine.write_bytes(returned.dsn(tag_of(ours)))
    done = CliRunner().invoke(command, [os.fspath(genuine)])
    assert (done.exit_code, done.output) == (0, "hard\n")
    done = CliRunner().invoke(command, ["-"], input=forged)
    assert (done.exit_code, done.output) == (1, "unproved\n")
    assert kinds(ours) == ["hard"]
