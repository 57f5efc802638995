"""The staff application in tests."""

from collections.abc import Callable

import pytest
from flask import Flask
from functional.applications import staff_app
from functional.staff_visitor import Staff, member

from registry.runtime import Runtime

SignIn = Callable[..., Staff]


@pytest.fixture
def app(registry: Runtime) -> Flask:
    """The staff pages, with passwords that cost nothing to check."""
    return staff_app(registry)


@pytest.fixture
def sign_in(app: Flask, registry: Runtime) -> SignIn:
    """Gives a browser in which somebody with these roles at that site is signed in."""

    def _sign_in(*roles: str, site: str | None = "A") -> Staff:
        return Staff(app).sign_in(member(registry, *roles, site=site))

    return _sign_in
