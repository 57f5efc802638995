"""AAPOR rates by the standard's formulas."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.statistics.proportions import wilson
from registry.statistics.response_rates import ALLOCATED, Dispositions, response_rates
from registry.statistics.values import NotEstimable

COUNT = st.integers(0, 500)
ANY = st.builds(
    Dispositions,
    complete=COUNT,
    partial=COUNT,
    refused=COUNT,
    no_contact=COUNT,
    other=COUNT,
    unknown=COUNT,
    not_eligible=COUNT,
)


def test_the_vector_with_a_supplied_e() -> None:
    counts = Dispositions.from_letters({"I": 52, "P": 6, "R": 5, "NC": 20, "O": 3, "U": 10})

    result = response_rates(counts, e=0.9, e_source="tracing of a sample")

    assert {name: round(rate, 4) for name, rate in result.rates.items()} == {
        "RR1": 0.5417,
        "RR2": 0.6042,
        "RR3": 0.5474,
        "RR4": 0.6105,
        "RR5": 0.6047,
        "RR6": 0.6744,
        "COOP1": 0.7879,
        "REF1": 0.0521,
        "CON1": 0.6875,
    }
    assert (result.e, result.e_source) == (0.9, "tracing of a sample")
    assert result.rr1 == wilson(52, 96)


def test_the_dead_leave_the_denominator_and_set_e_by_proportional_allocation() -> None:
    counts = Dispositions.from_letters({"I": 60, "R": 10, "NC": 10, "U": 10, "NE": 20})

    result = response_rates(counts)

    assert counts.due == 110
    assert (result.e, result.e_source) == (80 / 100, ALLOCATED)
    assert result.rates["RR1"] == 60 / 90
    assert result.rates["RR3"] == 60 / 88


def test_the_withdrawn_stay_in_the_denominator() -> None:
    before = response_rates(Dispositions(complete=8, refused=0, no_contact=2))
    after = response_rates(Dispositions(complete=8, refused=2, no_contact=0))

    assert before.rates["RR1"] == after.rates["RR1"] == 0.8


@given(ANY)
def test_rates_keep_their_order_and_stay_between_0_and_1(counts: Dispositions) -> None:
    rates = response_rates(counts).rates
    if any(isinstance(rate, NotEstimable) for rate in rates.values()):
        return

    assert rates["RR1"] <= rates["RR3"] <= rates["RR5"]
    assert rates["RR2"] <= rates["RR4"] <= rates["RR6"]
    assert all(rates[low] <= rates[high] for low, high in (("RR1", "RR2"), ("RR5", "RR6")))
    assert all(0 <= rate <= 1 for rate in rates.values())
    assert rates["RR2"] + rates["REF1"] <= rates["CON1"] + 1e-12


@given(ANY)
def test_what_is_written_adds_up_to_the_due(counts: Dispositions) -> None:
    written = response_rates(counts).as_json()

    assert sum(written["dispositions"].values()) == counts.due
    assert list(written) == ["dispositions", "e", "response_rates", "RR1_interval"]
    assert (written["response_rates"]["RR1"] is None) == ("reason" in written["RR1_interval"])


def test_nobody_due_is_not_estimable_and_says_so() -> None:
    written = response_rates(Dispositions()).as_json()

    assert written["e"] is None
    assert written["response_rates"]["RR1"] is None
    assert "nobody" in written["response_rates"]["reason"]
    assert written["RR1_interval"]["level"] == 0.95


def test_only_the_dead_are_due() -> None:
    rates = response_rates(Dispositions(not_eligible=3)).rates

    assert all(isinstance(rate, NotEstimable) for rate in rates.values())


def test_only_unknowns_leave_rr3_open_and_rr1_at_0() -> None:
    rates = response_rates(Dispositions(unknown=4)).rates

    assert rates["RR1"] == 0
    assert isinstance(rates["RR3"], NotEstimable)
    assert isinstance(rates["RR5"], NotEstimable)


def test_nobody_reached_leaves_only_cooperation_open() -> None:
    rates = response_rates(Dispositions(no_contact=4)).rates

    assert isinstance(rates["COOP1"], NotEstimable)
    assert rates["RR1"] == rates["CON1"] == 0


def test_an_unknown_letter_a_negative_count_and_an_impossible_e_are_refused() -> None:
    with pytest.raises(ValueError, match="XX"):
        Dispositions.from_letters({"XX": 1})
    with pytest.raises(ValueError, match="negative"):
        Dispositions(complete=-1)
    with pytest.raises(ValueError, match="share"):
        response_rates(Dispositions(complete=1), e=1.5)
