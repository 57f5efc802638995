"""SQL against plain loops: random small registries, on SQLite and PostgreSQL."""

from datetime import date, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from spec import plain
from spec.little import Answered, Event, Noted, Person, build

from registry.db import reading, transaction
from registry.models import Patient
from registry.protocols import bundled
from registry.queries.sufficient import Cut, treated
from registry.queries.sufficient_incidence import first_serious
from registry.queries.sufficient_safety import SafetyCounts, safety
from registry.queries.sufficient_survival import DayCounts, survival
from registry.queries.sufficient_waves import wave
from registry.runtime import Runtime

BASE = date(2021, 1, 1)
NAMED = {"malignancy": "malignancy", "herpes zoster": "herpes_zoster", "infection": "infection"}
TERMS = ["Headache", "headache ", "shingles", "herpes zoster", "Melanoma", "pneumonia", "death"]

days = st.integers(-30, 900)
window_days = st.sampled_from([15, 16, 44, 45, 61, 121, 138, 228, 305, 365, 425, 426, 640, 820])
day = st.one_of(st.integers(0, 900), window_days)
answers = st.builds(
    Answered,
    month=st.sampled_from([0, 1, 1, 3, 6, 12, 24]),
    day=day,
    status=st.sampled_from(["complete", "complete", "complete", "partial", "break_off"]),
    sent=st.sampled_from([True, True, True, False]),
    recall=st.none() | st.integers(-50, 800),
    values=st.dictionaries(
        st.sampled_from(["responder", "steroid_reduced"]), st.sampled_from([0, 1])
    ),
)
notes = st.builds(
    Noted,
    month=st.sampled_from([1, 3, 6, 12, 24]),
    code=st.sampled_from(["refused", "other", "undeliverable", "no_contact"]),
    day=st.none() | day,
)


def events(state: st.SearchStrategy[str]) -> st.SearchStrategy[Event]:
    return st.builds(
        Event,
        term=st.sampled_from(TERMS),
        day=days,
        serious=st.booleans(),
        grade=st.none() | st.integers(1, 5),
        related=st.none() | st.booleans(),
        state=state,
    )


@st.composite
def people(draw: st.DrawFn) -> Person:
    given_answers = tuple(draw(st.lists(answers, max_size=5)))
    told = []
    for event in draw(
        st.lists(events(st.sampled_from(["waiting", "confirmed", "rejected"])), max_size=3)
    ):
        index = draw(st.none() | st.integers(0, len(given_answers) - 1)) if given_answers else None
        onset = draw(st.sampled_from([event.day, None])) if index is not None else event.day
        told.append(Event(**{**vars(event), "answer": index, "day": onset}))
    return Person(
        treated_on=BASE + timedelta(days=draw(st.integers(0, 1000))),
        site=draw(st.sampled_from(["A", "B"])),
        consent=draw(st.none() | st.integers(-10, 200)),
        death=draw(st.none() | st.none() | day),
        left=draw(st.none() | st.none() | day),
        scope=draw(st.sampled_from(["registry", "registry", "contact"])),
        dose=draw(st.none() | st.sampled_from([0, 9.5, 10, 40])),
        answers=given_answers,
        log=tuple(draw(st.lists(notes, max_size=3))),
        events=tuple(draw(st.lists(events(st.just("waiting")), max_size=3))),
        told=tuple(told),
        labs=tuple(
            draw(st.lists(st.tuples(day, st.sampled_from(["high", "normal", None])), max_size=3))
        ),
        visits=tuple(draw(st.lists(day, max_size=2))),
    )


def empty(runtime: Runtime) -> None:
    """Forget all patients of the example before."""
    with runtime.sessions.engine.begin() as connection:
        tables = reversed(Patient.metadata.sorted_tables)
        for table in tables:
            if not table.name.startswith(("audit_", "instance", "alembic")):
                connection.execute(table.delete())


@settings(
    max_examples=25,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    registry=st.lists(people(), max_size=12),
    as_of=st.integers(0, 1800).map(lambda n: BASE + timedelta(days=n)),
    site=st.sampled_from([None, "A"]),
)
def test_sql_counts_what_plain_loops_count(
    runtime: Runtime, registry: list[Person], as_of: date, site: str | None
) -> None:
    empty(runtime)
    with transaction(runtime) as session:
        build(session, registry)
    everyone = plain.treated(registry, as_of, site)
    cut = Cut(bundled().code, as_of, site=site)
    with reading(runtime) as session:
        assert treated(session, cut) == len(everyone)
        for rule in bundled().timepoints:
            check_wave(wave(session, cut, rule.timepoint, bundled().outcomes), everyone)
        found = safety(session, cut, NAMED)
        curves = survival(session, cut)
        causes = first_serious(session, cut)
    check_safety(found.clinic, *plain.clinic(everyone, NAMED))
    *told, asked = plain.patient(everyone, NAMED)
    assert found.patient.people == asked
    check_safety(found.patient, *told)
    assert by_day(curves.overall) == plain.leaving(everyone, last_contact=False)
    assert by_day(curves.last_contact) == plain.leaving(everyone, last_contact=True)
    assert {
        row.day: (row.events, row.deaths, row.censored, row.entries) for row in causes
    } == plain.first_serious(everyone)


def check_wave(found: object, everyone: list[plain.Seen]) -> None:
    timepoint = found.timepoint
    window = (timepoint.opens_day, timepoint.closes_day)
    expected = plain.wave(
        everyone,
        timepoint.month,
        window,
        [o for o in bundled().outcomes if timepoint.month in o.months],
    )
    assert found.due == expected.due
    assert found.due + found.not_yet_due == len(everyone)
    assert found.not_yet_due == expected.not_yet_due
    letters = {k: v for k, v in found.dispositions.as_json().items() if v}
    assert letters == expected.letters
    assert found.dispositions.due == found.due
    assert (found.out_of_window, found.duplicates) == (expected.out_of_window, expected.duplicates)
    counts = {
        code: (c.due, c.responders, c.nonresponders, c.dead) for code, c in found.outcomes.items()
    }
    assert counts == expected.outcomes
    assert {code: days for code, days in found.days.items() if days} == {
        code: days for code, days in expected.days.items() if days
    }


def check_safety(
    found: SafetyCounts, labels: plain.Labels, total: int, before: int, after: int
) -> None:
    assert (found.days, found.before, found.after) == (total, before, after)
    assert {
        label: (each.patients, each.sums.events, each.sums.events_squared, each.days_to_first)
        for label, each in found.labels.items()
    } == labels


def by_day(rows: tuple[DayCounts, ...]) -> dict[int, tuple[int, int, int]]:
    return {row.day: (row.deaths, row.censored, row.entries) for row in rows}
