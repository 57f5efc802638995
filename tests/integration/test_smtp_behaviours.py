"""The table of what mail servers do, and what follows for the letter, the address, the campaign.

Each row is a server that really speaks over a socket; the letter is a patient's, sent by the job.
"""

from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta

import pytest
from factories import a_patient, a_person
from post import letter, noon
from smtp_server import HANG, HANG_UP, scripted_server
from sqlalchemy import select

from registry.actions import outreach
from registry.clock import FixedClock
from registry.db import reading, transaction
from registry.mail import Patience, SmtpMailer, Unreachable
from registry.mail.smtp import USUAL
from registry.models import Bounce, MailHold, OutboxEmail
from registry.runtime import Runtime
from workers import delivery

SHORT = Patience(connect=0.15, command=0.15, data=0.15)
LONG_AT_THE_END = Patience(connect=0.15, command=0.15, data=5.0)
STARTTLS = ["250-hello\r\n250 STARTTLS"]
AUTH = ["250-hello\r\n250 AUTH PLAIN"]

# what becomes of the letter: (its state, attempts used up, hand-overs without a reply)
ALL_WAIT = ("queued", 0, 0)  # certainly not taken, and no other letter would fare better
BACK_OFF = ("queued", 1, 0)  # certainly not taken; this one goes later
UNCERTAIN = ("queued", 1, 1)  # may have been taken: one equal copy
FAILED = ("failed", 1, 0)
SENT = ("sent", 1, 0)


@dataclass(frozen=True)
class Row:
    """A server's behaviour, and all that follows. `held`: the address gets no more letters."""

    name: str
    script: Mapping[str, list[str]]
    letter: tuple[str, int, int]
    about: str | None = None
    bounce: str | None = None
    held: bool = False
    taken: int = 0
    scheme: str = "smtp://"
    patience: Patience = SHORT
    pause: timedelta = timedelta(minutes=1)


def no_address(name: str, step: str, reply: str) -> Row:
    return Row(name, {step: [reply]}, FAILED, "address", "hard", held=True)


def about_us(name: str, step: str, reply: str, about: str) -> Row:
    return Row(name, {step: [reply]}, FAILED, about, "policy")


def full(name: str, step: str, reply: str, days: int) -> Row:
    pause = timedelta(days=1) if days else timedelta(minutes=1)
    return Row(name, {step: [reply]}, BACK_OFF, "mailbox", "soft", pause=pause)


def all_wait(name: str, **script: list[str]) -> Row:
    scheme = "smtp+starttls://" if "STARTTLS" in script else "smtp://"
    scheme = "smtp://us:secret@" if "AUTH" in script else scheme
    return Row(name, script, ALL_WAIT, scheme=scheme)


