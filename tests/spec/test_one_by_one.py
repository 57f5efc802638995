"""What counts as what, patient by patient: tables that a doctor can check.

Every patient of a table is the only one at a site, so that the report of the site is about one
person. Days are counted from treatment; the report is of day 900 unless the table says otherwise.
"""

from dataclasses import replace
from datetime import timedelta

import pytest
from spec.little import TREATED, Answered, Event, Noted, Person, build

from registry.db import reading, transaction
from registry.protocols import bundled
from registry.queries.sufficient import Cut
from registry.queries.sufficient_incidence import first_serious
from registry.queries.sufficient_safety import safety
from registry.queries.sufficient_survival import survival
from registry.queries.sufficient_waves import wave
from registry.runtime import Runtime

YES, NO = {"responder": 1.0}, {"responder": 0.0}


def complete(day: int, values: dict[str, float] | None = None, month: int = 12) -> Answered:
    return Answered(month, day, values=NO if values is None else values)


def partial(day: int, *, sent: bool = True) -> Answered:
    return Answered(12, day, "partial", sent)


def broken_off(day: int) -> Answered:
    return Answered(12, day, "break_off", sent=False)


def log(code: str, day: int | None = None) -> tuple[Noted, ...]:
    return (Noted(12, code, day),)


# month 12, window 305-425: patient, disposition, outcome (yes, no, dead, silent)
DISPOSITIONS: list[tuple[str, Person, str, str]] = [
    ("answered in the window: yes", Person(answers=(complete(365, YES),)), "I", "yes"),
    ("answered in the window: no", Person(answers=(complete(365),)), "I", "no"),
    ("first day of the window", Person(answers=(complete(305, YES),)), "I", "yes"),
    ("last day of the window", Person(answers=(complete(425, YES),)), "I", "yes"),
    ("a day early", Person(answers=(complete(304, YES),)), "NC", "silent"),
    ("a day late", Person(answers=(complete(426, YES),)), "NC", "silent"),
    ("the earliest counts", Person(answers=(complete(400, YES), complete(310))), "I", "no"),
    ("complete before partial", Person(answers=(partial(310), complete(400, YES))), "I", "yes"),
    ("of another month", Person(answers=(complete(365, YES, month=6),)), "NC", "silent"),
    ("complete, outcome not answered", Person(answers=(complete(365, {}),)), "I", "silent"),
    ("partial", Person(answers=(partial(365),)), "P", "silent"),
    ("saved, never sent", Person(answers=(partial(365, sent=False),)), "P", "silent"),
    (
        "complete, never sent",
        Person(answers=(Answered(12, 365, sent=False, values=YES),)),
        "P",
        "silent",
    ),
    ("broken off", Person(answers=(broken_off(365),)), "R", "silent"),
    ("broken off, then died", Person(answers=(broken_off(365),), death=400), "NE", "dead"),
    ("answered, then died", Person(answers=(complete(365, YES),), death=400), "I", "yes"),
    ("partial, then died", Person(answers=(partial(365),), death=400), "P", "silent"),
    ("died long before", Person(death=30), "NE", "dead"),
    ("died on the last day", Person(death=425), "NE", "dead"),
    ("died a day later", Person(death=426), "NC", "silent"),
    ("withdrew", Person(left=200), "R", "silent"),
    ("withdrew on the last day", Person(left=425), "R", "silent"),
    ("withdrew a day later", Person(left=426), "NC", "silent"),
    ("withdrew, then died", Person(left=200, death=300), "R", "silent"),
    ("died on the day of withdrawal", Person(left=200, death=200), "NE", "dead"),
    ("answered, then withdrew", Person(answers=(complete(365, YES),), left=370), "I", "yes"),
    ("answered after withdrawal", Person(answers=(complete(365, YES),), left=364), "R", "silent"),
    (
        "no more letters, still answers",
        Person(answers=(complete(365),), left=9, scope="contact"),
        "I",
        "no",
    ),
    ("refused on the telephone", Person(log=log("refused", 380)), "R", "silent"),
    ("refused, not dated", Person(log=log("refused")), "R", "silent"),
    ("refused month 6 only", Person(log=(Noted(6, "refused", 180),)), "NC", "silent"),
    ("too ill to answer", Person(log=log("other", 380)), "O", "silent"),
    ("refused and too ill", Person(log=log("other", 370) + log("refused", 380)), "R", "silent"),
    ("letters came back", Person(log=log("undeliverable", 366)), "U", "silent"),
    (
        "came back, blood taken later",
        Person(log=log("undeliverable", 366), labs=((425, None),)),
        "NC",
        "silent",
    ),
    (
        "came back, blood taken before",
        Person(log=log("undeliverable", 366), labs=((424, None),)),
        "U",
        "silent",
    ),
    ("came back, died later", Person(log=log("undeliverable", 366), death=500), "NC", "silent"),
    ("nobody answered the telephone", Person(log=log("no_contact", 380)), "NC", "silent"),
    ("never asked", Person(), "NC", "silent"),
]


