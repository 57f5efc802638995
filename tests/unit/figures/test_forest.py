"""Geometry of shares and differences against their values."""

from typing import Any

import pytest
from drawings import CAPTION, Drawing, percent
from hypothesis import given
from hypothesis import strategies as st

from registry.reports import figures as f
from registry.reports.figures import Counted, DifferenceRow, Limits, Mark, ShareRow

FRACTION = st.floats(0, 1)


def row(limits: Limits | None, mark: Mark = Mark.REGISTRY, **more: Any) -> ShareRow:
    return ShareRow("Registry", mark, Counted(38, 126, limits), **more)


@given(st.tuples(FRACTION, FRACTION, FRACTION).map(sorted))
def test_the_line_runs_from_limit_to_limit_and_the_marker_stands_at_the_share(
    limits: list[float],
) -> None:
    lower, value, upper = limits
    drawing = Drawing(f.share_cell(row(Limits(value, lower, upper))))
    (line,) = drawing.all("line", "span")
    (circle,) = drawing.all("circle", "fill-1")
    assert percent(line, "x1") == pytest.approx(100 * lower, abs=0.006)
    assert percent(line, "x2") == pytest.approx(100 * upper, abs=0.006)
    assert percent(circle, "cx") == pytest.approx(100 * value, abs=0.006)
    assert not drawing.all("path")


@given(st.tuples(*[st.floats(-1, 1)] * 3).map(sorted))
def test_a_difference_of_nought_stands_in_the_middle(limits: list[float]) -> None:
    lower, value, upper = limits
    counted = Counted(1, 2)
    found = DifferenceRow("X", counted, counted, Limits(value, lower, upper))
    (line,) = Drawing(f.difference_cell(found)).all("line", "span")
    assert percent(line, "x1") == pytest.approx(50 + 50 * lower, abs=0.006)
    assert percent(line, "x2") == pytest.approx(50 + 50 * upper, abs=0.006)


@pytest.mark.parametrize(
    ("mark", "name", "class_"),
    [
        (Mark.REGISTRY, "circle", "fill-1"),
        (Mark.WEIGHTED, "circle", "hollow-1"),
        (Mark.MATCHED, "path", "fill-3"),
        (Mark.PUBLISHED, "rect", "fill-2"),
        (Mark.CONTROL, "rect", "hollow-2"),
    ],
)
def test_every_source_has_its_own_shape_and_colour(mark: Mark, name: str, class_: str) -> None:
    drawing = Drawing(f.share_cell(row(Limits(0.3, 0.2, 0.4), mark)))
    assert len(drawing.all(name, class_)) == 1


def test_the_bracket_of_the_silent_lies_under_the_interval_and_turns_up() -> None:
    drawing = Drawing(f.share_cell(row(Limits(0.3, 0.2, 0.4), silent=(0.25, 0.5))))
    (interval,) = drawing.all("line", "span")
    flat, *ends = drawing.all("line", "silent")
    assert (percent(flat, "x1"), percent(flat, "x2")) == (25, 50)
    assert float(flat.get("y1", 0)) > float(interval.get("y1", 99)) + 5
    assert [percent(end, "x1") for end in ends] == [25, 50]
    assert all(float(end.get("y1", 99)) < float(flat.get("y1", 0)) for end in ends)


@pytest.mark.parametrize(
    ("lower", "upper", "arrows"), [(-0.5, 0.5, 0), (-1.2, 0.5, 1), (-1.2, 1.3, 2)]
)
def test_a_limit_beyond_the_axis_runs_to_its_end_and_carries_an_arrow(
    lower: float, upper: float, arrows: int
) -> None:
    found = DifferenceRow("X", Counted(1, 2), Counted(1, 2), Limits(0.1, lower, upper))
    drawing = Drawing(f.difference_cell(found))
    (line,) = drawing.all("line", "span")
    assert 0 <= percent(line, "x1") <= percent(line, "x2") <= 100
    assert len(drawing.all("path")) == arrows
    assert f"{upper * 100:.1f}" in f.difference_words(found)


HIDDEN = ShareRow("Registry", Mark.REGISTRY, Counted(None, None, Limits(0.3, 0.2, 0.4)), (0.1, 0.9))
HALF_HIDDEN = DifferenceRow(
    "X", Counted(None, 126), Counted(5, 6), Limits(0.1, 0, 0.2), silent=(0, 0.3)
)


def test_a_hidden_figure_leaves_no_mark_and_no_number() -> None:
    for markup, said in (
        (f.share_cell(HIDDEN), f.share_words(HIDDEN)),
        (f.difference_cell(HALF_HIDDEN), f.difference_words(HALF_HIDDEN)),
    ):
        drawing = Drawing(markup)
        assert drawing.texts == ["hidden"]
        assert drawing.shapes == []
        assert said == "hidden"


def test_a_hidden_figure_is_hidden_in_the_file_too() -> None:
    block = f.ShareBlock("Malignancy", "Everybody counts", (HIDDEN,))
    texts = Drawing(f.share_download([block], CAPTION)).texts
    assert texts.count("hidden") == 3
    assert not [text for text in texts if "30.0" in text or "10.0" in text]


def test_a_figure_that_cannot_be_made_says_why_and_draws_nothing() -> None:
    reason = "The paper prints no denominator."
    unmade = ShareRow("Paper", Mark.PUBLISHED, Counted(None, None), reason=reason)
    assert Drawing(f.share_cell(unmade)).shapes == []
    assert (f.share_words(unmade), f.share_count(unmade)) == (reason, "")
    block = f.ShareBlock("Malignancy", "", (unmade,))
    assert reason in Drawing(f.share_download([block], CAPTION)).texts


def test_words_beside_the_plot_print_the_limits_in_full() -> None:
    found = row(Limits(0.3016, 0.2284, 0.3872))
    assert f.share_words(found) == "30.2\u202f% (22.8\u2060–\u206038.7)"
    assert f.counted_words(found.counted) == "38 of 126"
    assert f.silent_words((0.203, 0.492)) == "20.3 to 49.2"
    assert f.silent_words(None) == ""


def test_axes_have_five_round_ticks() -> None:
    assert Drawing(f.share_axis()).texts == ["0", "25", "50", "75", "100"]
    assert Drawing(f.difference_axis()).texts == ["−100", "−50", "0", "50", "100"]
