"""Geometry of bars, rates, curves, plans and scores against their values."""

import datetime as dt
import re

import pytest
from drawings import CAPTION, Drawing, percent
from hypothesis import given
from hypothesis import strategies as st

from registry.reports import figures as f
from registry.reports.figures import Counted, Limits, Point, Step, Term, Wave
from registry.reports.figures.curve import curve_scale, curve_title, drawn_steps, rises
from registry.reports.figures.scale import SHARES, up_to

# ---- response

COUNTS = st.lists(st.integers(0, 400), min_size=6, max_size=6).filter(any)


@given(COUNTS)
def test_segments_fill_the_bar_in_fixed_order_and_in_proportion(counts: list[int]) -> None:
    drawing = Drawing(f.response_bar(Wave(12, *counts, rate=None)))
    segments = drawing.all("rect")
    due = sum(counts)
    assert [percent(s, "width") for s in segments] == pytest.approx(
        [100 * count / due for count in counts if count], abs=0.006
    )
    starts = [percent(s, "x") for s in segments]
    assert starts == sorted(starts)
    assert starts[0] == 0


def test_only_wide_solid_segments_carry_their_number() -> None:
    drawing = Drawing(f.response_bar(Wave(12, 126, 20, 15, 3, 12, 4, rate=None)))
    assert drawing.texts == ["126", "15"]


def test_each_disposition_has_its_own_fill() -> None:
    fills = [
        (s.get("class", "").split()[0], s.get("fill"))
        for s in Drawing(f.response_bar(Wave(12, 1, 1, 1, 1, 1, 1, rate=None))).all("rect")
    ]
    assert len(set(fills)) == 6
    assert ("hatched", "url(#hatch)") in fills


def test_one_hidden_count_hides_the_bar_and_the_rate() -> None:
    wave = Wave(24, 54, 5, None, 16, 2, 3, Limits(0.6, 0.5, 0.7))
    for markup in (f.response_bar(wave), f.rate_cell(wave)):
        drawing = Drawing(markup)
        assert (drawing.texts, drawing.shapes) == (["hidden"], [])
    assert {f.rate_words(wave), f.complete_words(wave)} == {"hidden"}


def test_a_wave_that_nobody_was_due_for_says_why() -> None:
    wave = Wave(24, 0, 0, 0, 0, 0, 0, None, reason="nobody due yet")
    assert Drawing(f.response_bar(wave)).shapes == []
    assert f.rate_words(wave) == "nobody due yet"


# ---- adverse events

INFECTION = Term("Infection", Counted(61, 312, Limits(0.2, 0.16, 0.24)), Limits(11.27, 8.62, 14.48))
NOBODY = Term("Graft", Counted(0, 312, Limits(0, 0, 0.0122)), Limits(0, 0, 0.5), 0.0096)
WIDE = Term("Wide", Counted(1, 312, Limits(0.003, 0.001, 0.02)), Limits(5, 0.2, 90))
UNSHOWN = Term("Malignancy", Counted(None, None), Limits(200, 100, 300))


@given(st.floats(1e-6, 1e6))
def test_an_axis_from_nought_holds_the_largest_value_in_four_equal_round_steps(
    largest: float,
) -> None:
    scale = up_to(largest)
    assert scale.low == 0
    assert largest <= scale.high * (1 + 1e-6)
    assert scale.high <= 2.5 * largest
    step = scale.high / 4
    assert float(f"{step:.2g}") == pytest.approx(step)


@pytest.mark.parametrize(
    ("largest", "labels"),
    [
        (14.48, ["0", "4", "8", "12", "16"]),
        (0.5, ["0", "0.2", "0.4", "0.6", "0.8"]),
        (9.9, ["0", "2.5", "5", "7.5", "10"]),
        (0, ["0", "0.25", "0.5", "0.75", "1"]),
        (4000, ["0", "1,000", "2,000", "3,000", "4,000"]),
    ],
)
def test_ticks_are_printed_without_needless_digits(largest: float, labels: list[str]) -> None:
    scale = up_to(largest)
    assert [scale.label(tick) for tick in scale.ticks] == labels


def test_nobody_with_a_term_is_drawn_from_the_axis_to_its_upper_limit() -> None:
    terms = [INFECTION, NOBODY]
    drawing = Drawing(f.term_cell(NOBODY, terms))
    stroke, line = drawing.all("line", "span")
    assert percent(stroke, "x1") == percent(stroke, "x2") == 0
    assert (percent(line, "x1"), percent(line, "x2")) == (
        0,
        pytest.approx(100 * 0.5 / 16, abs=0.01),
    )
    assert not drawing.all("circle")
    assert f.rate_of_term(NOBODY) == "0 (up to 0.50)"
    assert f.share_of_term(NOBODY) == "0 (up to 1.0\u202f%)"