@pytest.fixture
def cut() -> Cut:
    return Cut(bundled().code, TREATED + timedelta(days=900))


def fill(runtime: Runtime, people: list[Person]) -> list[str]:
    """Each person alone at a site; the sites' codes."""
    sites = [f"site{number}" for number in range(len(people))]
    alone = [replace(person, site=site) for person, site in zip(people, sites, strict=True)]
    with transaction(runtime) as session:
        build(session, alone)
    return sites


def test_what_became_of_the_questionnaire(runtime: Runtime, cut: Cut) -> None:
    sites = fill(runtime, [person for _, person, _, _ in DISPOSITIONS])
    rule = bundled().by_month[12]
    with reading(runtime) as session:
        for site, (name, _, letter, outcome) in zip(sites, DISPOSITIONS, strict=True):
            found = wave(session, replace(cut, site=site), rule.timepoint, bundled().outcomes)
            letters = {k: v for k, v in found.dispositions.as_json().items() if v}
            assert letters == {letter: 1}, name
            counts = found.outcomes["responder"]
            expected = {"yes": (1, 0, 0), "no": (0, 1, 0), "dead": (0, 0, 1), "silent": (0, 0, 0)}
            assert (counts.responders, counts.nonresponders, counts.dead) == expected[outcome], name


def test_two_equal_answers_make_one_and_a_duplicate(runtime: Runtime, cut: Cut) -> None:
    fill(runtime, [Person(answers=(complete(365, YES), complete(365, YES), complete(500, YES)))])
    with reading(runtime) as session:
        found = wave(session, cut, bundled().by_month[12].timepoint, bundled().outcomes)
    assert (found.due, found.duplicates, found.out_of_window) == (1, 1, 1)
    assert found.outcomes["responder"].responders == 1


def test_nobody_is_due_before_the_last_day_of_the_window(runtime: Runtime, cut: Cut) -> None:
    fill(runtime, [Person(answers=(complete(310, YES),))])
    rule = bundled().by_month[12].timepoint
    with reading(runtime) as session:
        before, on = (
            wave(
                session, replace(cut, as_of=TREATED + timedelta(days=day)), rule, bundled().outcomes
            )
            for day in (424, 425)
        )
    assert (before.due, before.not_yet_due, before.outcomes["responder"].due) == (0, 1, 0)
    assert (on.due, on.not_yet_due, on.outcomes["responder"].responders) == (1, 0, 1)


