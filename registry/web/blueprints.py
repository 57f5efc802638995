"""Which pages there are: one blueprint per feature."""

from collections.abc import Iterator

from flask import Blueprint

from registry.settings import Settings
from registry.web import admin, figures
from registry.web.alerts import alerts
from registry.web.calls import calls
from registry.web.contact import contact
from registry.web.demo import demo
from registry.web.demo_clock import demo_clock
from registry.web.endings import endings
from registry.web.enrolment import enrolment
from registry.web.events import events
from registry.web.health import health
from registry.web.labs import labs
from registry.web.medicines import medicines
from registry.web.metrics import metrics
from registry.web.patients import patients
from registry.web.questionnaires import questionnaires
from registry.web.returns import returns
from registry.web.session import session
from registry.web.treatment import treatment
from registry.web.worklist import worklist


def of(settings: Settings, *, is_demo: bool) -> Iterator[Blueprint]:
    """The blueprints of this installation. Pages that it does not have are absent."""
    yield from (health, metrics, returns, session, worklist, patients)
    yield from (alerts, calls, contact, endings, enrolment, events, labs, medicines)
    yield from (questionnaires, treatment)
    yield from figures.BLUEPRINTS
    yield from admin.of(settings)
    if is_demo:
        yield demo
    if is_demo:
        yield demo_clock
