"""Keys of the API from the command line."""

from click.testing import CliRunner, Result
from factories import a_site, a_user
from flask import Flask
from functional.importing import environment
from functional.program import Program

from registry.cli import registry as command
from registry.runtime import Runtime


def run(runtime: Runtime, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["user", *arguments], env=environment(runtime))


def test_a_key_is_issued_listed_and_revoked(app: Flask, registry: Runtime) -> None:
    user = a_user(registry, "nurse", site=None)
    issued = run(registry, "key", user.email.upper(), "--label", "laboratory system")
    assert issued.exit_code == 0, issued.output
    program = Program(app, issued.stdout.strip(), user)
    assert program.get("/patients") == {"patients": [], "next": None}
    number, email, label, _day, state = run(registry, "keys").stdout.strip().split("\t")
    assert (email, label, state) == (user.email, "laboratory system", "in force")
    assert program.key not in run(registry, "keys").stdout
    assert run(registry, "revoke", number).exit_code == 0
    program.get("/patients", 401)
    assert "revoked" in run(registry, "keys").stdout


def test_there_is_no_key_for_nobody(registry: Runtime) -> None:
    a_site(registry)
    assert "no account" in str(run(registry, "key", "nobody@example.org", "--label", "x").exception)
    assert "no such key" in str(run(registry, "revoke", "7").exception)
