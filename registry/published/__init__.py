"""Published figures as reviewed data: the comparator library, checked whenever it is loaded."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

from registry.datafiles import DataFileError
from registry.published.figures import Effect, Figure, Measure, Row
from registry.published.library import Library
from registry.published.pairing import Apart, Outcome, Pair, Pairing, Why, pair
from registry.published.reading import LibraryFile, check, read
from registry.published.studies import Arm, Code, Conflict, Source, Study
from registry.published.vocabulary import Better, Kind, Role, Status

__all__ = [
    "Apart", "Arm", "Better", "Code", "Conflict", "Effect", "Figure", "Kind", "Library",
    "Measure", "Outcome", "Pair", "Pairing", "Role", "Row", "Source", "Status", "Study", "Why",
    "library", "load", "pair",
]  # fmt: skip


@cache
def library() -> Library:
    """The bundled comparator library, read and checked once per process."""
    folder = resources.files(__name__)
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml"))
    files = {name: read(folder.joinpath(name).read_text("utf-8"), name) for name in names}
    codes = {name: code for file in files.values() for name, code in file.codes.items()}
    for name, file in files.items():
        check(file, codes, name)
    return _joined(list(files.values()), codes)


def load(path: Path) -> Library:
    """The library in an analyst's file (`--published`); it may use the bundled codes.

    Raises DataFileError with every fault, each by study and figure. See docs/published-figures.md.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise DataFileError(f"{path} cannot be read as UTF-8 text: {fault}") from None
    file = read(text, path.name)
    bundled = library().codes
    for name in file.codes:
        if bundled.get(name, file.codes[name]) != file.codes[name]:
            raise DataFileError(f"{path.name}: code {name} is bundled and means something else")
    codes = {**bundled, **file.codes}
    check(file, codes, path.name)
    return _joined([file], codes)


def _joined(files: list[LibraryFile], codes: dict[str, Code]) -> Library:
    return Library(
        codes,
        tuple(study for file in files for study in file.studies),
        tuple(conflict for file in files for conflict in file.conflicts),
    )
