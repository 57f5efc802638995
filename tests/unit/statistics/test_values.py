"""How statistics become JSON."""

import json
import math

import pytest
from scipy import stats

from registry.statistics.values import (
    Estimate,
    Interval,
    NotEstimable,
    Proportion,
    Rate,
    beside,
    number,
    z_value,
)


def test_a_proportion_has_the_keys_of_the_contract_and_no_others() -> None:
    shown = Proportion(1, 4, 0.25, 0.1, 0.6, "wilson").as_json()

    assert shown == {
        "x": 1,
        "n": 4,
        "estimate": 0.25,
        "lower": 0.1,
        "upper": 0.6,
        "method": "wilson",
    }


def test_a_proportion_that_is_not_estimable_is_null_with_the_reason_beside_it() -> None:
    shown = Proportion(0, 0, None, None, None, "wilson", reason="nobody answered").as_json()

    assert shown == {
        "x": 0,
        "n": 0,
        "estimate": None,
        "lower": None,
        "upper": None,
        "method": "wilson",
        "reason": "nobody answered",
    }


def test_an_interval_says_its_level() -> None:
    assert Interval(0.1, 0.2, 0.9, "wilson").as_json() == {
        "lower": 0.1,
        "upper": 0.2,
        "level": 0.9,
        "method": "wilson",
    }


def test_a_rate_is_written_like_an_estimate_without_its_level() -> None:
    assert Rate(1.0, 0.5, 2.0, "garwood").as_json() == {
        "estimate": 1.0,
        "lower": 0.5,
        "upper": 2.0,
        "method": "garwood",
    }


def test_unbounded_is_a_word_so_that_every_json_reader_can_read_it() -> None:
    shown = Estimate(5.0, 1.0, math.inf, "log-log").as_json()

    assert json.loads(json.dumps(shown, allow_nan=False))["upper"] == "infinity"
    assert number(-math.inf) == "-infinity"


def test_nan_never_leaves() -> None:
    with pytest.raises(ValueError, match="NaN"):
        number(math.nan)


def test_bare_numbers_share_one_reason() -> None:
    assert beside(a=1.0, b=NotEstimable("no one"), c=NotEstimable("no one")) == {
        "a": 1.0,
        "b": None,
        "c": None,
        "reason": "b, c: no one",
    }
    assert NotEstimable("no one").as_json() == {"estimate": None, "reason": "no one"}


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95, 0.99, 0.999])
def test_z_is_the_normal_quantile_in_full_precision(level: float) -> None:
    assert z_value(level) == pytest.approx(stats.norm.ppf(1 - (1 - level) / 2), rel=1e-13)
    assert z_value(0.95) != 1.96


@pytest.mark.parametrize("level", [0, 1, -0.5, 95])
def test_a_level_outside_0_and_1_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        z_value(level)
