"""The plan of follow-ups of one patient along a time axis."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from markupsafe import Markup

from registry.reports.figures import svg
from registry.reports.figures.scale import Scale

BAND = 30
BAND_HEIGHT = 22
LINE = BAND + BAND_HEIGHT // 2
EVENTS = 72
FOOT = 86
HEIGHT = FOOT + 22
MONTHS_PER_TICK = (1, 2, 3, 4, 6, 12, 24)


class Answer(StrEnum):
    """How an answer came: a circle for the web, a square for telephone, paper or tablet."""

    WEB = "web"
    CLINIC = "clinic"


class State(StrEnum):
    """What a window looks like: answered blue, open orange, ahead dashed, gone by grey."""

    ANSWERED = "answered"
    OPEN = "open"
    PLANNED = "planned"
    MISSED = "missed"
    CANCELLED = "cancelled"


WINDOW = {
    State.ANSWERED: "window", State.OPEN: "window-open", State.PLANNED: "window-plan",
    State.MISSED: "window-gone", State.CANCELLED: "window-plan",
}  # fmt: skip


@dataclass(frozen=True)
class PlannedFollowUp:
    """One time-point: due date, window (inclusive days), and what happened so far."""

    month: int
    due_on: dt.date
    first_on: dt.date
    last_on: dt.date
    state: State
    answered_on: dt.date | None = None
    answer: Answer = Answer.WEB
    mails: tuple[dt.date, ...] = ()
    calls: tuple[dt.date, ...] = ()


@dataclass(frozen=True)
class PlannedEvent:
    """An adverse event by its onset; hollow while it waits to be looked at."""

    onset_on: dt.date
    waits: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything on the axis, which runs from the day of treatment to the last window's end."""

    treated_on: dt.date
    today: dt.date
    follow_ups: tuple[PlannedFollowUp, ...]
    events: tuple[PlannedEvent, ...] = ()

    @property
    def last_on(self) -> dt.date:
        """The right end of the axis."""
        ends = [f.last_on for f in self.follow_ups]
        return max(ends, default=self.treated_on + dt.timedelta(days=365))


def plan_figure(plan: Plan) -> Markup:
    """The plan for a page, between the patient's table of follow-ups and its heading."""
    days = Scale(0, float((plan.last_on - plan.treated_on).days + 14))
    drawn = [svg.line(0, LINE, "100%", LINE, "grid")]
    drawn += [_follow_up(f, plan, days) for f in plan.follow_ups]
    drawn += [_event(e, plan, days) for e in plan.events]
    drawn += [_today(plan, days), _dates(plan, days)]
    return svg.inline(HEIGHT, *drawn, title=plan_title(plan))


def plan_title(plan: Plan) -> str:
    """What is seen, in a sentence."""
    months = ", ".join(str(f.month) for f in plan.follow_ups)
    answered = sum(f.state is State.ANSWERED for f in plan.follow_ups)
    return f"Follow-ups at months {months}; {answered} answered. The table below says the same."


def plan_key() -> list[tuple[Markup, str]]:
    """Samples and words of the plan's marks."""
    return [
        (_sample(svg.el("circle", cx=11, cy=7, r=5, class_="fill-1")), "answered on the web"),
        (_sample(svg.el("rect", x=6, y=2, width=10, height=10, class_="fill-1")),
         "answered at or with the clinic"),
        (_sample(*(svg.line(x, 1, x, 13, "mail") for x in (7, 11, 15))), "mail sent"),
        (_sample(svg.el("circle", cx=11, cy=7, r=3.5, class_="hollow-2")), "call tried"),
        (_sample(svg.el("path", d="M11 2L16 12H6Z", class_="fill-5")), "event; hollow: to look at"),
        (_sample(svg.el("rect", x=1, y=1, width=20, height=12, class_="window"),
                 svg.line(11, 1, 11, 13, "span-thin line-1")), "window and due date"),
    ]  # fmt: skip


def _sample(*children: object) -> Markup:
    return svg.el(
        "svg", *children, class_="chart", width=22, height=14, aria_hidden="true", focusable="false"
    )


def _x(day: dt.date, plan: Plan, days: Scale) -> str:
    return svg.percent(days.clipped((day - plan.treated_on).days))


def _follow_up(item: PlannedFollowUp, plan: Plan, days: Scale) -> Markup:
    left = days.clipped((item.first_on - plan.treated_on).days)
    right = days.clipped((item.last_on - plan.treated_on).days)
    due = _x(item.due_on, plan, days)
    series = "line-2" if item.state is State.OPEN else "line-1"
    known = item.state in {State.ANSWERED, State.OPEN}
    thin = f"span-thin {series}" if known else "axis"
    drawn = [
        svg.text(str(item.month), svg.percent(left), BAND - 6, "strong"),
        svg.el("rect", x=svg.percent(left), y=BAND, width=svg.percent(right - left),
               height=BAND_HEIGHT, rx=3, class_=WINDOW[item.state]),
        svg.line(due, BAND, due, BAND + BAND_HEIGHT, thin),
    ]  # fmt: skip
    drawn += [_mail(_x(day, plan, days)) for day in item.mails if item.state is State.OPEN]
    drawn += [
        svg.el("circle", cx=_x(day, plan, days), cy=LINE, r=3.5, class_="hollow-2")
        for day in item.calls
    ]
    if item.answered_on is not None:
        drawn.append(_answer(item.answer, _x(item.answered_on, plan, days)))
    return svg.join(*drawn)


def _mail(x: str) -> Markup:
    return svg.line(x, LINE - 6, x, LINE + 6, "mail")


def _answer(answer: Answer, x: str) -> Markup:
    if answer is Answer.WEB:
        return svg.el("circle", cx=x, cy=LINE, r=5.5, class_="fill-1")
    return svg.placed(x, LINE, svg.el("rect", x=-5, y=-5, width=10, height=10, class_="fill-1"))


def _event(event: PlannedEvent, plan: Plan, days: Scale) -> Markup:
    class_ = "hollow-5" if event.waits else "fill-5"
    triangle = svg.el("path", d="M0 -6L6 5H-6Z", class_=class_)
    return svg.placed(_x(event.onset_on, plan, days), EVENTS, triangle)


def _today(plan: Plan, days: Scale) -> Markup:
    place = days.at((plan.today - plan.treated_on).days)
    if not 0 <= place <= 1:
        return Markup("")
    anchor = "end" if place > 0.9 else "mid" if place > 0.1 else ""
    x = svg.percent(place)
    return svg.join(
        svg.line(x, 14, x, FOOT, "today"), svg.text("today", x, 10, f"strong {anchor}".strip())
    )


def _dates(plan: Plan, days: Scale) -> Markup:
    """The first of a month every so many months, five at most."""
    span = (plan.last_on - plan.treated_on).days
    every = next((m for m in MONTHS_PER_TICK if span / 30.44 / m < 5), 48)
    drawn = [svg.line(0, FOOT, "100%", FOOT, "axis")]
    first = plan.treated_on.replace(day=1)
    for step in range(1, 6):
        years, month = divmod(first.month - 1 + step * every, 12)
        day = dt.date(first.year + years, month + 1, 1)
        place = days.at((day - plan.treated_on).days)
        if place > 1:
            break
        x, anchor = svg.percent(place), "end" if place > 0.95 else "mid"
        drawn.append(svg.line(x, FOOT, x, FOOT + 5, "axis"))
        drawn.append(svg.text(f"{day:%b %Y}", x, FOOT + 19, anchor))
    return svg.join(*drawn)
