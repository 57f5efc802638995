"""That a drill tells the truth about what it saw; the drills themselves are run by `make drill`."""

import sys
from collections.abc import Iterator

import pytest

from drills.__main__ import DRILLS, main
from drills.drill import Drill, Seen, carry_out


def as_expected() -> Iterator[Seen]:
    yield Seen("ten letters")


def otherwise() -> Iterator[Seen]:
    yield Seen("nine letters", is_well=False)
    yield Seen("no more")


def breaks_off() -> Iterator[Seen]:
    yield Seen("ten letters")
    raise TimeoutError("no answer")


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (as_expected, "seen      ten letters\n          passed"),
        (otherwise, "seen      NOT WELL: nine letters\nseen      no more\n          FAILED"),
        (breaks_off, "NOT WELL: it broke off: TimeoutError: no answer\n          FAILED"),
    ],
)
def test_a_drill_passes_only_if_all_was_as_expected(
    capsys: pytest.CaptureFixture[str], run, told: str
) -> None:
    assert carry_out(Drill("sinking", "boats to the water", "dry feet", run)) == (
        run is as_expected
    )
    printed = capsys.readouterr().out
    assert "drill     sinking\ndone      boats to the water\nexpected  dry feet\n" in printed
    assert told in printed


def test_the_program_knows_its_drills(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["drills", "flushall", "sinking"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "there is no drill sinking" in told
    assert all(name in told for name in DRILLS)