ROWS = [
    Row("takes it", {}, SENT, taken=1),
    Row("takes it with another 2yz", {"dot": ["251 2.0.0 passed on"]}, SENT, taken=1),
    Row("forwards it", {"RCPT": ["251 2.1.5 will forward"]}, SENT, taken=1),
    # the connection
    all_wait("connect 4xx", connect=["421 4.3.2 busy"]),
    all_wait("connect 5xx", connect=["554 no service"]),
    all_wait("connect drop", connect=[HANG_UP]),
    all_wait("connect hang", connect=[HANG]),
    # EHLO; smtplib falls back on HELO where EHLO is refused
    all_wait("EHLO 4xx", EHLO=["451 not now"], HELO=["451 not now"]),
    all_wait("EHLO 5xx", EHLO=["554 go away"], HELO=["554 go away"]),
    all_wait("EHLO drop", EHLO=[HANG_UP]),
    all_wait("EHLO hang", EHLO=[HANG]),
    # STARTTLS: without it no letter goes, however plainly the server asks
    all_wait("STARTTLS 4xx", EHLO=STARTTLS, STARTTLS=["454 4.7.0 no TLS now"]),
    all_wait("STARTTLS 5xx", EHLO=STARTTLS, STARTTLS=["501 5.5.4 no"]),
    all_wait("STARTTLS drop", EHLO=STARTTLS, STARTTLS=[HANG_UP]),
    all_wait("STARTTLS hang", EHLO=STARTTLS, STARTTLS=[HANG]),
    all_wait("STARTTLS, then no TLS", EHLO=STARTTLS, STARTTLS=["220 go\r\n250 plain text"]),
    all_wait("STARTTLS not offered", STARTTLS=["220 never asked"]),
    # AUTH
    all_wait("AUTH 4xx", EHLO=AUTH, AUTH=["454 4.7.0 later"]),
    all_wait("AUTH 5xx", EHLO=AUTH, AUTH=["535 5.7.8 wrong"]),
    all_wait("AUTH drop", EHLO=AUTH, AUTH=[HANG_UP]),
    all_wait("AUTH hang", EHLO=AUTH, AUTH=[HANG]),
    # MAIL: the server does not take letters from us at all
    all_wait("MAIL 4xx", MAIL=["452 4.3.1 out of room"]),
    all_wait("MAIL 5xx", MAIL=["550 5.7.1 not this sender"]),
    all_wait("MAIL drop", MAIL=[HANG_UP]),
    all_wait("MAIL hang", MAIL=[HANG]),
    # RCPT
    Row("RCPT 4xx", {"RCPT": ["451 later"]}, BACK_OFF),
    Row("greylisted", {"RCPT": ["451 4.7.1 greylisted"]}, BACK_OFF),
    all_wait("RCPT 421", RCPT=["421 4.3.2 closing"]),
    all_wait("RCPT drop", RCPT=[HANG_UP]),
    all_wait("RCPT hang", RCPT=[HANG]),
    no_address("5.1.1", "RCPT", "550 5.1.1 unknown user"),
    no_address("5.1.2", "RCPT", "550 5.1.2 unknown domain"),
    no_address("5.1.10 null MX", "RCPT", "556 5.1.10 takes no mail"),
    no_address("5.2.1 disabled", "RCPT", "550 5.2.1 mailbox disabled"),
    no_address("bare 550", "RCPT", "550 no such mailbox"),
    no_address("bare 551", "RCPT", "551 not here"),
    no_address("enhanced code counts more", "RCPT", "554 5.1.1 unknown user"),
    full("5.2.2", "RCPT", "552 5.2.2 mailbox full", 1),
    full("bare 552", "RCPT", "552 no room", 1),
    full("4.2.2", "RCPT", "452 4.2.2 mailbox full", 0),
    full("4.1.1 is no proof", "RCPT", "450 4.1.1 unknown for now", 0),
    about_us("5.7.1", "RCPT", "550 5.7.1 blocked", "policy"),
    about_us("5.7.25", "RCPT", "550 5.7.25 no reverse name", "policy"),
    about_us("5.1.8 our sender", "RCPT", "553 5.1.8 bad sender", "policy"),
    about_us("bare 554 at RCPT", "RCPT", "554 blocked", "policy"),
    about_us("5.3.0", "RCPT", "550 5.3.0 broken", "server"),
    # DATA
    Row("DATA 4xx", {"DATA": ["451 4.3.0 later"]}, BACK_OFF),
    about_us("DATA 5xx", "DATA", "554 5.5.1 no valid recipients", "server"),
    all_wait("DATA drop", DATA=[HANG_UP]),
    all_wait("DATA hang", DATA=[HANG]),
    all_wait("DATA 2yz", DATA=["250 what?"]),
    # the message
    all_wait("dot 421", dot=["421 4.3.2 closing"]),
    Row("dot 4xx", {"dot": ["451 4.3.0 try again"]}, BACK_OFF),
    about_us("dot 5xx", "dot", "554 no", "content"),
    about_us("dot 552 too large", "dot", "552 5.3.4 too large", "content"),
    about_us("dot bare 552", "dot", "552 too large", "content"),
    about_us("dot 5.6.0", "dot", "550 5.6.0 malformed", "content"),
    about_us("dot 5.7.1 spam", "dot", "554 5.7.1 spam", "policy"),
    no_address("dot 5.1.1", "dot", "550 5.1.1 unknown user"),
    Row("accept then drop", {"dot": [HANG_UP]}, UNCERTAIN, taken=1),
    Row("dot hang", {"dot": [HANG]}, UNCERTAIN, taken=1),
    Row("dot unreadable", {"dot": ["2"]}, UNCERTAIN, taken=1),
    Row("dot 3yz", {"dot": ["354 again"]}, UNCERTAIN),
    # longer than any other reply may take, as 60 s of the usual 600 s
    Row("late last reply", {"dot": ["after 0.4: 250 ok"]}, SENT, taken=1, patience=LONG_AT_THE_END),
]


