"""demo: invented people live through the whole product; all is checked, printed and served."""

import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from registry import migrate
from registry.actions.passwords import HASHER
from registry.cli.common import NotMigrated
from registry.demo import folder as folders
from registry.demo.building import Demo, build_demo
from registry.demo.fates import FIRST_DAY
from registry.demo.life import last_day
from registry.demo.serving import serve
from registry.demo.staff import SignIn, sign_ins
from registry.demo.tables import tables
from registry.runtime import make_runtime
from registry.settings import Settings

FOLDER = Path("demo-data")
AGAIN = '`make demo ARGS="--again"` (`registry demo --again`) serves it where its clock stands.'
FREE = 0


@click.command("demo")
@click.option("--patients", default=400, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--months", default=36, show_default=True, type=click.IntRange(1, 600))
@click.option("--seed", default=1, show_default=True, help="other lives; the same seed, the same")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--no-serve", is_flag=True, help="end after the tables")
@click.option("--again", is_flag=True, help="serve what ./demo-data holds, and live nothing anew")
def demo(patients: int, months: int, seed: int, port: int, no_serve: bool, again: bool) -> None:
    """Make a registry in ./demo-data, live it with invented people, print it, serve it.

    Exit 1 if any figure of the report differs from what is true of the invented people.
    """
    if again:
        _again(port)
        return
    with Telling(months) as telling:
        lived = build_demo(
            FOLDER,
            patients=patients,
            months=months,
            seed=seed,
            port=FREE if no_serve else port,
            tell=telling.tell,
        )
    click.echo(tables(lived.json))
    _tell_check(lived)
    if no_serve:
        click.echo(AGAIN)
    else:
        _serve(lived.env, lived.sign_ins, port)


def _again(port: int) -> None:
    """Serve a demonstration that was stopped, with new passphrases: the old ones are nowhere."""
    given = click.get_current_context().get_parameter_source
    for name in ("patients", "months", "seed", "no_serve"):
        if given(name) is ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            raise click.UsageError(f"--again lives nothing anew: leave out --{option}")
    env = folders.environment(folders.lived(FOLDER), port)
    with closing(make_runtime(Settings.from_env(env))) as runtime:
        if not migrate.is_at_head(runtime.sessions.engine):
            raise NotMigrated(
                f"{FOLDER.resolve()} was made by another version of this software. "
                "Make a new one with `registry demo`, which takes this one away."
            )
        staffed = sign_ins(runtime, HASHER)
    _serve(env, staffed, port)


class Telling:
    """What is happening, on stderr: a bar on a terminal, else a line now and then."""

    def __init__(self, months: int) -> None:
        self._days = (last_day(months) - FIRST_DAY).days
        self._done = 0
        self._bar: Any = click.progressbar(
            length=self._days,
            label="Living",
            file=sys.stderr,
            item_show_func=lambda what: what or "",
        )

    def __enter__(self) -> "Telling":
        if sys.stderr.isatty():
            self._bar.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if sys.stderr.isatty():
            self._bar.__exit__(None, None, None)

    def tell(self, day: date, what: str) -> None:
        """The demonstration has come to that day."""
        line = f"{day:%Y-%m}: {what}"
        if not sys.stderr.isatty():
            click.echo(line, err=True)
            return
        done = (day - FIRST_DAY).days
        self._bar.update(done - self._done, line)
        self._done = done


def _tell_check(lived: Demo) -> None:
    """Say whether report and ledger agree; exit 1 if not."""
    click.echo(
        f"{lived.letters} letters by SMTP, {lived.requests} requests at the patient door. "
        f"Report: {lived.folder / 'report.json'}"
    )
    if lived.disagreements:
        click.echo("The report disagrees with what happened:", err=True)
        for one in lived.disagreements:
            click.echo(f"  {one}", err=True)
        sys.exit(1)
    click.echo("Every figure of the report agrees with what the invented people did.")


def _serve(env: Mapping[str, str], staffed: Sequence[SignIn], port: int) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with closing(make_runtime(Settings.from_env(env))) as runtime:
        try:
            serve(runtime, port, lambda: _tell_sign_ins(staffed, port))
        except KeyboardInterrupt:
            click.echo(f"Stopped. {AGAIN}", err=True)


def _tell_sign_ins(staffed: Sequence[SignIn], port: int) -> None:
    click.echo(f"\nhttp://127.0.0.1:{port} shows it, until you press Ctrl-C. Sign in as:")
    width = max(len(one.role) for one in staffed)
    for one in staffed:
        role = one.role.replace("_", " ").ljust(width)
        click.echo(f"  {role}  {one.email.ljust(28)}  {one.password}")
    click.echo("The clock stands still; the banner moves it by a day or a month.")


COMMANDS: tuple[click.Command, ...] = (demo,)