def test_one_wide_interval_does_not_rule_the_axis() -> None:
    drawing = Drawing(f.term_cell(WIDE, [INFECTION, WIDE]))
    assert len(drawing.all("path")) == 1
    assert Drawing(f.term_axis([INFECTION, WIDE])).texts[-1] == "40"
    assert "90.00" in f.rate_of_term(WIDE)


def test_a_hidden_term_draws_nothing_and_does_not_stretch_the_axis() -> None:
    terms = [INFECTION, UNSHOWN]
    drawing = Drawing(f.term_cell(UNSHOWN, terms))
    assert (drawing.texts, drawing.shapes) == (["hidden"], [])
    assert Drawing(f.term_axis(terms)).texts == Drawing(f.term_axis([INFECTION])).texts
    assert {f.rate_of_term(UNSHOWN), f.share_of_term(UNSHOWN), f.patients_words(UNSHOWN)} == {
        "hidden"
    }


def test_terms_come_most_frequent_first_with_none_and_hidden_last() -> None:
    ordered = f.by_frequency([UNSHOWN, NOBODY, WIDE, INFECTION])
    assert [term.label for term in ordered] == ["Infection", "Wide", "Graft", "Malignancy"]


# ---- curves

RARE = (Step(0, 1, None, None, 312), Step(6, 0.98, 0.95, 0.99, 280), Step(20, 0.9, 0.85, 0.93, 90))
FREQUENT = (Step(0, 1, None, None, 60), Step(5, 0.6, 0.45, 0.7, 40), Step(12, 0.4, 0.3, 0.5, 9))


def curve(steps: tuple[Step, ...], **more: bool) -> f.Curve:
    return f.Curve(
        "Death", "Died", steps, (f.AtRisk(0, 312, 0, 0), f.AtRisk(24, 80, 20, 212)), **more
    )


def corners(drawing: Drawing, class_: str) -> list[tuple[float, float]]:
    (path,) = drawing.all("path", class_)
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.get("d", ""))]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_rare_events_rise_from_nought_on_an_axis_as_high_as_the_band_needs() -> None:
    assert rises(curve(RARE))
    assert curve_scale(curve(RARE)).high == pytest.approx(0.16)
    line = corners(Drawing(f.curve_figure(curve(RARE))), "trace")
    assert line[0] == (0, 1000)
    assert line[-1] == (1000, pytest.approx(1000 * (1 - 0.1 / 0.16), abs=0.1))


def test_frequent_events_fall_from_a_hundred() -> None:
    assert not rises(curve(FREQUENT))
    assert curve_scale(curve(FREQUENT)) is SHARES
    assert corners(Drawing(f.curve_figure(curve(FREQUENT))), "trace")[0] == (0, 0)


def test_the_line_is_a_stair_and_ends_where_fewer_than_ten_remain() -> None:
    line = corners(Drawing(f.curve_figure(curve(FREQUENT))), "trace")
    assert line == [
        (0, 0),
        (pytest.approx(208.3), 0),
        (pytest.approx(208.3), 400),
        (500, 400),
    ]
    assert len(drawn_steps(curve(FREQUENT))) == 2


def test_no_band_before_the_first_event() -> None:
    band = corners(Drawing(f.curve_figure(curve(RARE))), "band")
    assert min(x for x, _ in band) == 250
    only = Drawing(f.curve_figure(curve(RARE[:1])))
    assert only.all("path", "band") == []


def test_the_estimate_at_the_end_is_written_beside_the_line_and_in_the_title() -> None:
    said = "10.0\u202f% (7.0\u2060–\u206015.0) by month 24"
    drawing = Drawing(f.curve_figure(curve(RARE)))
    assert said in drawing.texts
    assert curve_title(curve(RARE)) == f"Death: {said}"


def test_the_risk_table_stands_under_its_ticks() -> None:
    texts = Drawing(f.curve_figure(curve(RARE))).texts
    assert texts[-9:] == ["At risk", "312", "80", "Died", "0", "20", "Censored", "0", "212"]


def test_a_hidden_or_empty_curve_draws_no_line() -> None:
    assert Drawing(f.curve_figure(curve(RARE, hidden=True))).shapes == []
    empty = Drawing(f.curve_figure(curve(())))
    assert empty.all("path") == []
    assert empty.all("title")[0].text == "Death: nobody to draw"


