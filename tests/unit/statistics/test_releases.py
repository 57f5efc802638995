"""A whole time-point leaves the registry and nothing can be subtracted from it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.statistics.missing import OutcomeCounts
from registry.statistics.policy import SUPPRESSED, Suppressed
from registry.statistics.proportions import wilson
from registry.statistics.releases import ReleasedWave, release_wave
from registry.statistics.response_rates import Dispositions
from registry.statistics.values import Proportion

SMALL = range(1, 8)


def wave(responders: int = 110, **letters: int) -> tuple[Dispositions, OutcomeCounts]:
    dispositions = Dispositions.from_letters(letters)
    complete = letters["I"]
    dead = letters.get("NE", 0)
    return dispositions, OutcomeCounts(dispositions.due, responders, complete - responders, dead)


@st.composite
def waves(draw: st.DrawFn) -> tuple[Dispositions, OutcomeCounts]:
    count = st.one_of(st.integers(0, 12), st.integers(0, 150))
    letters = {letter: draw(count) for letter in ("I", "P", "R", "NC", "O", "U", "NE")}
    return wave(draw(st.integers(0, letters["I"])), **letters)


def test_a_large_wave_is_shown_rounded_with_every_figure_from_what_is_shown() -> None:
    dispositions, outcome = wave(I=221, P=12, R=19, NC=31, O=9, U=0, NE=11)

    released = release_wave(dispositions, {"responder": outcome})

    assert released.due == 305
    assert released.dispositions == {
        "I": 220,
        "P": 10,
        "R": 20,
        "NC": 30,
        "O": 10,
        "U": 0,
        "NE": 10,
    }
    assert released.rr1 == wilson(220, 290)
    assert released.rates["RR1"] == 220 / 290
    assert released.rates["RR2"] == 230 / 290
    assert released.outcomes["responder"] == {
        "observed_only": wilson(110, 220),
        "nri": wilson(110, 305),
        "worst_case": wilson(110, 305),
        "best_case": wilson(180, 305),
        "while_alive": wilson(110, 290),
    }
    json.dumps(released.as_json(), allow_nan=False)


def test_few_deaths_that_rounding_hides_cost_only_the_rates_that_count_them() -> None:
    dispositions, outcome = wave(I=220, P=10, R=20, NC=30, O=9, NE=5)

    released = release_wave(dispositions, {"responder": outcome})

    assert released.dispositions["NE"] is SUPPRESSED
    assert released.rr1 == wilson(220, 290)
    assert released.rates["RR3"] is SUPPRESSED
    assert released.outcomes["responder"]["while_alive"] == wilson(110, 290)


def test_few_deaths_that_rounding_would_betray_cost_the_second_denominator() -> None:
    # 300 due and 299 alive would both be shown as 300, and so say that at most four have died
    dispositions, outcome = wave(I=220, P=10, R=20, NC=49, NE=1)

    released = release_wave(dispositions, {"responder": outcome})

    assert released.due == 300
    assert released.rr1 is SUPPRESSED
    assert released.outcomes["responder"]["nri"] == wilson(110, 300)
    assert released.outcomes["responder"]["while_alive"] is SUPPRESSED


def test_a_wave_of_fewer_than_20_shows_its_number_at_most() -> None:
    dispositions, outcome = wave(responders=6, I=12, P=1, R=2, NC=3)

    released = release_wave(dispositions, {"responder": outcome})

    assert released.due == 20
    assert set(released.dispositions.values()) == {SUPPRESSED}
    assert set(released.outcomes["responder"].values()) == {SUPPRESSED}
    assert set(released.rates.values()) == {SUPPRESSED}
    assert released.as_json()["RR1_interval"] == {"suppressed": True}


def test_an_empty_wave_shows_noughts_and_no_rate() -> None:
    released = release_wave(Dispositions(), {"responder": OutcomeCounts(0, 0, 0, 0)})

    assert released.due == 0
    assert released.rr1 is SUPPRESSED
    assert set(released.outcomes["responder"].values()) == {SUPPRESSED}


def test_nearly_everybody_responding_is_hidden_like_nearly_nobody() -> None:
    for responders in (3, 217):
        dispositions, outcome = wave(responders, I=220, NC=60)
        figures = release_wave(dispositions, {"responder": outcome}).outcomes["responder"]
        assert figures["observed_only"] is SUPPRESSED


def test_an_outcome_due_for_fewer_than_the_wave_hides_the_few_it_leaves_out() -> None:
    dispositions, _ = wave(I=220, NC=60)
    outcome = OutcomeCounts(279, 110, 109, 0)

    figures = release_wave(dispositions, {"steroid_reduced": outcome}).outcomes["steroid_reduced"]

    assert figures["nri"] is SUPPRESSED


def limits(shown: int) -> tuple[int, int]:
    return (0, 0) if shown == 0 else (max(8, shown - 2), shown + 2)


def difference_is_open(larger: int, smaller: int) -> bool:
    """Whether every value from 1 to 7 agrees with two shown counts, by plain subtraction."""
    (low, high), (least, most) = limits(larger), limits(smaller)
    return low - most <= 1 and high - least >= 7


@settings(max_examples=100)
@given(waves())
def test_no_two_figures_of_a_wave_give_a_small_count_away(
    drawn: tuple[Dispositions, OutcomeCounts],
) -> None:
    dispositions, outcome = drawn
    released = release_wave(dispositions, {"responder": outcome})
    figures = released.outcomes["responder"]
    worst, best, seen = (figures[rule] for rule in ("nri", "best_case", "observed_only"))

    for letter, count in dispositions.as_json().items():
        assert count not in SMALL or released.dispositions[letter] is SUPPRESSED
    if both(worst, best) and outcome.silent in SMALL:
        assert difference_is_open(best.x, worst.x)
    if both(worst, seen) and outcome.nonresponders in SMALL:
        pytest.fail("the complement of a shown share is small")
    if both(worst, released.rr1) and outcome.dead in SMALL:
        assert difference_is_open(worst.n, released.rr1.n)
    assert_figures_are_sound(released)


def both(*figures: Proportion | Suppressed) -> bool:
    return all(isinstance(figure, Proportion) for figure in figures)


def assert_figures_are_sound(released: ReleasedWave) -> None:
    for figure in (released.rr1, *released.outcomes["responder"].values()):
        if isinstance(figure, Proportion):
            assert figure.n >= 20
            assert figure.x % 5 == figure.n % 5 == 0
            assert figure == wilson(figure.x, figure.n)
    json.dumps(released.as_json(), allow_nan=False)
