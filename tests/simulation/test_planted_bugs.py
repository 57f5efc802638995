"""The simulation sees what it is for: planted bugs, a few in each run, all by `make mutants`."""

import hashlib
import random
from itertools import chain
from pathlib import Path

import pytest

from simulation.bugs import BUGS
from simulation.mutants import NEEDED, hunt, known_seeds, score
from simulation.planting import Bug, new_code

ROOT = Path(__file__).parents[2]
SAMPLE = 6
ENDLESS = "opened without moving"  # twenty seconds until it is seen
OTHERS = 10  # seeds: a step more in the code can give a seed another story


def some() -> list[Bug]:
    """Other bugs whenever the code that they are planted in has changed."""
    code = hashlib.sha256()
    for folder in ("workers", "registry/actions"):
        for path in sorted((ROOT / folder).glob("*.py")):
            code.update(path.read_bytes())
    known = known_seeds()
    quick = [bug for bug in BUGS if bug.name != ENDLESS]
    common = [bug for bug in quick if (known.get(bug.name) or 0) < OTHERS]
    return random.Random(code.hexdigest()).sample(common, SAMPLE)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "_"))
def test_a_planted_bug_follows_the_code(bug: Bug) -> None:
    assert list(new_code(bug))


@pytest.mark.parametrize("bug", some(), ids=lambda bug: bug.name.replace(" ", "_"))
def test_a_planted_bug_is_seen(bug: Bug) -> None:
    seed = known_seeds().get(bug.name) or 0
    others = (other for other in range(OTHERS) if other != seed)
    assert hunt(bug, chain([seed], others)).seed is not None


def test_nineteen_of_twenty_planted_bugs_were_seen() -> None:
    assert score(known_seeds()) >= NEEDED, 'run: make mutants ARGS="--write"'


def test_there_are_enough_of_them_each_with_a_name_of_its_own() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 40
