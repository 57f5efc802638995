"""Weighting for silence: against statsmodels, the equations written out, and registries of known
truth.
"""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from registry.statistics.design import Covariate, design
from registry.statistics.logistic import Fit, NoFit, fit
from registry.statistics.proportions import clopper_pearson
from registry.statistics.weighting import DueCounts, Refused, Weighted, weighted

# one patient: severity (a code), age, alive, answered, responds
Patient = tuple[str, float, bool, bool, bool]


def counts_of(patients: Sequence[Patient]) -> tuple[DueCounts, list[Covariate]]:
    _, _, alive, answered, responds = (np.array(part) for part in zip(*patients, strict=True))
    seen = alive & answered
    columns = (np.ones(len(patients)), seen & responds, seen & ~responds, ~alive)
    counts = DueCounts(*(column.astype(np.int64) for column in columns))
    return counts, [
        Covariate("severity", [patient[0] for patient in patients]),
        Covariate("age", [patient[1] for patient in patients]),
    ]


def drawn(size: int, seed: int, *, deaths: float = 0.0) -> list[Patient]:
    """A registry in which the severely ill answer less and respond less, as do the young."""
    rng = np.random.default_rng(seed)
    severity = rng.choice(["mild", "moderate", "severe"], size, p=[0.5, 0.3, 0.2])
    ill = np.select([severity == "mild", severity == "moderate"], [0.0, 0.6], 1.2)
    age = np.round(rng.normal(40, 12, size))
    answers = rng.random(size) < special.expit(1.0 - ill + (age - 40) / 30)
    responds = rng.random(size) < special.expit(0.8 - 1.2 * ill + (age - 40) / 40)
    alive = rng.random(size) >= deaths
    return list(zip(severity.tolist(), age.tolist(), alive, answers, responds, strict=True))


def matrix_of(patients: Sequence[Patient]) -> NDArray[np.float64]:
    rows = [[1, p[0] == "moderate", p[0] == "severe", p[1]] for p in patients]
    return np.array(rows, dtype=float)


def solved(patients: Sequence[Patient]) -> Weighted:
    found = weighted(*counts_of(patients))
    assert isinstance(found, Weighted), found
    return found


# ---- against others


def test_weights_are_those_of_statsmodels() -> None:
    patients = drawn(400, 1)
    x, answered = matrix_of(patients), np.array([p[3] for p in patients])
    responds = np.array([p[4] for p in patients])
    theirs = sm.Logit(answered.astype(float), x).fit(disp=0, tol=1e-12)
    weight = 1 / theirs.predict(x)[answered]
    found = solved(patients)

    assert found.mu == pytest.approx((weight * responds[answered]).sum() / weight.sum(), abs=1e-9)
    assert found.ess == pytest.approx(weight.sum() ** 2 / (weight**2).sum())
    assert found.weight_max == pytest.approx(weight.max())
    assert found.covariates == ("severity", "age")
    assert found.estimate == found.mu