# outcome, month, patient, what it is: yes, no, dead, silent, or out (not in the population)
OUTCOMES: list[tuple[str, int, Person, str]] = [
    ("death", 12, Person(death=365), "yes"),
    ("death", 12, Person(death=366), "no"),
    ("death", 12, Person(left=364), "silent"),
    ("death", 12, Person(left=365), "no"),
    ("death", 24, Person(death=730), "yes"),
    ("death", 24, Person(death=731), "no"),
    ("infection", 12, Person(events=(Event("Pneumonia", 365),)), "yes"),
    ("infection", 12, Person(events=(Event("Pneumonia", 366),)), "no"),
    ("infection", 12, Person(events=(Event("Pneumonia", -1),)), "no"),
    ("infection", 12, Person(events=(Event("Headache", 10),)), "no"),
    ("infection", 12, Person(events=(Event("Pneumonia", 10),), death=20), "yes"),
    ("infection", 12, Person(death=20), "dead"),
    ("infection", 12, Person(left=20), "silent"),
    ("infection", 12, Person(events=(Event("Pneumonia", 30),), left=20), "silent"),
    ("serious_infection", 12, Person(events=(Event("Pneumonia", 10),)), "no"),
    ("serious_infection", 12, Person(events=(Event("Pneumonia", 10, serious=True),)), "yes"),
    ("any_event", 12, Person(told=(Event("Headache", 10),)), "no"),
    ("anti_dsdna_raised", 12, Person(labs=((365, "high"),)), "yes"),
    ("anti_dsdna_raised", 12, Person(labs=((365, "high"), (370, "normal"))), "no"),
    ("anti_dsdna_raised", 12, Person(labs=((365, "high"), (370, None))), "yes"),
    ("anti_dsdna_raised", 12, Person(labs=((304, "high"), (426, "high"))), "silent"),
    ("anti_dsdna_raised", 12, Person(labs=((365, "high"),), left=364), "silent"),
    ("anti_dsdna_raised", 12, Person(labs=((100, "high"),), death=365), "dead"),
    (
        "steroid_reduced",
        12,
        Person(answers=(complete(365, {"steroid_reduced": 1}),), dose=10),
        "yes",
    ),
    (
        "steroid_reduced",
        12,
        Person(answers=(complete(365, {"steroid_reduced": 0}),), dose=10),
        "no",
    ),
    (
        "steroid_reduced",
        12,
        Person(answers=(complete(365, {"steroid_reduced": 1}),), dose=9.5),
        "out",
    ),
    ("steroid_reduced", 12, Person(answers=(complete(365, {"steroid_reduced": 1}),)), "out"),
    ("steroid_reduced", 12, Person(death=5, dose=40), "dead"),
]


def test_who_has_which_outcome(runtime: Runtime, cut: Cut) -> None:
    sites = fill(runtime, [person for _, _, person, _ in OUTCOMES])
    with reading(runtime) as session:
        for site, (code, month, person, expected) in zip(sites, OUTCOMES, strict=True):
            timepoint = bundled().by_month[month].timepoint
            found = wave(session, replace(cut, site=site), timepoint, bundled().outcomes)
            counts = found.outcomes[code]
            told = {
                "yes": counts.responders,
                "no": counts.nonresponders,
                "dead": counts.dead,
                "silent": counts.silent,
                "out": 1 - counts.due,
            }
            assert {name for name, count in told.items() if count} == {expected}, (code, person)


# patient -> by the clinic: events, patients, days, days to the first; before, after
EVENTS: list[tuple[str, Person, tuple[int, int, int, int, int, int]]] = [
    ("none", Person(), (0, 0, 730, 730, 0, 0)),
    ("on the day of treatment", Person(events=(Event("Fever", 0),)), (1, 1, 730, 0, 0, 0)),
    ("before treatment", Person(events=(Event("Fever", -1),)), (0, 0, 730, 730, 1, 0)),
    ("on the last day", Person(events=(Event("Fever", 730),)), (1, 1, 730, 730, 0, 0)),
    ("after the last day", Person(events=(Event("Fever", 731),)), (0, 0, 730, 730, 0, 1)),
    ("on the day of death", Person(events=(Event("Fever", 50),), death=50), (1, 1, 50, 50, 0, 0)),
    ("after withdrawal", Person(events=(Event("Fever", 51),), left=50), (0, 0, 50, 50, 0, 1)),
    (
        "after leaving letters only",
        Person(events=(Event("Fever", 51),), left=50, scope="contact"),
        (1, 1, 730, 51, 0, 0),
    ),
    ("twice", Person(events=(Event("Fever", 100), Event("fever ", 40))), (2, 1, 730, 40, 0, 0)),
    ("told only", Person(told=(Event("Fever", 100),)), (0, 0, 730, 730, 0, 0)),
]


