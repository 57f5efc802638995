"""Charts drawn on the server: frozen values in, SVG markup out, for pages and as files."""

from registry.reports.figures.curve import (
    AtRisk,
    Curve,
    Step,
    curve_download,
    curve_figure,
)
from registry.reports.figures.events import (
    Term,
    by_frequency,
    events_download,
    patients_words,
    rate_of_term,
    share_of_term,
    term_axis,
    term_cell,
)
from registry.reports.figures.forest import (
    DifferenceBlock,
    DifferenceRow,
    ShareBlock,
    ShareRow,
    counted_words,
    difference_axis,
    difference_cell,
    difference_words,
    share_axis,
    share_cell,
    share_count,
    share_words,
    silent_words,
)
from registry.reports.figures.forest_files import difference_download, share_download
from registry.reports.figures.marks import Counted, Limits, Mark, arrow_key, bracket_key, key
from registry.reports.figures.monitoring import (
    Look,
    monitoring_download,
    monitoring_figure,
    monitoring_key,
    monitoring_title,
)
from registry.reports.figures.plan import (
    Answer,
    Plan,
    PlannedEvent,
    PlannedFollowUp,
    State,
    plan_figure,
    plan_key,
)
from registry.reports.figures.response import (
    Wave,
    complete_words,
    rate_cell,
    rate_words,
    response_bar,
    response_download,
    response_key,
)
from registry.reports.figures.scores import Point, Scores, scores_download, scores_figure
from registry.reports.figures.sheet import Caption

__all__ = [
    "Answer", "AtRisk", "Caption", "Counted", "Curve", "DifferenceBlock", "DifferenceRow",
    "Limits", "Look", "Mark", "Plan", "PlannedEvent", "PlannedFollowUp", "Point", "Scores",
    "ShareBlock", "ShareRow", "State", "Step", "Term", "Wave", "arrow_key", "bracket_key",
    "by_frequency", "complete_words", "counted_words", "curve_download", "curve_figure",
    "difference_axis", "difference_cell", "difference_download", "difference_words",
    "events_download", "key",
    "monitoring_download", "monitoring_figure", "monitoring_key", "monitoring_title",
    "patients_words", "plan_figure", "plan_key", "rate_cell", "rate_of_term", "rate_words",
    "response_bar", "response_download", "response_key", "scores_download", "scores_figure",
    "share_axis", "share_cell", "share_count", "share_download", "share_of_term",
    "share_words", "silent_words",
    "term_axis", "term_cell",
]  # fmt: skip