def penalised(x: NDArray[np.float64], answered: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights of a regression with the usual penalty of 1: what must not be taken for ours."""
    beta = np.zeros(x.shape[1])
    keep = np.diag([0.0, *np.ones(x.shape[1] - 1)])
    for _ in range(50):
        p = special.expit(x @ beta)
        hessian = x.T @ (x * (p * (1 - p))[:, None]) + keep
        beta += np.linalg.solve(hessian, x.T @ (answered - p) - keep @ beta)
    weights: NDArray[np.float64] = 1 / special.expit(x @ beta)
    return weights


def test_a_penalised_regression_would_give_other_weights() -> None:
    patients = drawn(120, 2)
    x, answered = matrix_of(patients), np.array([p[3] for p in patients])
    responds = np.array([p[4] for p in patients])
    weight = penalised(x, answered)[answered]
    wrong = (weight * responds[answered]).sum() / weight.sum()

    assert abs(wrong - solved(patients).mu) > 1e-3


def stacked_error(patients: Sequence[Patient]) -> float:
    """The sandwich from the stacked equations themselves, with derivatives taken numerically.

    Parameters: the regression's coefficients, the weighted share, the share that lives.
    """
    alive, answered, responds = (np.array([p[k] for p in patients]) for k in (2, 3, 4))
    x = matrix_of(patients)
    x[:, 3] = (x[:, 3] - 40) / 10
    seen = alive & answered
    beta = sm.Logit(seen[alive].astype(float), x[alive]).fit(disp=0, tol=1e-14).params

    def equations(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        p = special.expit(x @ theta[:4])
        score = x * (alive * (answered - p))[:, None]
        mean = np.where(seen, (responds - theta[4]) / p, 0)
        return np.column_stack([score, mean, alive - theta[5]])

    weight = 1 / special.expit(x @ beta)[seen]
    mu = (weight * responds[seen]).sum() / weight.sum()
    theta = np.array([*beta, mu, alive.mean()])
    step = 1e-5
    bread = np.column_stack(
        [
            (equations(theta + step * e) - equations(theta - step * e)).mean(axis=0) / (2 * step)
            for e in np.eye(6)
        ]
    )
    meat = np.cov(equations(theta).T, bias=True)
    inverse = np.linalg.inv(bread)
    variance = inverse @ meat @ inverse.T / len(patients)
    gradient = np.array([0, 0, 0, 0, theta[5], theta[4]])
    return math.sqrt(gradient @ variance @ gradient)


@pytest.mark.parametrize(("seed", "deaths"), [(3, 0.0), (4, 0.1), (5, 0.4)])
def test_the_error_is_that_of_the_stacked_equations(seed: int, deaths: float) -> None:
    patients = drawn(500, seed, deaths=deaths)
    found = solved(patients)

    assert found.se == pytest.approx(stacked_error(patients), rel=1e-6)
    assert found.estimate == pytest.approx(found.mu * np.mean([p[2] for p in patients]))
    half = 1.959963984540054 * found.se / (found.estimate * (1 - found.estimate))
    assert special.logit(found.upper) - special.logit(found.estimate) == pytest.approx(half)
    assert special.logit(found.estimate) - special.logit(found.lower) == pytest.approx(half)


def test_weights_taken_as_known_are_a_little_cautious() -> None:
    found = solved(drawn(500, 3))

    assert found.se_mu < found.se_fixed < 1.3 * found.se_mu


# ---- what must hold


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.15]))
def test_it_lies_within_the_bounds_of_the_silent(seed: int, deaths: float) -> None:
    patients = drawn(150, seed, deaths=deaths)
    found = weighted(*counts_of(patients))
    assume(isinstance(found, Weighted))
    counts, _ = counts_of(patients)
    r, n = counts.yes.sum(), counts.due.sum()
    silent = (counts.living - counts.answered).sum()

    assert r / n - 0.005 <= found.estimate <= (r + silent) / n + 0.005
    assert 0 <= found.lower <= found.estimate <= found.upper <= 1
    assert found.weight_max >= 1
    assert 1 <= found.ess <= counts.answered.sum() + 1e-9


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_rows_may_be_mixed_split_and_put_together(seed: int, random: object) -> None:
    patients = drawn(200, seed)
    shuffled = list(patients)
    random.shuffle(shuffled)
    one, other = weighted(*counts_of(patients)), weighted(*counts_of(shuffled))
    patterns: dict[tuple[str, float], list[Patient]] = {}
    for patient in patients:
        patterns.setdefault(patient[:2], []).append(patient)
    parts = [counts_of(group)[0] for group in patterns.values()]
    together = DueCounts(
        *(np.array([getattr(p, k).sum() for p in parts]) for k in ("due", "yes", "no", "dead"))
    )
    names = ("severity", "age")
    rows = zip(*patterns, strict=True)
    grouped = weighted(
        together, [Covariate(name, list(values)) for name, values in zip(names, rows, strict=True)]
    )
    assume(isinstance(one, Weighted))
    for found in (other, grouped):
        assert found.mu == pytest.approx(one.mu, abs=1e-9)
        assert found.se == pytest.approx(one.se, rel=1e-6)
        assert found.weight_max == pytest.approx(one.weight_max, rel=1e-6)


def test_scale_and_order_of_the_covariates_change_nothing() -> None:
    patients = drawn(300, 7)
    counts, (severity, age) = counts_of(patients)
    days = Covariate("age", [365.25 * value + 1e6 for value in age.values])
    one, other = weighted(counts, [severity, age]), weighted(counts, [days, severity])

    assert (one.mu, one.se) == pytest.approx((other.mu, other.se), rel=1e-8)
    twice = weighted(counts, [severity, age, Covariate("age again", age.values)])
    assert (twice.mu, twice.se) == (one.mu, one.se)
    assert twice.covariates == ("severity", "age")
    assert "told by the others: age again" in twice.reason


def test_weighted_people_look_like_all_the_living() -> None:
    found = solved(drawn(2000, 8))

    assert [each.name for each in found.balance] == ["severity moderate", "severity severe", "age"]
    severe = found.balance[1]
    assert abs(severe.difference) > 0.1
    assert all(abs(each.difference_weighted) < 0.02 for each in found.balance)


def test_by_hand() -> None:
    # mild: 80 of 100 answer, 60 of them respond; severe: 40 of 100 answer, 10 respond
    counts = DueCounts(
        np.array([110, 100]), np.array([60, 10]), np.array([20, 30]), np.array([10, 0])
    )
    found = weighted(counts, [Covariate("severity", ["mild", "severe"])])

    assert found.mu == pytest.approx((100 * 0.75 + 100 * 0.25) / 200)
    assert found.estimate == pytest.approx(0.5 * 200 / 210)
    assert found.weight_max == pytest.approx(2.5)
    assert found.ess == pytest.approx((80 * 1.25 + 40 * 2.5) ** 2 / (80 * 1.25**2 + 40 * 2.5**2))


# ---- edges


def one_row(due: int, yes: int, no: int, dead: int = 0) -> DueCounts:
    return DueCounts(*(np.array([count]) for count in (due, yes, no, dead)))


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (one_row(0, 0, 0), "no patient is due"),
        (DueCounts(*(np.array([], dtype=np.int64) for _ in range(4))), "no patient is due"),
        (one_row(3, 0, 0, 3), "no patient due has lived"),
        (one_row(3, 0, 0, 1), "nobody answered"),
    ],
)
def test_nobody_is_refused_by_name(counts: DueCounts, reason: str) -> None:
    found = weighted(counts, [Covariate("severity", ["mild"] * counts.due.size)])

    assert isinstance(found, Refused)
    assert reason in found.as_json()["refused"]


def test_when_everyone_answered_all_weights_are_one() -> None:
    patients = [(s, a, True, True, y) for s, a, _, _, y in drawn(60, 9)]
    found = solved(patients)
    share = np.mean([p[4] for p in patients])

    assert (found.mu, found.weight_max, found.ess) == pytest.approx((share, 1, 60))
    assert found.se == pytest.approx(math.sqrt(share * (1 - share) / 60))
    assert "everyone alive answered" in found.reason


def test_one_patient() -> None:
    found = weighted(one_row(1, 1, 0), [Covariate("age", [40.0])])

    assert (found.estimate, found.upper) == (1, 1)
    assert found.lower == pytest.approx(0.025)


def test_shares_of_0_and_1_take_the_exact_limits_of_the_effective_size() -> None:
    counts = DueCounts(
        np.array([110, 100]), np.array([0, 0]), np.array([80, 40]), np.array([10, 0])
    )
    found = weighted(counts, [Covariate("severity", ["mild", "severe"])])
    exact = clopper_pearson(0, int(found.ess))

    assert (found.estimate, found.lower) == (0, 0)
    assert found.upper == pytest.approx(exact.upper * 200 / 210)


def test_with_few_answers_the_last_covariates_are_given_up_and_named() -> None:
    patients = drawn(400, 10)
    few = [p for p in patients if not p[3]][:25] + [p for p in patients if p[3]]
    found = solved(few)

    # 25 silences pay for two parameters: severity has two, age would be the third
    assert found.covariates == ("severity",)
    assert "without age" in found.reason
    fewer = solved(few[5:])
    assert fewer.covariates == ("severity",)
    least = solved(few[6:])
    assert least.covariates == ()
    assert "share of those who answered" in least.reason
    assert least.mu == pytest.approx(np.mean([p[4] for p in few[6:] if p[3]]))


def test_a_category_of_which_nobody_answered_is_refused_and_named() -> None:
    patients = [(s, a, d, r and s != "severe", y) for s, a, d, r, y in drawn(300, 11)]
    found = weighted(*counts_of(patients))
    silent = sum(p[0] == "severe" for p in patients)

    assert isinstance(found, Refused)
    assert f"nobody with severity severe answered (0 of {silent})" in found.refused


def test_so_is_a_number_of_two_values_and_not_known() -> None:
    counts = DueCounts(np.array([60, 60]), np.array([20, 0]), np.array([20, 0]), np.array([0, 0]))
    for values, told in (([0.0, 1.0], "old 1"), ([0.0, None], "old not known")):
        found = weighted(counts, [Covariate("old", values)])
        assert isinstance(found, Refused)
        assert f"nobody with {told} answered (0 of 60)" in found.refused


@pytest.mark.parametrize("gap", [1, 5])
def test_separated_answers_are_refused_with_the_covariates_that_separate(gap: int) -> None:
    ages = [float(age) for age in range(20, 80)]
    told = np.array([int(age >= 50 + gap) for age in ages])
    kept = np.array([not 50 <= age < 50 + gap for age in ages])
    counts = DueCounts(np.ones(60, int), told, np.zeros(60, int), np.zeros(60, int))
    age = Covariate("age", [a for a, k in zip(ages, kept, strict=True) if k])
    found = weighted(counts.rows(kept), [age])

    assert isinstance(found, Refused)
    assert "separated by age" in found.refused


def test_a_category_in_which_everybody_answered_has_no_maximum_either() -> None:
    patients = [(s, a, d, r or s == "severe", y) for s, a, d, r, y in drawn(300, 12)]
    found = weighted(*counts_of(patients))

    assert isinstance(found, Refused)
    assert "separated by severity" in found.refused


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-3, 3), st.integers(-3, 3), st.booleans()), min_size=6, max_size=20
    )
)
def test_a_fit_is_a_maximum_or_says_what_separates(rows: list[tuple[int, int, bool]]) -> None:
    one, two, answered = (np.array(part) for part in zip(*rows, strict=True))
    people = np.ones(len(rows), dtype=np.int64)
    model = design([Covariate("a", one.tolist()), Covariate("b", two.tolist())], people)
    found = fit(model, people, answered.astype(np.int64))
    if isinstance(found, Fit):
        score = model.matrix.T @ (answered - found.probabilities)
        assert np.abs(score).max() < 1e-6
        assert np.abs(found.coefficients).max() < 1e3
    else:
        assert isinstance(found, NoFit)
        assert "separated" in found.reason


def test_numbers_that_are_not_known_have_an_indicator() -> None:
    people = np.array([5, 5, 5, 5])
    model = design([Covariate("age", [30.0, None, 50.0, 60.0])], people)

    assert model.names == ("age", "age not known")
    assert model.raw.tolist() == [[30, 0], [0, 1], [50, 0], [60, 0]]
    codes = design([Covariate("sex", ["f", "m", None, "f"])], people)
    assert codes.names == ("sex m", "sex not known")


# ---- known truth


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """2,000 registries of 500, missing at random given severity and age, 8 % dead."""
    rng = np.random.default_rng(20)
    ages = np.array([25.0, 45.0, 65.0])
    severity = np.repeat([0, 1, 2], 3)
    age = np.tile(ages, 3)
    share = np.outer([0.5, 0.3, 0.2], [0.3, 0.4, 0.3]).ravel()
    answers = special.expit(1.0 - 0.6 * severity + (age - 45) / 40)
    responds = special.expit(0.8 - 0.9 * severity + (age - 45) / 50)
    truth = 0.92 * float(share @ responds)
    naive = float((share * answers) @ responds / (share @ answers)) * 0.92
    covariates = [
        Covariate("severity", [f"grade {s}" for s in severity]),
        Covariate("age", list(age)),
    ]
    due = rng.multinomial(500, share, 2000)
    dead = rng.binomial(due, 0.08)
    answered = rng.binomial(due - dead, answers)
    yes = rng.binomial(answered, responds)
    found = [
        weighted(DueCounts(n, r, a - r, d), covariates)
        for n, r, a, d in zip(due, yes, answered, dead, strict=True)
    ]
    assert all(isinstance(each, Weighted) for each in found)
    covered = np.mean([each.lower <= truth <= each.upper for each in found])
    bias = np.mean([each.estimate for each in found]) - truth

    assert 0.93 <= covered <= 0.97
    assert abs(bias) < 0.003 < naive - truth
    spread = np.std([each.estimate for each in found])
    assert np.mean([each.se for each in found]) == pytest.approx(spread, rel=0.05)
