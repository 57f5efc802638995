"""Matching to a study's patients: against a general minimiser, the equations written out, and
simulated registries of known truth.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import optimize, special

from registry.statistics.design import Covariate
from registry.statistics.maic import BINS, EXACT, SCALED, STACKED, Matched, match
from registry.statistics.maic_contrasts import APPROXIMATE, SUMMED, contrasts
from registry.statistics.maic_sensitivity import LARGEST, MEANS_ONLY, resampled, variants
from registry.statistics.moments import Mean, Median, Share, Target, moments
from registry.statistics.tilting import NoWeights, Tilt, tilt
from registry.statistics.two_proportions import risk_difference
from registry.statistics.weighting import Refused

Array = NDArray[np.float64]
STUDY: list[Target] = [Mean("age", 44.0, 10.0), Share("sex", "female", 0.85), Mean("sledai", 9.0)]


def drawn(size: int, seed: int) -> tuple[list[Covariate], Array, Array]:
    """Patients one by one: covariates, ones, and whether each responds."""
    rng = np.random.default_rng(seed)
    age = np.round(rng.normal(40, 12, size))
    sex = rng.choice(["female", "male"], size, p=[0.7, 0.3])
    sledai = rng.integers(4, 16, size).astype(float)
    chance = special.expit(0.3 - (age - 40) / 25 + 0.5 * (sex == "male") - (sledai - 9) / 8)
    having = (rng.random(size) < chance).astype(np.int64)
    covariates = [
        Covariate("age", age.tolist()),
        Covariate("sex", sex.tolist()),
        Covariate("sledai", sledai.tolist()),
    ]
    return covariates, np.ones(size, dtype=np.int64), having


def solved(targets: Sequence[Target], patients: tuple[list[Covariate], Array, Array]) -> Matched:
    found = match(targets, *patients)
    assert isinstance(found, Matched), found
    return found


def refusal(targets: Sequence[Target], covariates: list[Covariate]) -> str:
    size = len(covariates[0].values)
    people = np.ones(size, dtype=np.int64)
    found = match(targets, covariates, people, np.arange(size) % 2)
    assert isinstance(found, Refused), found
    return found.refused


# ---- against others


def plain_columns(covariates: list[Covariate]) -> tuple[Array, Array]:
    """The columns of STUDY as the textbook has them (squares around 0), and what they must be."""
    age, sex, sledai = (np.array(each.values) for each in covariates)
    columns = [age.astype(float), age.astype(float) ** 2, sex == "female", sledai.astype(float)]
    return np.column_stack(columns), np.array([44.0, 44.0**2 + 10.0**2, 0.85, 9.0])


def by_general_minimiser(covariates: list[Covariate]) -> Array:
    """Weights that add up to 1 from scipy's minimiser of the convex function."""
    columns, wanted = plain_columns(covariates)
    x = (columns - wanted) / columns.std(axis=0)
    solved = optimize.minimize(
        lambda a: special.logsumexp(x @ a),
        np.zeros(4),
        jac=lambda a: special.softmax(x @ a) @ x,
        method="BFGS",
        options={"gtol": 1e-12},
    )
    weights: Array = special.softmax(x @ solved.x)
    return weights


def test_weights_are_those_of_a_general_minimiser() -> None:
    covariates, people, having = drawn(300, 1)
    weights = by_general_minimiser(covariates)
    found = solved(STUDY, (covariates, people, having))

    assert found.estimate == pytest.approx(float(weights @ having), abs=1e-8)
    assert found.ess == pytest.approx(1 / float((weights**2).sum()), rel=1e-6)
    assert found.weights_max == pytest.approx(300 * weights.max(), rel=1e-6)
    heaviest = np.sort(weights)[::-1].cumsum()
    assert found.half == int(np.searchsorted(heaviest, 0.5)) + 1
    scaled = 300 * weights
    bins = [*BINS, math.inf]
    assert found.histogram == tuple(np.histogram(scaled, bins)[0].tolist())


