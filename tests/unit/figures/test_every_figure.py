"""What holds for every chart, in a page and as a file."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from drawings import CAPTION, KNOWN_CLASSES, STATIC, Drawing

from registry.reports import figures as f
from registry.reports.figures.sheet import style

DAY = dt.date(2025, 9, 18)
SHARE = f.ShareRow(
    "A & <B>", f.Mark.REGISTRY, f.Counted(38, 126, f.Limits(0.3, 0.23, 0.39)), (0.2, 0.49)
)
PLACEBO = f.ShareRow("Placebo", f.Mark.CONTROL, f.Counted(5, 6, f.Limits(0.83, 0.44, 0.97)))
MATCHED = f.ShareRow("Matched", f.Mark.MATCHED, f.Counted(31, 126, f.Limits(0.25, 0.15, 0.38)))
WEIGHTED = f.ShareRow("Weighted", f.Mark.WEIGHTED, f.Counted(31, 126, f.Limits(0.25, 0.15, 0.38)))
DIFFERENCE = f.DifferenceRow(
    "As the paper counts", f.Counted(38, 126), f.Counted(23, 83), f.Limits(0.02, -0.1, 0.14),
    silent=(-0.07, 0.2),
)  # fmt: skip
CLIPPED = f.DifferenceRow("X", f.Counted(1, 1), f.Counted(1, 1), f.Limits(0.2, -1.2, 1.3))
WAVE = f.Wave(12, 126, 8, 15, 24, 3, 4, f.Limits(0.7, 0.63, 0.76))
TERM = f.Term("Infection", f.Counted(61, 312, f.Limits(0.2, 0.16, 0.24)), f.Limits(11, 8, 14))
NOBODY = f.Term("Rare", f.Counted(0, 312, f.Limits(0, 0, 0.012)), f.Limits(0, 0, 0.5), 0.0096)
CURVE = f.Curve(
    "Death", "Died",
    (f.Step(0, 1, None, None, 312), f.Step(6, 0.98, 0.95, 0.99, 280),
     f.Step(20, 0.9, 0.85, 0.93, 90)),
    (f.AtRisk(0, 312, 0, 0), f.AtRisk(24, 80, 20, 212)),
)  # fmt: skip
PLAN = f.Plan(
    DAY, DAY + dt.timedelta(days=385),
    (f.PlannedFollowUp(1, dt.date(2025, 10, 18), dt.date(2025, 10, 4), dt.date(2025, 11, 1),
                       f.State.ANSWERED, dt.date(2025, 10, 19)),
     f.PlannedFollowUp(12, dt.date(2026, 9, 18), dt.date(2026, 7, 20), dt.date(2026, 11, 17),
                       f.State.OPEN, mails=(dt.date(2026, 9, 18),), calls=(dt.date(2026, 10, 5),))),
    (f.PlannedEvent(dt.date(2026, 3, 30)), f.PlannedEvent(dt.date(2026, 10, 3), waits=True)),
)  # fmt: skip
SCORES = f.Scores(
    "Tiredness", "0 none, 10 worst", 0, 10,
    (f.Point(0, f.Limits(8)), f.Point(1, f.Limits(7, 6, 8), 40), f.Point(6, None)),
)  # fmt: skip

INLINE: dict[str, Callable[[], str]] = {
    "share": lambda: f.share_cell(SHARE),
    "control arm": lambda: f.share_cell(PLACEBO),
    "matched": lambda: f.share_cell(MATCHED),
    "weighted": lambda: f.share_cell(WEIGHTED),
    "share axis": f.share_axis,
    "difference": lambda: f.difference_cell(DIFFERENCE),
    "clipped": lambda: f.difference_cell(CLIPPED),
    "difference axis": f.difference_axis,
    "response bar": lambda: f.response_bar(WAVE),
    "response rate": lambda: f.rate_cell(WAVE),
    "term": lambda: f.term_cell(TERM, [TERM, NOBODY]),
    "nobody": lambda: f.term_cell(NOBODY, [TERM, NOBODY]),
    "curve": lambda: f.curve_figure(CURVE),
    "plan": lambda: f.plan_figure(PLAN),
    "scores": lambda: f.scores_figure(SCORES),
    "key": lambda: f.key(f.Mark.PUBLISHED),
    "bracket key": f.bracket_key,
    "arrow key": f.arrow_key,
    "response key": lambda: f.response_key()[0][0],
    "plan key": lambda: f.plan_key()[0][0],
}
SHARES = [f.ShareBlock("Remission", "Everybody counts", (SHARE, PLACEBO))]
DIFFERENCES = [f.DifferenceBlock("Remission", "One arm", (DIFFERENCE, CLIPPED), "Not determined")]
FILES: dict[str, Callable[[], str]] = {
    "shares": lambda: f.share_download(SHARES, CAPTION),
    "differences": lambda: f.difference_download(DIFFERENCES, CAPTION),
    "response": lambda: f.response_download([WAVE], CAPTION),
    "events": lambda: f.events_download([TERM, NOBODY], CAPTION),
    "curve": lambda: f.curve_download(CURVE, CAPTION),
    "scores": lambda: f.scores_download([SCORES] * 4, CAPTION),
}
ALL = {**INLINE, **{f"{name} file": make for name, make in FILES.items()}}


@pytest.mark.parametrize("name", ALL)
def test_it_is_well_formed_without_inline_style_or_script(name: str) -> None:
    drawing = Drawing(ALL[name]())
    assert "style" not in drawing.attributes
    assert not [a for a in drawing.attributes if a.startswith("on") or a.endswith("href")]
    assert not drawing.all("script")


@pytest.mark.parametrize("name", ALL)
def test_every_class_has_a_rule_in_the_style_sheet(name: str) -> None:
    assert Drawing(ALL[name]()).classes <= KNOWN_CLASSES


@pytest.mark.parametrize("name", ALL)
def test_no_text_sets_its_own_size(name: str) -> None:
    drawing = Drawing(ALL[name]())
    assert not drawing.attributes & {"font-size", "transform-origin", "fill-opacity"}
    assert "chart" in drawing.root.get("class", "").split()


def test_no_text_of_a_chart_is_under_twelve_pixels() -> None:
    sheet = (STATIC / "figures.css").read_text("utf-8")
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", sheet)]
    assert min(sizes) >= 12
    assert "font-size" not in re.sub(r"font-size: [\d.]+px", "", sheet)


@pytest.mark.parametrize("name", INLINE)
def test_a_chart_of_a_page_is_named_or_hidden_from_readers(name: str) -> None:
    root = Drawing(INLINE[name]()).root
    is_named = root.get("role") == "img" and root[0].tag.endswith("title") and root[0].text
    assert is_named or root.get("aria-hidden") == "true"


@pytest.mark.parametrize("name", FILES)
def test_a_file_carries_title_description_style_and_source(name: str) -> None:
    drawing = Drawing(FILES[name]())
    assert drawing.all("title")[0].text == CAPTION.title
    description = drawing.all("desc")[0].text or ""
    assert CAPTION.measure in description
    assert CAPTION.source in description
    assert drawing.root.get("aria-labelledby") == "title desc"
    assert CAPTION.source in drawing.texts
    assert drawing.all("style")[0].text == style()
    assert "prefers-color-scheme: dark" in style()


@pytest.mark.parametrize("name", FILES)
def test_ids_in_a_file_are_unique(name: str) -> None:
    ids = [e.get("id") for e in Drawing(FILES[name]()).elements if e.get("id")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", FILES)
def test_nothing_stands_outside_the_file(name: str) -> None:
    drawing = Drawing(FILES[name]())
    height = float(drawing.root.get("height", "0"))
    tops = [float(e.get("y", "0")) for e in drawing.root if e.tag.endswith("text")]
    assert 0 < max(tops) < height


def test_text_from_people_is_escaped() -> None:
    drawing = f.share_download(SHARES, CAPTION)
    assert "A &amp; &lt;B&gt;" in drawing
    assert "<B>" not in drawing
