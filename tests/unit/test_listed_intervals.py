"""What the list of figures that are not drawn prints of an interval that a paper printed."""

from decimal import Decimal

import pytest

from registry.published import Effect, Figure, library
from registry.published.figures import Interval
from registry.published.vocabulary import Counted
from registry.reports.charts.apart import interval


def effect(study: str, code: str) -> Effect:
    (found,) = (row for row in library().study(study).effects if row.code == code)
    return found


@pytest.mark.parametrize(
    ("study", "code", "shown"),
    [
        ("cmp-bliss-76", "sri4", "printed 1.07 to 2.14; standard error 0.177 (log)"),
        ("cmp-tulip-pooled", "bicla", "printed 9.7 to 23.6; standard error 3.546 (linear)"),
        ("meta-zeng-2025", "sledai_change_mean", "printed −3.59 to −1.06; standard error 0.645"),
    ],
)
def test_an_effect_shows_its_printed_interval_and_the_error_behind_it(
    study: str, code: str, shown: str
) -> None:
    assert interval(effect(study, code)).startswith(shown)


@pytest.mark.parametrize(
    ("printed", "limits", "shown"),
    [
        ("88.7", ("82.2", "92.9"), "printed 82.2 to 92.9; standard error 0.250 (log(-log))"),
        ("90", ("10", "91"), "printed 10 to 91; the printed interval lies evenly around"),
        ("95", ("10", "91"), "printed 10 to 91; the printed interval does not hold the share"),
        ("<1", ("0", "3"), "printed 0 to 3"),
        ("88.7", None, "no count"),
    ],
)
def test_a_share_without_a_count_shows_its_printed_interval(
    printed: str, limits: tuple[str, str] | None, shown: str
) -> None:
    told = None if limits is None else Interval(*map(Decimal, limits))
    row = Figure(
        "overall_survival",
        Decimal(60),
        "abstract",
        "cells",
        printed=printed,
        interval=told,
        counted=Counted.ESTIMATE,
    )
    assert interval(row).startswith(shown)