def stacked(covariates: list[Covariate], having: Array) -> float:
    """The sandwich of the stacked equations themselves, with derivatives taken numerically."""
    columns, wanted = plain_columns(covariates)
    x = (columns - wanted) / columns.std(axis=0)
    weights = by_general_minimiser(covariates)
    a = np.linalg.lstsq(
        np.column_stack([x, np.ones(len(x))]), np.log(weights * len(x)), rcond=None
    )[0][:4]

    def equations(theta: Array) -> Array:
        weight = np.exp(x @ theta[:4])
        return np.column_stack([x * weight[:, None], weight * (having - theta[4])])

    theta = np.array([*a, weights @ having])
    step = 1e-5
    bread = np.column_stack(
        [
            (equations(theta + step * e) - equations(theta - step * e)).mean(axis=0) / (2 * step)
            for e in np.eye(5)
        ]
    )
    inverse = np.linalg.inv(bread)
    meat = equations(theta).T @ equations(theta) / len(x)
    return math.sqrt((inverse @ meat @ inverse.T)[4, 4] / len(x))


@pytest.mark.parametrize("seed", [2, 3])
def test_the_error_is_that_of_the_stacked_equations(seed: int) -> None:
    covariates, people, having = drawn(400, seed)
    found = solved(STUDY, (covariates, people, having))

    assert found.method == STACKED
    assert found.se == pytest.approx(stacked(covariates, having), rel=1e-5)
    half = 1.959963984540054 * found.se / (found.estimate * (1 - found.estimate))
    assert special.logit(found.upper) - special.logit(found.estimate) == pytest.approx(half)
    assert special.logit(found.estimate) - special.logit(found.lower) == pytest.approx(half)
    assert found.se_scaled == pytest.approx(
        math.sqrt(found.estimate * (1 - found.estimate) / found.ess)
    )


def test_the_bootstrap_agrees_and_can_be_repeated() -> None:
    patients = drawn(400, 2)
    found = solved(STUDY, patients)
    again = resampled(STUDY, *patients, seed=5, resamples=400)

    assert (again.failed, again.seed) == (0, 5)
    assert again.se == pytest.approx(found.se_stacked, rel=0.12)
    assert again.lower == pytest.approx(found.lower, abs=0.02)
    assert again.upper == pytest.approx(found.upper, abs=0.02)
    assert again == resampled(STUDY, *patients, seed=5, resamples=400)
    assert again != resampled(STUDY, *patients, seed=6, resamples=400)


def test_resamples_without_weights_are_counted() -> None:
    covariates = [Covariate("old", [0.0] * 12 + [1.0])]
    people, having = np.ones(13, dtype=np.int64), np.arange(13) % 2
    some = resampled([Mean("old", 0.2)], covariates, people, having, seed=1, resamples=200)
    # a resample has nobody who is old in (12/13)^13 = 35 of 100 cases
    assert 45 < some.failed < 95
    assert some.lower is not None


# ---- what must hold


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(30, 120),
    mean=st.floats(34, 46),
    share=st.floats(0.4, 0.95),
)
def test_what_is_matched_is_what_the_study_printed(
    seed: int, size: int, mean: float, share: float
) -> None:
    targets = [Mean("age", mean, 11.0), Share("sex", "female", share), Median("sledai", 9.0)]
    covariates, people, having = drawn(size, seed)
    found = match(targets, covariates, people, having)
    assume(isinstance(found, Matched))

    assert [each.name for each in found.balance] == [
        "age, mean", "age, SD", "sex female", "sledai above 9",
    ]  # fmt: skip
    for each, printed in zip(found.balance, (mean, 11.0, share, 0.5), strict=True):
        assert each.after == pytest.approx(printed, rel=1e-6)
        assert each.wanted == pytest.approx(printed)
    ages = np.array(covariates[0].values)
    assert found.balance[0].before == pytest.approx(ages.mean())
    assert found.balance[1].before == pytest.approx(ages.std())
    assert 1 <= found.ess <= size + 1e-9
    assert found.weights_max >= 1
    assert sum(found.histogram) == size
    assert 1 <= found.half <= size / 2 + 1
    assert 0 <= found.lower <= found.estimate <= found.upper <= 1


