"""The simulation sees what it is for: planted bugs, a few in each run, all by `make mutants`."""

import hashlib
import random
from pathlib import Path

import pytest

from simulation.bugs import BUGS
from simulation.mutants import hunt
from simulation.planting import Bug, new_code

ROOT = Path(__file__).parents[2]
QUICK = ("mark first", "no marker", "thirty days a month", "one follow-up less", "no reminders")


def some() -> list[Bug]:
    """Other bugs whenever the code that they are planted in has changed."""
    quick = [bug for bug in BUGS if bug.name in QUICK]
    code = hashlib.sha256()
    for folder in ("workers", "registry/actions"):
        for path in sorted((ROOT / folder).glob("*.py")):
            code.update(path.read_bytes())
    return random.Random(code.hexdigest()).sample(quick, 2)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "_"))
def test_a_planted_bug_follows_the_code(bug: Bug) -> None:
    assert list(new_code(bug))


@pytest.mark.parametrize("bug", some(), ids=lambda bug: bug.name.replace(" ", "_"))
def test_a_planted_bug_is_seen(bug: Bug) -> None:
    assert hunt(bug, seeds=30).after is not None


def test_there_are_enough_of_them_each_with_a_name_of_its_own() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 40