@pytest.fixture
def due(registry: Runtime, clock: FixedClock) -> int:
    """The letter of a patient that waits; its patient's id."""
    patient = a_patient(registry, person=a_person(email="pat@example.org"))
    clock.move_to(noon("2026-01-29"))
    its, at = registry.settings, clock.now()
    with transaction(registry) as session:
        outreach.queue_due(session, settings=its, by="test", at=at)
    return patient.patient_id


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_server_that(row: Row, registry: Runtime, clock: FixedClock, due: int) -> None:
    script = {verb: list(replies) for verb, replies in row.script.items()}
    with scripted_server(**script) as scripted:
        url = f"{row.scheme}127.0.0.1:{scripted.port}"
        with closing(SmtpMailer(url, patience=row.patience)) as mailer, suppress(Unreachable):
            delivery.send_due(registry, mailer)
        assert len(scripted.letters) == row.taken
    one = letter(registry)
    assert (one.state, one.attempts, one.uncertain_count) == row.letter
    assert one.fault == row.about
    if one.state == "queued":
        assert one.next_attempt_at - clock.now() == row.pause
    with reading(registry) as session:
        holds = session.scalars(select(MailHold)).all()
        bounces = session.scalars(select(Bounce.kind)).all()
    assert [hold.patient_id for hold in holds] == ([due] if row.held else [])
    assert bounces == ([row.bounce] if row.bounce else [])


def test_every_verb_is_met_with_every_misbehaviour() -> None:
    told = {(verb, kind(replies[-1])) for row in ROWS for verb, replies in row.script.items()}
    verbs = ("connect", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "dot")
    wanted = {(verb, how) for verb in verbs for how in ("4", "5", HANG_UP, HANG)}
    assert wanted <= told
    assert len(ROWS) >= 30


def kind(reply: str) -> str:
    return reply if reply in {HANG, HANG_UP} else reply[0]


def test_the_server_that_dies_within_the_message_has_certainly_not_taken_it(
    registry: Runtime, clock: FixedClock, due: int
) -> None:
    """The end of a message of many megabytes is still here when the connection breaks."""
    with scripted_server(body=[HANG_UP]) as scripted:
        with closing(SmtpMailer(scripted.url)) as mailer:
            mailer.open("us@example.org", "pat@example.org")
            with pytest.raises(Unreachable):
                mailer.hand_over(b"Subject: long\r\n\r\n" + b"x" * 76 * 1024 * 1024 + b"\r\n")
        assert scripted.letters == []


def test_all_waits_together_are_shorter_than_a_lease() -> None:
    """Also a server that uses each of them up cannot make a letter outlive its lease."""
    assert USUAL.data >= 600  # RFC 5321 4.5.3.2.6; a reply after 60 s is far within it
    after_marker = 2 * USUAL.command + USUAL.data
    assert timedelta(seconds=after_marker) < delivery.deliveries.LEASE


def test_a_full_mailbox_on_three_days_gets_no_more_letters(
    registry: Runtime, clock: FixedClock, due: int
) -> None:
    with scripted_server(RCPT=["552 5.2.2 mailbox full"]) as scripted:
        for day in range(3):
            assert letter(registry).state == "queued", f"day {day}"
            with closing(SmtpMailer(scripted.url)) as mailer:
                delivery.send_due(registry, mailer)
            clock.advance(days=1)
    one = letter(registry)
    assert (one.state, one.attempts) == ("failed", 3)
    with reading(registry) as session:
        hold = session.scalars(select(MailHold)).one()
        assert session.scalars(select(OutboxEmail.fault)).all() == ["mailbox"]
    assert (hold.kind, hold.reason) == ("undeliverable", "552 5.2.2 mailbox full")


def test_a_mailbox_that_was_full_twice_and_then_took_the_letter_is_not_counted(
    registry: Runtime, clock: FixedClock, due: int
) -> None:
    script = ["452 4.2.2 full", "452 4.2.2 full", "250 ok"]
    with scripted_server(RCPT=script) as scripted:
        for _ in range(3):
            with closing(SmtpMailer(scripted.url)) as mailer:
                delivery.send_due(registry, mailer)
            clock.advance(days=1)
    assert letter(registry).state == "sent"
    with reading(registry) as session:
        assert session.scalars(select(MailHold)).all() == []