def test_events_by_clinic_count_within_follow_up(runtime: Runtime, cut: Cut) -> None:
    sites = fill(runtime, [person for _, person, _ in EVENTS])
    with reading(runtime) as session:
        for site, (name, _, expected) in zip(sites, EVENTS, strict=True):
            clinic = safety(session, replace(cut, site=site), {}).clinic
            fever = clinic.of(("term", "fever"))
            found = (fever.sums.events, fever.patients, clinic.days, fever.days_to_first)
            assert (*found, clinic.before, clinic.after) == expected, name


# patient -> by the patient: asked, days covered, events, days to the first, outside
TOLD: list[tuple[str, Person, tuple[int, int, int, int, int]]] = [
    ("never answered", Person(told=(Event("Fever", 10),)), (0, 0, 0, 0, 1)),
    ("answered once", Person(answers=(Answered(1, 30),)), (1, 30, 0, 30, 0)),
    ("only at enrolment", Person(answers=(Answered(0, 0),)), (0, 0, 0, 0, 0)),
    ("twice, without a gap", Person(answers=(Answered(1, 30), Answered(3, 95))), (1, 95, 0, 95, 0)),
    (
        "with a gap",
        Person(answers=(Answered(1, 30), Answered(6, 200, recall=100))),
        (1, 130, 0, 130, 0),
    ),
    (
        "asked again of the same days",
        Person(answers=(Answered(1, 30), Answered(3, 95, recall=0))),
        (1, 95, 0, 95, 0),
    ),
    ("partial covers too", Person(answers=(Answered(1, 30, "partial"),)), (1, 30, 0, 30, 0)),
    (
        "never sent covers nothing",
        Person(answers=(Answered(1, 30, "partial", sent=False),)),
        (0, 0, 0, 0, 0),
    ),
    (
        "told with its day",
        Person(answers=(Answered(1, 30),), told=(Event("Fever", 12, answer=0),)),
        (1, 30, 1, 12, 0),
    ),
    (
        "told without a day",
        Person(answers=(Answered(1, 30),), told=(Event("Fever", None, answer=0),)),
        (1, 30, 1, 30, 0),
    ),
    (
        "rejected by the clinic",
        Person(answers=(Answered(1, 30),), told=(Event("Fever", 12, state="rejected", answer=0),)),
        (1, 30, 0, 30, 0),
    ),
    (
        "after the last answer",
        Person(answers=(Answered(1, 30),), told=(Event("Fever", 31),)),
        (1, 30, 0, 30, 1),
    ),
    ("covered no longer than follow-up", Person(answers=(Answered(24, 800),)), (1, 730, 0, 730, 0)),
]


def test_patients_are_at_risk_only_while_their_answers_cover(runtime: Runtime, cut: Cut) -> None:
    sites = fill(runtime, [person for _, person, _ in TOLD])
    with reading(runtime) as session:
        for site, (name, _, expected) in zip(sites, TOLD, strict=True):
            told = safety(session, replace(cut, site=site), {}).patient
            fever = told.of(("term", "fever"))
            found = (told.people, told.days, fever.sums.events, fever.days_to_first)
            assert (*found, told.before + told.after) == expected, name


