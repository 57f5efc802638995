"""The protocol's codes exist in the data files that they point to."""

import pytest

from registry.labs import find
from registry.protocols import OutcomeKind, bundled
from registry.published import library

PROTOCOL = bundled()


@pytest.mark.parametrize("outcome", PROTOCOL.outcomes, ids=lambda outcome: outcome.code)
def test_every_published_code_is_one_of_the_library_with_figures(outcome):
    assert outcome.published_code in library().codes
    assert any(row.code == outcome.published_code for row in library().rows)


def test_laboratory_outcomes_name_a_test_of_the_laboratory_table():
    labs = [outcome.lab for outcome in PROTOCOL.outcomes if outcome.kind is OutcomeKind.LAB]
    assert [find(lab.test).id for lab in labs if lab] == ["dsdna"]