def same(one: Matched, other: Matched) -> None:
    assert (other.estimate, other.ess, other.weights_max) == pytest.approx(
        (one.estimate, one.ess, one.weights_max), rel=1e-6
    )
    assert other.se_stacked == pytest.approx(one.se_stacked, rel=1e-5)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.001, 1000), st.floats(-1e4, 1e4))
def test_units_do_not_matter(seed: int, factor: float, shift: float) -> None:
    (age, sex, sledai), people, having = drawn(80, seed)
    other = Covariate("age", [factor * value + shift for value in age.values])
    targets = [Mean("age", 42 * factor + shift, 12 * factor), Share("sex", "female", 0.7)]
    one = match(
        [Mean("age", 42, 12), Share("sex", "female", 0.7)], [age, sex, sledai], people, having
    )
    assume(isinstance(one, Matched))
    same(one, solved(targets, ([other, sex, sledai], people, having)))


def test_age_in_days_from_a_far_day_does_not_matter() -> None:
    (age, *_), people, having = drawn(300, 4)
    days = Covariate("age", [365.25 * value + 7e5 for value in age.values])
    one = solved([Mean("age", 44, 10)], ([age], people, having))
    same(one, solved([Mean("age", 365.25 * 44 + 7e5, 3652.5)], ([days], people, having)))


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_rows_may_be_mixed_split_and_put_together(seed: int, random: object) -> None:
    covariates, people, having = drawn(150, seed)
    targets = [Mean("sledai", 9.0, 3.0), Share("sex", "female", 0.75)]
    one = match(targets, covariates, people, having)
    assume(isinstance(one, Matched))
    order = list(range(150))
    random.shuffle(order)
    mixed = [Covariate(c.name, [c.values[i] for i in order]) for c in covariates]
    same(one, solved(targets, (mixed, people, having[order])))

    rows: dict[tuple[object, object], list[int]] = {}
    for i in range(150):
        rows.setdefault((covariates[1].values[i], covariates[2].values[i]), []).append(i)
    sexes, scores = zip(*rows, strict=True)
    together = [Covariate("sex", sexes), Covariate("sledai", scores)]
    counts = np.array([len(each) for each in rows.values()])
    yes = np.array([having[each].sum() for each in rows.values()])
    put = solved(targets, (together, counts, yes))
    same(one, put)
    assert (put.half, put.histogram) == (one.half, one.histogram)


def test_a_covariate_twice_changes_nothing_and_is_told() -> None:
    (age, *_), people, having = drawn(200, 5)
    again = Covariate("years", age.values)
    one = solved([Mean("age", 44)], ([age], people, having))
    two = solved([Mean("age", 44), Mean("years", 44)], ([age, again], people, having))

    same(one, two)
    assert two.reason == "follows from the others: years, mean"
    assert refusal([Mean("age", 44), Mean("years", 45)], [age, again]) == (
        "years, mean cannot be 45 with the other figures as they are"
    )


def test_matched_to_themselves_all_patients_weigh_one() -> None:
    covariates, people, having = drawn(100, 6)
    ages = np.array(covariates[0].values)
    women = float(np.mean([sex == "female" for sex in covariates[1].values]))
    targets = [Mean("age", float(ages.mean()), float(ages.std())), Share("sex", "female", women)]
    found = solved(targets, (covariates, people, having))

    assert found.ess == pytest.approx(100)
    assert found.weights_max == pytest.approx(1)
    assert found.estimate == pytest.approx(found.unweighted)
    assert found.half == 50


