"""A protocol may choose among methods that are right, and among no others."""

import json

import pytest

from registry.datafiles import DataFileError
from registry.protocols import bundled, from_text
from registry.statistics.methods import DEFAULT, KNOWN, Methods


def test_the_defaults_are_those_of_the_specification() -> None:
    assert bundled().statistics == DEFAULT
    assert Methods("wilson", "newcombe", "miettinen-nurminen", "score") == DEFAULT


@pytest.mark.parametrize(("name", "method"), [(n, m) for n, known in KNOWN.items() for m in known])
def test_every_method_may_be_chosen(name: str, method: str) -> None:
    assert getattr(Methods(**{name: method}), name) == method


@pytest.mark.parametrize("name", list(KNOWN))
@pytest.mark.parametrize("method", ["wald", "woolf", "katz", ""])
def test_forbidden_methods_are_refused_where_they_stand(name: str, method: str) -> None:
    content = json.loads(bundled().text) | {"statistics": {name: method}}
    with pytest.raises(DataFileError, match="statistics"):
        from_text(json.dumps(content))
