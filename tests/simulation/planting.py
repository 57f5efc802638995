"""Putting a known defect into the running code, and taking it out again."""

import importlib
import inspect
import textwrap
from collections.abc import Iterator
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


def altered(function: FunctionType, patch: Patch) -> CodeType:
    """The function's code with the patch in it. Raises DoesNotApply."""
    source = textwrap.dedent(inspect.getsource(function))
    found = source.count(patch.old)
    if found != 1:
        raise DoesNotApply(f"{patch.place}: {patch.old!r} stands there {found} times")
    made: dict[str, Any] = {}
    exec(source.replace(patch.old, patch.new), dict(function.__globals__), made)
    return inspect.unwrap(made[function.__name__]).__code__


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """The code has that bug while the block runs, wherever it was imported to."""
    with ExitStack() as stack:
        for patch in bug.patches:
            function = function_of(patch.place)
            kept, function.__code__ = function.__code__, altered(function, patch)
            stack.callback(setattr, function, "__code__", kept)
        yield