def test_by_hand() -> None:
    # 60 women of whom 30 respond, 40 men of whom 10 do; the study has women and men in halves
    covariates = [Covariate("sex", ["female", "male"])]
    found = solved(
        [Share("sex", "female", 0.5)], (covariates, np.array([60, 40]), np.array([30, 10]))
    )

    assert found.estimate == pytest.approx(0.5 * 0.5 + 0.5 * 0.25)
    assert found.ess == pytest.approx(1 / (60 * (0.5 / 60) ** 2 + 40 * (0.5 / 40) ** 2))
    assert found.weights_max == pytest.approx(100 * 0.5 / 40)
    # within each sex a share of its own: what is left is their binomial errors
    own = 0.25 * 0.5 * 0.5 / 60 + 0.25 * 0.25 * 0.75 / 40
    assert found.se_stacked == pytest.approx(math.sqrt(own))
    assert found.half == 40
    assert found.histogram == (0, 0, 60, 40, 0, 0)
    assert found.unweighted == pytest.approx(0.4)


def test_who_is_not_known_by_everything_is_left_out_and_counted() -> None:
    covariates = [Covariate("sex", ["female", "male", None]), Covariate("age", [None, 30, 40])]
    counts = np.array([60, 40, 7])
    found = solved([Share("sex", "female", 0.5)], (covariates, counts, np.array([30, 10, 7])))

    assert (found.n, found.left_out) == (100, 7)
    assert found.estimate == pytest.approx(0.375)


# ---- refusals


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ([], "nothing to match"),
        ([Mean("age", 95.0)], "age, mean 95 lies outside what our patients have (20 to 59)"),
        ([Mean("age", 20.0)], "age, mean 20 lies at the edge of what our patients have"),
        ([Mean("age", 40.5, 0.1)], "age, SD 0.1: our patients' distances from the study's mean"),
        ([Mean("age", 40.0, 25.0)], "distances from the study's mean go from 0 to 20"),
        ([Mean("age", 22.0, 15.0)], "together: age, mean, age, SD"),
        ([Mean("age", 40.0, -1.0)], "standard deviation of age below 0 cannot be"),
        ([Share("sex", "female", 1.0)], "sex female 1 lies at the edge of"),
        ([Share("sex", "female", 1.2)], "share of sex female outside 0 to 1 cannot be"),
        ([Share("sex", "woman", 0.9)], "sex woman: all our patients have 0, the study 0.9"),
        ([Mean("sex", 0.9)], "sex is no number here"),
        ([Median("sex", 0.9)], "sex is no number here"),
        ([Median("mixed", 10.0)], "mixed is no number here"),
        ([Share("age", "old", 0.5)], "age old: all our patients have 0, the study 0.5"),
        ([Mean("same", 5.0)], "same, mean: all our patients have 4, the study 5"),
        ([Mean("unknown", 5.0)], "no patient is known by all the matched characteristics"),
        ([Median("age", 70.0)], "age above 70: all our patients have 0, the study 0.5"),
        (
            [Share("sex", "female", 0.9), Mean("height", 187.0)],
            "no mix of our patients has what the study printed together: sex female, height, mean",
        ),
    ],
)
def test_what_no_weights_can_do_is_refused_by_name(targets: list[Target], said: str) -> None:
    ages = [float(age) for age in range(20, 60)]
    women = [age % 2 == 0 for age in range(20, 60)]
    covariates = [
        Covariate("age", ages),
        Covariate("sex", ["female" if each else "male" for each in women]),
        Covariate("height", [165.0 + n % 3 if w else 190.0 - n % 3 for n, w in enumerate(women)]),
        Covariate("same", [4.0] * 40),
        Covariate("unknown", [None] * 40),
        Covariate("mixed", [10.0, "high"] * 20),
    ]
    assert said in refusal(targets, covariates)


