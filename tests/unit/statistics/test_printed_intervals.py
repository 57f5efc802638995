"""What a printed interval tells of its standard error, and on which scale."""

import math
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import special

from registry.statistics.printed_intervals import Recovered, standard_error
from registry.statistics.values import NotEstimable

Z = 1.959963984540054
BACK = {
    "linear": lambda value: value,
    "log": math.exp,
    "logit": lambda value: float(special.expit(value)),
    "log(-log)": lambda value: math.exp(-math.exp(value)),
}


def printed(value: float, digits: int = 4) -> Decimal:
    return Decimal(f"{value:.{digits}f}")


@given(
    scale=st.sampled_from(["linear", "log", "logit", "log(-log)"]),
    share=st.floats(0.2, 0.8),
    se=st.floats(0.05, 0.3),
)
def test_the_error_that_made_an_interval_is_found_again(
    scale: str, share: float, se: float
) -> None:
    there = {"linear": lambda p: p, "log": math.log, "logit": special.logit}.get(
        scale, lambda p: math.log(-math.log(p))
    )
    error = se / 5 if scale == "linear" else se
    middle = float(there(share))
    ends = sorted(BACK[scale](middle + sign * Z * error) for sign in (-1, 1))
    assume(ends[0] > 0.01 and ends[1] < 0.99)
    found = standard_error(printed(share), *map(printed, ends), scales=[scale])

    assert isinstance(found, Recovered)
    assert found.scale == scale
    assert found.se == pytest.approx(error, rel=0.02)
    assert found.estimate == pytest.approx(middle, abs=0.02)


def test_the_scale_shows_in_how_the_interval_lies() -> None:
    # printed of survival after treatment: 88.7 % (82.2 to 92.9)
    survival = standard_error(Decimal("0.887"), Decimal("0.822"), Decimal("0.929"))
    assert isinstance(survival, Recovered)
    assert survival.scale in ("logit", "log(-log)")
    ratio = standard_error(Decimal("2.0"), Decimal("1.0"), Decimal("4.0"))
    assert isinstance(ratio, Recovered)
    assert (ratio.scale, ratio.se) == ("log", pytest.approx(math.log(4) / 2 / Z))
    even = standard_error(Decimal("10.0"), Decimal("8.0"), Decimal("12.0"))
    assert isinstance(even, Recovered)
    assert (even.scale, even.se) == ("linear", pytest.approx(2 / Z))


def test_an_interval_that_lies_evenly_nowhere_gives_nothing() -> None:
    found = standard_error(Decimal("0.90"), Decimal("0.10"), Decimal("0.91"))
    assert isinstance(found, NotEstimable)
    assert "no known scale" in found.reason


def test_limits_at_the_ends_are_on_no_scale_that_ends_there() -> None:
    found = standard_error(Decimal("0.05"), Decimal("0.00"), Decimal("0.10"))
    assert isinstance(found, Recovered)
    assert found.scale == "linear"


def test_limits_that_run_backwards_are_an_error() -> None:
    with pytest.raises(ValueError, match="no estimate with its interval"):
        standard_error(Decimal(3), Decimal(4), Decimal(5))
