"""report: the whole report, to a file or to stdout."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from registry import published
from registry.cli.common import runtime_from_env
from registry.db import reading
from registry.queries import protocols
from registry.reports.report import PROFILES, build


class Day(click.ParamType[date]):
    """A civil date, ISO."""

    name = "date"

    def convert(self, value: str, param: object, ctx: object) -> date:
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise click.BadParameter(f"{value!r} is no date; write it like 2026-01-31") from None


class Instant(click.ParamType[datetime]):
    """An instant with its zone, ISO."""

    name = "instant"

    def convert(self, value: str, param: object, ctx: object) -> datetime:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            raise click.BadParameter(
                f"{value!r} is no instant; write it like 2026-01-31T18:00:00Z"
            ) from None
        if instant.tzinfo is None:
            raise click.BadParameter(f"{value!r} has no zone; write it like 2026-01-31T18:00:00Z")
        try:
            return instant.astimezone(UTC)
        except OverflowError:
            raise click.BadParameter(f"{value!r} is too far away") from None


@click.command("report")
@click.option("--as-of", type=Day(), help="data cut-off: what is dated later is left out")
@click.option("--known-at", type=Instant(), help="leave out what was recorded or corrected later")
@click.option("--profile", type=click.Choice(PROFILES), default="internal", show_default=True)
@click.option("--site", help="only this site (its code)")
@click.option(
    "--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="default: stdout"
)
@click.option(
    "--published",
    "figures",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="further published figures to stand beside the registry",
)
@click.option(
    "--covariates",
    help="baseline covariates that answers are weighted by, most important first: age,sex",
)
@click.option(
    "--resamples",
    type=click.IntRange(100, 100_000),
    metavar="N",
    help="bootstrap what is matched to studies, say 2000 times",
)
def report(
    as_of: date | None,
    known_at: datetime | None,
    profile: str,
    site: str | None,
    file: Path | None,
    figures: Path | None,
    covariates: str | None,
    resamples: int | None,
) -> None:
    """The whole report as JSON: response rates, outcomes, safety, survival, comparisons."""
    library = published.library()
    if figures is not None:
        library = library.plus(published.load(figures))
    with runtime_from_env() as runtime, reading(runtime) as session:
        today = runtime.clock.now().astimezone(ZoneInfo(runtime.settings.zone)).date()
        text = build(
            session,
            protocols.in_force(session, known_at).protocol,
            library,
            as_of=as_of or today,
            known_at=known_at,
            site=site,
            profile=profile,
            covariates=None if covariates is None else _names(covariates),
            resamples=resamples,
        ).as_text()
    if file is None:
        click.echo(text, nl=False)
    else:
        _write(file, text)
        click.echo(f"Written to {file}.", err=True)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = f"cannot write {file}: {error.strerror}"
        raise click.BadParameter(reason, param_hint="--json") from error


def _names(text: str) -> list[str]:
    return [name for name in (each.strip() for each in text.split(",")) if name]


COMMANDS: tuple[click.Command, ...] = (report,)
