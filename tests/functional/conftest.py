"""The staff application in tests."""

from collections.abc import Callable

import pytest
from flask import Flask
from functional.staff_visitor import CHEAP, Staff, member

from registry.app import create_app
from registry.runtime import Runtime

SignIn = Callable[..., Staff]


@pytest.fixture
def app(registry: Runtime) -> Flask:
    """The staff pages, with passwords that cost nothing to check."""
    return create_app(registry, hasher=CHEAP)


@pytest.fixture
def sign_in(app: Flask, registry: Runtime) -> SignIn:
    """Gives a browser in which somebody with these roles at that site is signed in."""

    def _sign_in(*roles: str, site: str | None = "A") -> Staff:
        return Staff(app).sign_in(member(registry, *roles, site=site))

    return _sign_in