# patient -> (day, died) to the cut-off, and to the last contact; None: never at risk
CURVES: list[tuple[str, Person, tuple[int, bool] | None, tuple[int, bool] | None]] = [
    ("silent", Person(), (730, False), (0, False)),
    ("answered", Person(answers=(Answered(12, 365),)), (730, False), (365, False)),
    ("saved, never sent", Person(answers=(partial(365, sent=False),)), (730, False), (365, False)),
    ("refused on the telephone", Person(log=log("refused", 380)), (730, False), (380, False)),
    ("letters came back", Person(log=log("undeliverable", 380)), (730, False), (0, False)),
    ("blood taken", Person(labs=((200, None),)), (730, False), (200, False)),
    ("an event is no contact", Person(events=(Event("Fever", 300),)), (730, False), (0, False)),
    ("died", Person(death=300), (300, True), (300, True)),
    ("died on the day of treatment", Person(death=0), (0, True), (0, True)),
    ("withdrew", Person(left=300), (300, False), (300, False)),
    ("withdrew, then died", Person(left=300, death=400), (300, False), (300, False)),
    ("consented later", Person(consent=40, labs=((60, None),)), (730, False), (60, False)),
    ("consented after the last contact", Person(consent=40), (730, False), None),
    ("consented after death", Person(consent=40, death=30), None, None),
]


def test_who_leaves_the_curve_when(runtime: Runtime, cut: Cut) -> None:
    sites = fill(runtime, [person for _, person, _, _ in CURVES])
    with reading(runtime) as session:
        for site, (name, _, overall, contact) in zip(sites, CURVES, strict=True):
            found = survival(session, replace(cut, site=site))
            for rows, expected in ((found.overall, overall), (found.last_contact, contact)):
                left = [(row.day, bool(row.deaths)) for row in rows if row.deaths or row.censored]
                assert left == ([] if expected is None else [expected]), name


HURT = Event("Pneumonia", 100, serious=True)

# patient -> (day, why: event, death or left) of the first serious event; None: never at risk
FIRSTS: list[tuple[str, Person, tuple[int, str] | None]] = [
    ("nothing", Person(), (730, "left")),
    ("an event", Person(events=(HURT,)), (100, "event")),
    ("two events", Person(events=(replace(HURT, day=200), HURT)), (100, "event")),
    ("not serious", Person(events=(replace(HURT, serious=False),)), (730, "left")),
    ("told only", Person(told=(HURT,)), (730, "left")),
    ("on the day of treatment", Person(events=(replace(HURT, day=0),)), (0, "event")),
    ("before treatment", Person(events=(replace(HURT, day=-1),)), (730, "left")),
    ("after the last day", Person(events=(replace(HURT, day=731),)), (730, "left")),
    ("died", Person(death=300), (300, "death")),
    ("an event, then died", Person(events=(HURT,), death=300), (100, "event")),
    ("an event on the day of death", Person(events=(HURT,), death=100), (100, "event")),
    ("died before its event", Person(events=(HURT,), death=99), (99, "death")),
    ("withdrew", Person(left=50), (50, "left")),
    ("an event on the day of withdrawal", Person(events=(HURT,), left=100), (100, "event")),
    ("an event after the withdrawal", Person(events=(HURT,), left=99), (99, "left")),
    ("consented later", Person(events=(HURT,), consent=99), (100, "event")),
    ("an event before the consent", Person(events=(HURT,), consent=100), None),
    ("died before the consent", Person(death=20, consent=30), None),
]


def test_who_has_a_first_serious_event_when(runtime: Runtime, cut: Cut) -> None:
    sites = fill(runtime, [person for _, person, _ in FIRSTS])
    with reading(runtime) as session:
        for site, (name, person, expected) in zip(sites, FIRSTS, strict=True):
            rows = first_serious(session, replace(cut, site=site))
            causes = [("event", "events"), ("death", "deaths"), ("left", "censored")]
            found = [(row.day, why) for row in rows for why, n in causes if getattr(row, n)]
            assert found == ([] if expected is None else [expected]), name
            late = [row.day for row in rows if row.entries]
            assert late == ([person.consent] if expected and person.consent else []), name