def test_what_is_the_same_for_all_of_ours_and_theirs_is_no_obstacle() -> None:
    covariates = [Covariate("age", [30.0, 40.0, 50.0, 60.0]), Covariate("lupus", ["yes"] * 4)]
    found = solved(
        [Mean("age", 44.0), Share("lupus", "yes", 1.0)],
        (covariates, np.ones(4, dtype=np.int64), np.array([0, 1, 0, 1])),
    )
    assert found.balance[1].after == pytest.approx(1)
    assert found.reason == "follows from the others: lupus yes"


def test_as_many_patients_as_figures_are_too_few() -> None:
    covariates = [Covariate("age", [30.0, 40.0])]
    assert refusal([Mean("age", 34.0, 4.0)], covariates) == (
        "2 patients are too few to match 2 figures at once"
    )
    nobody = match([Mean("age", 34.0)], covariates, np.zeros(2, int), np.zeros(2, int))
    assert nobody == Refused("nobody counts for this outcome")


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=4, max_size=14),
    st.tuples(st.integers(-6, 6), st.integers(-6, 6)),
)
def test_weights_exist_exactly_inside_the_hull(
    points: list[tuple[int, int]], twice: tuple[int, int]
) -> None:
    """Against a linear program that looks for the weights instead of what forbids them."""
    x = np.array(points, dtype=float)
    wanted = np.array(twice) / 2
    found = tilt(
        moments(
            [Mean("a", wanted[0]), Mean("b", wanted[1])],
            [Covariate("a", x[:, 0].tolist()), Covariate("b", x[:, 1].tolist())],
            np.ones(len(x), dtype=bool),
        ),
        np.ones(len(x), dtype=np.int64),
    )
    # the largest least weight, of weights that add up to 1
    least = optimize.linprog(
        [*np.zeros(len(x)), -1.0],
        A_ub=np.column_stack([-np.eye(len(x)), np.ones(len(x))]),
        b_ub=np.zeros(len(x)),
        A_eq=np.column_stack([np.vstack([(x - wanted).T, np.ones(len(x))]), np.zeros(3)]),
        b_eq=[0, 0, 1],
        bounds=[(None, None)] * (len(x) + 1),
    )
    exists = least.x is not None and -least.fun > 1e-9
    assert isinstance(found, Tilt if exists else NoWeights)
    if isinstance(found, Tilt):
        assert found.weights @ x == pytest.approx(wanted, abs=1e-8)


@settings(max_examples=60)
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8),
    mean=st.floats(-1e6, 1e6),
    sd=st.one_of(st.none(), st.floats(0, 1e6)),
    having=st.integers(0, 255),
)
def test_whatever_is_printed_gives_weights_or_a_reason(
    values: list[float], mean: float, sd: float | None, having: int
) -> None:
    people = np.ones(len(values), dtype=np.int64)
    told = np.array([having >> k & 1 for k in range(len(values))])
    found = match([Mean("a", mean, sd)], [Covariate("a", values)], people, told)
    if isinstance(found, Matched):
        numbers = [found.estimate, found.lower, found.upper, found.se, found.ess]
        assert np.isfinite(numbers).all()
        assert 0 <= found.lower <= found.estimate <= found.upper <= 1
    else:
        assert found.refused


def test_a_minimiser_calls_it_success_where_there_is_nothing() -> None:
    """What a careless implementation would print: all weight on the oldest."""
    ages = np.arange(20.0, 60.0)
    careless = optimize.minimize(
        lambda a: special.logsumexp((ages - 59) / 10 * a), np.zeros(1), method="BFGS"
    )
    assert careless.success
    assert special.softmax(ages / 10 * careless.x).max() > 0.5
    assert "edge" in refusal([Mean("age", 59.0)], [Covariate("age", ages.tolist())])


# ---- intervals


