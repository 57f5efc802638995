"""Rules of the house that no linter sees."""

import ast
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import registry.actions
import registry.models
from registry.db import Base

ROOT = Path(__file__).parent.parent
SOURCES = [
    path for folder in ("registry", "workers", "surveys") for path in (ROOT / folder).rglob("*.py")
]
MAY_TOO = {Path(f"registry/{name}.py") for name in ("db", "http", "late_forms")}
EDGES = ("web", "door", "api", "cli", "demo")


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in SOURCES:
        yield path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else None
            yield name or getattr(function, "id", ""), node


def test_import_contracts_hold() -> None:
    lint = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(lint, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_only_db_commits() -> None:
    owners = ("session", "connection", "engine", "writing", "transaction")
    found = [
        f"{path}:{call.lineno}"
        for path, tree in trees()
        for name, call in calls(tree)
        if name in {"commit", "begin"}
        and isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func.value).endswith(owners)
        and path != Path("registry/db.py")
    ]
    assert found == []


def test_only_edges_open_transactions() -> None:
    def may(path: Path) -> bool:
        edge = path.parts[0] == "workers" or path.parts[1].removesuffix(".py") in EDGES
        return edge or path in MAY_TOO

    found = [
        f"{path}:{call.lineno}"
        for path, tree in trees()
        for name, call in calls(tree)
        if name in {"transaction", "reading"} and not may(path)
    ]
    assert found == []


def test_nothing_is_scheduled_in_the_broker() -> None:
    forbidden = {"eta", "countdown"}
    found = [
        f"{path}:{call.lineno}"
        for path, tree in trees()
        for name, call in calls(tree)
        if name == "retry" or forbidden & {keyword.arg for keyword in call.keywords}
    ]
    assert found == []


def public_actions() -> list[Any]:
    modules = [
        import_module(f"registry.actions.{info.name}")
        for info in pkgutil.iter_modules(registry.actions.__path__)
    ]
    return [
        pytest.param(thing, id=f"{module.__name__}.{name}")
        for module in modules
        for name, thing in vars(module).items()
        if inspect.isfunction(thing)
        and thing.__module__ == module.__name__
        and not name.startswith("_")
        and "session" in inspect.signature(thing).parameters
    ]


@pytest.mark.parametrize("action", public_actions())
def test_actions_take_a_session_and_say_who_and_when(action: Callable[..., object]) -> None:
    parameters = inspect.signature(action).parameters
    assert next(iter(parameters)) == "session"
    for name in ("by", "at"):
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY


def test_every_table_is_imported_by_the_models_package() -> None:
    tables = {mapper.class_.__name__ for mapper in Base.registry.mappers}
    assert tables == set(registry.models.__all__) - {"known"}


def test_modules_and_functions_stay_small() -> None:
    modules = [
        f"{path} has {len(lines)} lines"
        for path in SOURCES
        if len(lines := path.read_text(encoding="utf-8").splitlines()) > 400
    ]
    functions = [
        f"{path}:{node.lineno} {node.name} is over 40 lines"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 40
    ]
    assert modules + functions == []
