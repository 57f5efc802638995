"""How many of the silent change a conclusion, against trying every number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from registry.reports.tipping import tipping_sentence
from registry.statistics.comparison import compare_outcome
from registry.statistics.missing import OutcomeCounts
from registry.statistics.policy import RELEASE, SUPPRESSED
from registry.statistics.proportions import wilson
from registry.statistics.tipping import TippingPoint, released_tipping, tipping_point


@st.composite
def cases(draw: st.DrawFn) -> tuple[OutcomeCounts, str, int, int]:
    parts = [draw(st.integers(0, 60)) for _ in range(4)]
    n = draw(st.integers(1, 120))
    counts = OutcomeCounts(sum(parts) + 1, parts[0], parts[1] + 1, parts[2])
    return counts, draw(st.sampled_from(["observed_only", "nri"])), draw(st.integers(0, n)), n


def side_of_zero(x: int, n: int, theirs: tuple[int, int]) -> int:
    lower, upper = confint_proportions_2indep(x, n, *theirs, method="newcomb", compare="diff")
    return int(lower > 0) - int(upper < 0)


@given(cases())
def test_every_number_up_to_and_from_the_tipping_points_says_otherwise_and_no_other(
    case: tuple[OutcomeCounts, str, int, int],
) -> None:
    counts, rule, *theirs = case
    tip = compare_outcome(counts, rule, *theirs).tipping
    says = [
        side_of_zero(counts.responders + k, counts.due, (theirs[0], theirs[1]))
        for k in range(counts.silent + 1)
    ]

    below = [k for k, said in enumerate(says) if said < tip.conclusion]
    above = [k for k, said in enumerate(says) if said > tip.conclusion]
    assert tip.silent == counts.silent
    assert (tip.at_most, tip.at_least) == (max(below, default=None), min(above, default=None))


def test_a_lower_share_is_undone_by_enough_of_the_silent() -> None:
    tip = compare_outcome(OutcomeCounts(1000, 200, 500, 0), "nri", 500, 1000).tipping

    assert tip == TippingPoint(-1, 300, None, 257)
    assert tip.as_json() == {
        "silent": 300, "at_most": None, "at_most_share": None,
        "at_least": 257, "at_least_share": 257 / 300,
    }  # fmt: skip


def test_nobody_beside_nobody_has_no_tipping_point() -> None:
    assert tipping_point(0, wilson(0, 0), wilson(0, 0), (3, 9)) is None
    assert tipping_point(0, wilson(1, 9), wilson(2, 9), (0, 0)) is None


@pytest.mark.parametrize("silent", [0, 1])
def test_without_silence_there_is_nothing_to_tip(silent: int) -> None:
    tip = tipping_point(0, wilson(4, 10), wilson(4 + silent, 10), (4, 10))

    assert (tip.silent, tip.at_most, tip.at_least) == (silent, None, None)


# ---- as it may leave the registry


@given(
    st.integers(-1, 1),
    st.integers(2, 60).map(lambda n: 5 * n),
    st.none() | st.integers(0, 300),
    st.none() | st.integers(0, 300),
)
def test_a_release_moves_thresholds_outward_in_steps_and_never_to_a_small_number(
    conclusion: int, silent: int, most: int | None, least: int | None
) -> None:
    exact = TippingPoint(
        conclusion, silent, most and min(most, silent), least and min(least, silent)
    )
    shown = released_tipping(exact, RELEASE)

    for told, true in ((shown.at_most, exact.at_most), (shown.at_least, exact.at_least)):
        assert (told is None) == (true is None)
        assert told is None or told == 0 or (told >= 10 and told % 5 == 0)
    assert exact.at_most is None or shown.at_most <= exact.at_most
    assert exact.at_least is None or shown.at_least >= exact.at_least


def test_a_release_says_nothing_of_few_silent() -> None:
    assert released_tipping(TippingPoint(0, 5, 2, 4), RELEASE) is SUPPRESSED
    assert released_tipping(TippingPoint(0, 0, None, None), RELEASE) is SUPPRESSED


# ---- in words


@pytest.mark.parametrize(
    ("tip", "words"),
    [
        (
            TippingPoint(-1, 300, None, 257),
            "Registry lower; no longer if at least 257 of the 300 silent (85.7\u202f%) had it.",
        ),
        (
            TippingPoint(1, 40, 12, None),
            "Registry higher; no longer if at most 12 of the 40 silent (30.0\u202f%) had it.",
        ),
        (
            TippingPoint(1, 40, 0, None),
            "Registry higher; no longer if none of the 40 silent had it.",
        ),
        (
            TippingPoint(-1, 40, None, 40),
            "Registry lower; no longer if all of the 40 silent had it.",
        ),
        (TippingPoint(-1, 40, None, None), "Registry lower, whatever the silent had."),
        (TippingPoint(-1, 0, None, None), "Registry lower; nobody is silent."),
        (TippingPoint(0, 0, None, None), "Too few to tell; nobody is silent."),
        (TippingPoint(0, 9, None, None), "Too few to tell, whatever the silent had."),
        (
            TippingPoint(0, 600, 256, 344),
            (
                "Too few to tell; lower if at most 256 of the 600 silent (42.7\u202f%) had it, "
                "higher if at least 344 of the 600 silent (57.3\u202f%) had it."
            ),
        ),
        (TippingPoint(0, 60, 60, None), "Too few to tell; lower whatever the silent had."),
        (TippingPoint(0, 60, None, 0), "Too few to tell; higher whatever the silent had."),
    ],
)
def test_the_sentence_says_how_many_of_the_silent_it_takes(tip: TippingPoint, words: str) -> None:
    assert tipping_sentence(tip) == words