@pytest.mark.parametrize(("size", "method"), [(400, STACKED), (60, SCALED)])
def test_at_a_small_effective_size_the_scaled_error_is_in_use(size: int, method: str) -> None:
    found = solved(STUDY, drawn(size, 8))

    assert found.method == method
    assert found.se == (found.se_stacked if method == STACKED else found.se_scaled)


def test_warnings_of_little_overlap() -> None:
    patients = drawn(400, 9)
    fine = solved(STUDY, patients)
    far = solved([Mean("age", 58.0, 8.0), Mean("sledai", 6.0)], patients)

    assert fine.warning is None
    assert far.ess < 200
    assert replace(fine, ess=199.0).warning.startswith("the effective sample size is less than")
    assert replace(fine, ess=29.0).warning.startswith("little overlap")
    assert replace(fine, n=4000, ess=399.0).warning.startswith("little overlap")


def test_an_outcome_that_the_matching_fixes_has_no_error_of_0() -> None:
    covariates = [Covariate("sex", ["female", "male"])]
    found = solved(
        [Share("sex", "female", 0.5)], (covariates, np.array([60, 60]), np.array([60, 0]))
    )

    assert found.se_stacked == pytest.approx(0, abs=1e-9)
    assert found.method == SCALED
    assert found.upper - found.lower > 0.1


@pytest.mark.parametrize(("having", "ends"), [(0, (0.0, None)), (1, (None, 1.0))])
def test_none_and_all_take_the_exact_limits_of_the_effective_size(
    having: int, ends: tuple[float | None, float | None]
) -> None:
    covariates, people, _ = drawn(200, 10)
    found = solved(STUDY, (covariates, people, having * people))

    assert found.method == EXACT
    assert found.estimate == having
    assert found.lower == (ends[0] if ends[0] is not None else pytest.approx(found.lower))
    assert found.upper - found.lower == pytest.approx(1 - 0.025 ** (1 / int(found.ess)))


def test_contrasts_sum_the_variances_of_both_sides() -> None:
    found = solved(STUDY, drawn(400, 2))
    made, p = contrasts(found, 30, 80), found.estimate

    assert made.risk_difference.estimate == pytest.approx(p - 0.375)
    error = math.sqrt(found.se**2 + 0.375 * 0.625 / 80)
    z = 1.959963984540054
    assert made.risk_difference.upper == pytest.approx(p - 0.375 + z * error)
    ratio = math.sqrt(found.se**2 / p**2 + 0.625 / 30)
    assert made.risk_ratio.lower == pytest.approx(p / 0.375 * math.exp(-z * ratio))
    odds = math.sqrt((found.se / (p * (1 - p))) ** 2 + 1 / 30 + 1 / 50)
    middle = p * 0.625 / ((1 - p) * 0.375)
    assert made.odds_ratio.upper == pytest.approx(middle * math.exp(z * odds))
    assert made.risk_difference.method == SUMMED


@pytest.mark.parametrize("x", [0, 80])
def test_a_side_of_none_or_all_takes_the_score_methods(x: int) -> None:
    found = solved(STUDY, drawn(400, 2))
    made = contrasts(found, x, 80)
    size = int(found.ess)
    score = risk_difference(round(found.estimate * size), size, x, 80)

    assert made.risk_difference.method.endswith(APPROXIMATE)
    assert (made.risk_difference.lower, made.risk_difference.upper) == (score.lower, score.upper)
    assert made.risk_difference.estimate == pytest.approx(found.estimate - x / 80)
    assert (made.risk_ratio.estimate == math.inf) == (x == 0)


@settings(max_examples=60)
@given(
    share=st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.001, 0.999)),
    ess=st.floats(1, 60),
    x=st.sampled_from([0, 20]),
)
def test_where_the_score_methods_stand_in_the_estimates_are_those_of_the_shares(
    share: float, ess: float, x: int
) -> None:
    found = replace(solved(STUDY, drawn(60, 2)), estimate=share, ess=ess)
    made = contrasts(found, x, 20)
    if x:
        assert made.risk_ratio.estimate == pytest.approx(share)
    if share == x / 20:
        assert made.odds_ratio.estimate is None
        assert made.odds_ratio.reason
    else:
        assert made.odds_ratio.estimate == (0 if x else math.inf)
        assert made.odds_ratio.reason is None
    for each in (made.risk_difference, made.risk_ratio, made.odds_ratio):
        if each.estimate is not None:
            assert each.lower <= each.estimate <= each.upper


