"""web and door: the two production web processes, gunicorn with our settings."""

import os
from collections.abc import Callable
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from registry.app import create_app, create_door
from registry.runtime import Runtime, make_runtime
from registry.settings import Settings


class _Server(BaseApplication):
    """gunicorn without a configuration file: each worker connects for itself after the fork."""

    def __init__(
        self, make: Callable[[Runtime], Flask], settings: Settings, **options: Any
    ) -> None:
        self.make, self.settings, self.options = make, settings, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self.make(make_runtime(self.settings))


def _serve(make: Callable[[Runtime], Flask], *, door: bool, address: str, concurrency: int) -> None:
    settings = Settings.from_env(os.environ, door=door)
    _Server(
        make,
        settings,
        bind=address,
        workers=concurrency,
        threads=4,
        worker_class="gthread",
        timeout=60,
        control_socket_disable=True,
    ).run()


_host = click.option("--host", default="127.0.0.1", show_default=True)
_concurrency = click.option(
    "--concurrency", default=2, show_default=True, help="processes, of four threads each"
)


@click.command("web")
@_host
@click.option("--port", default=8000, show_default=True)
@_concurrency
def web(host: str, port: int, concurrency: int) -> None:
    """Serve the staff pages and the API (production)."""
    _serve(create_app, door=False, address=f"{host}:{port}", concurrency=concurrency)


@click.command("door")
@_host
@click.option("--port", default=8001, show_default=True)
@_concurrency
def door(host: str, port: int, concurrency: int) -> None:
    """Serve the patient door (production): a process and a database role of its own."""
    _serve(create_door, door=True, address=f"{host}:{port}", concurrency=concurrency)


COMMANDS: tuple[click.Command, ...] = (web, door)
