"""web and door: the two production web processes, gunicorn with our settings."""

import os
import sys

import click

from registry.settings import Settings

_host = click.option("--host", default="127.0.0.1", show_default=True)
_concurrency = click.option(
    "--concurrency", default=2, show_default=True, help="processes, of four threads each"
)


def _become_gunicorn(application: str, address: str, concurrency: int) -> None:
    """Replace this process, so that signals reach gunicorn itself. Each of its workers connects
    for itself after the fork.
    """
    options = {
        "--bind": address,
        "--workers": str(concurrency),
        "--worker-class": "gthread",
        "--threads": "4",
        "--timeout": "60",
    }
    flags = [part for pair in options.items() for part in pair]
    target = f"registry.cli.wsgi:{application}()"
    os.execv(
        sys.executable, [sys.executable, "-m", "gunicorn", *flags, "--no-control-socket", target]
    )


@click.command("web")
@_host
@click.option("--port", default=8000, show_default=True)
@_concurrency
def web(host: str, port: int, concurrency: int) -> None:
    """Serve the staff pages and the API (production)."""
    Settings.from_env(os.environ)  # refuse unusable settings here, not in every worker
    _become_gunicorn("web", f"{host}:{port}", concurrency)


@click.command("door")
@_host
@click.option("--port", default=8001, show_default=True)
@_concurrency
def door(host: str, port: int, concurrency: int) -> None:
    """Serve the patient door (production): a process and a database role of its own."""
    Settings.from_env(os.environ, door=True)
    _become_gunicorn("door", f"{host}:{port}", concurrency)


COMMANDS: tuple[click.Command, ...] = (web, door)