def test_contrasts_with_nobody_and_with_impossible_counts() -> None:
    found = solved(STUDY, drawn(400, 2))
    assert contrasts(found, 0, 0).risk_difference.estimate is None
    with pytest.raises(ValueError, match="not a proportion"):
        contrasts(found, 3, 2)


# ---- what it is worth


def test_each_is_left_out_in_turn() -> None:
    covariates, people, having = drawn(300, 11)
    made = {each.without: each.found for each in variants(STUDY, covariates, people, having)}

    assert list(made) == [MEANS_ONLY, "without age", "without sex", "without sledai", LARGEST]
    others = [target for target in STUDY if target.covariate != "sex"]
    assert made["without sex"] == match(others, covariates, people, having)
    heaviest = int(np.argmax(by_general_minimiser(covariates)))
    rest = np.arange(300) != heaviest
    fewer = [
        Covariate(c.name, [v for v, k in zip(c.values, rest, strict=True) if k]) for c in covariates
    ]
    same(made[LARGEST], solved(STUDY, (fewer, people[rest], having[rest])))
    means = [replace(STUDY[0], sd=None), *STUDY[1:]]
    assert made[MEANS_ONLY] == match(means, covariates, people, having)


def test_a_variant_may_be_refused_and_one_covariate_cannot_be_left_out() -> None:
    covariates = [Covariate("age", [30.0, 40.0, 50.0, 60.0, 90.0])]
    people, having = np.ones(5, dtype=np.int64), np.array([0, 1, 0, 1, 0])
    made = list(variants([Mean("age", 62.0)], covariates, people, having))

    assert [each.without for each in made] == [LARGEST]
    assert isinstance(made[0].found, Refused)
    assert list(variants([Mean("age", 99.0)], covariates, people, having)) == []


# ---- known truth


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """800 registries of 400; the study's patients are older and more of them are women."""
    rng = np.random.default_rng(21)
    age, female = np.repeat([25.0, 35.0, 45.0, 55.0, 65.0], 2), np.tile([0.0, 1.0], 5)
    ours = np.outer([0.2, 0.3, 0.25, 0.15, 0.1], [0.4, 0.6]).ravel()
    # theirs is ours tilted, so that the matched figures tell all that differs
    theirs = ours * np.exp(0.02 * age + 0.5 * female)
    theirs /= theirs.sum()
    responds = special.expit(1.2 - (age - 35) / 20 + 0.4 * female)
    truth, naive = float(theirs @ responds), float(ours @ responds)
    covariates = [Covariate("age", age.tolist()), Covariate("female", female.tolist())]
    mean = float(theirs @ age)
    targets = [
        Mean("age", mean, float(np.sqrt(theirs @ (age - mean) ** 2))),
        Mean("female", float(theirs @ female)),
    ]
    people = rng.multinomial(400, ours, 800)
    yes = rng.binomial(people, responds)
    found = [match(targets, covariates, n, x) for n, x in zip(people, yes, strict=True)]

    assert all(isinstance(each, Matched) for each in found)
    assert {each.method for each in found} == {STACKED}
    covered = np.mean([each.lower <= truth <= each.upper for each in found])
    bias = np.mean([each.estimate for each in found]) - truth
    assert 0.93 <= covered <= 0.97
    assert abs(bias) < 0.004 < abs(naive - truth) / 5
    spread = np.std([each.estimate for each in found])
    assert np.mean([each.se for each in found]) == pytest.approx(spread, rel=0.05)
