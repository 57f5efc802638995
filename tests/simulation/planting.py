"""Putting a known defect into the running code, and taking it out again."""

import importlib
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any


@dataclass(frozen=True)
class Patch:
    """In the source of `place` ("package.module:function"), `old` becomes `new`."""

    place: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    """A defect by name: what a hurried or hopeful developer might have written."""

    name: str
    means: str
    patches: tuple[Patch, ...]


class DoesNotApply(Exception):
    """The code has changed: the list of planted bugs has to follow it."""


def function_of(place: str) -> FunctionType:
    """The function or method of that name."""
    module, _, path = place.partition(":")
    thing: Any = importlib.import_module(module)
    for name in path.split("."):
        thing = getattr(thing, name)
    found = inspect.unwrap(thing)
    assert isinstance(found, FunctionType)
    return found


def altered(function: FunctionType, patches: Iterable[Patch]) -> CodeType:
    """The function's code with the patches in it. Raises DoesNotApply."""
    source = textwrap.dedent(inspect.getsource(function))
    for patch in patches:
        found = source.count(patch.old)
        if found != 1:
            raise DoesNotApply(f"{patch.place}: {patch.old!r} stands there {found} times")
        source = source.replace(patch.old, patch.new)
    made: dict[str, Any] = {}
    exec(source, dict(function.__globals__), made)
    return inspect.unwrap(made[function.__name__]).__code__


def new_code(bug: Bug) -> Iterator[tuple[FunctionType, CodeType]]:
    """Every function that the bug alters, with its new code."""
    for place in dict.fromkeys(patch.place for patch in bug.patches):
        function = function_of(place)
        yield function, altered(function, [one for one in bug.patches if one.place == place])


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """The code has that bug while the block runs, wherever it was imported to."""
    with ExitStack() as stack:
        for function, code in list(new_code(bug)):
            kept, function.__code__ = function.__code__, code
            stack.callback(setattr, function, "__code__", kept)
        yield