# ---- plan and scores

DAY = dt.date(2025, 1, 1)


def day(number: int) -> dt.date:
    return DAY + dt.timedelta(days=number)


FOLLOW_UP = f.PlannedFollowUp(
    12, day(50), day(40), day(86), f.State.ANSWERED, day(60), f.Answer.CLINIC
)
PLAN = f.Plan(DAY, day(25), (FOLLOW_UP,), (f.PlannedEvent(day(10), waits=True),))


def test_windows_answers_events_and_today_stand_at_their_days() -> None:
    drawing = Drawing(f.plan_figure(PLAN))
    (window,) = drawing.all("rect", "window")
    assert (percent(window, "x"), percent(window, "width")) == (40, 46)
    (today,) = drawing.all("line", "today")
    assert percent(today, "x1") == 25
    answer = next(e for e in drawing.all("svg") if e.get("x") == "60%")
    assert answer[0].tag.endswith("rect")
    assert len(drawing.all("path", "hollow-5")) == 1


def test_today_beyond_the_plan_is_not_drawn() -> None:
    late = f.Plan(DAY, day(500), (FOLLOW_UP,))
    assert Drawing(f.plan_figure(late)).all("line", "today") == []


@given(st.dates(dt.date(2000, 1, 1), dt.date(2090, 1, 1)), st.integers(20, 4000))
def test_a_plan_has_at_most_five_dates_whatever_its_length(treated: dt.date, length: int) -> None:
    last = treated + dt.timedelta(days=length)
    item = f.PlannedFollowUp(1, last, treated, last, f.State.PLANNED)
    texts = Drawing(f.plan_figure(f.Plan(treated, treated, (item,)))).texts
    dates = [text for text in texts if re.fullmatch(r"[A-Z][a-z]{2} \d{4}", text)]
    assert len(dates) <= 5


def scores(*points: Point) -> f.Scores:
    return f.Scores("Tiredness", "0 none, 10 worst", 0, 10, points)


def test_no_line_crosses_a_follow_up_without_an_answer() -> None:
    panel = scores(
        Point(0, Limits(8)), Point(1, Limits(6)), Point(3, None), Point(6, Limits(4)),
    )  # fmt: skip
    drawing = Drawing(f.scores_figure(panel))
    assert len(drawing.all("line", "trace")) == 1
    assert len(drawing.all("rect", "window-plan")) == 1
    assert len(drawing.all("circle")) == 3
    assert {"8", "4"} <= set(drawing.texts)


@given(st.floats(0, 10))
def test_a_score_stands_at_its_height(value: float) -> None:
    drawing = Drawing(f.scores_figure(scores(Point(0, Limits(value)))))
    (dot,) = drawing.all("circle")
    assert float(dot.get("cy", "0")) == pytest.approx(80 - 6.4 * value, abs=0.051)


def test_a_hidden_mean_is_a_word() -> None:
    panel = scores(Point(0, Limits(6, 5, 7), 40), Point(24, Limits(3, 2, 4), 3, hidden=True))
    drawing = Drawing(f.scores_figure(panel))
    assert "hidden" in drawing.texts
    assert "3" not in drawing.texts
    assert len(drawing.all("circle")) == 1


def test_files_hold_one_row_for_each_wave_and_term() -> None:
    waves = [Wave(month, 10, 1, 1, 1, 1, 1, Limits(0.7, 0.5, 0.8)) for month in (1, 3, 6)]
    texts = Drawing(f.response_download(waves, CAPTION)).texts
    assert [text for text in texts if text.startswith("Month")] == ["Month 1", "Month 3", "Month 6"]
    texts = Drawing(f.events_download([NOBODY, INFECTION], CAPTION)).texts
    assert texts.index("Infection") < texts.index("Graft")


def test_a_curve_with_a_competing_event_is_always_drawn_upwards() -> None:
    steps = (f.Step(0, 1, None, None, 60), f.Step(12, 0.4, 0.3, 0.5, 30))
    risk = (f.AtRisk(0, 60, 0, 0, 0), f.AtRisk(12, 30, 18, 7, 5))
    one = f.Curve("First event", "Had one", steps, risk, competing="Died")

    assert rises(one)
    assert not rises(f.Curve("Death", "Died", steps, risk))
    drawn = str(f.curve_figure(one))
    assert "60.0" in curve_title(one)
    assert ">Died<" in drawn
    assert drawn.index(">Had one<") < drawn.index(">Died<") < drawn.index(">Censored<")
