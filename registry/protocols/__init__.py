"""Protocols: schedule, rules, outcomes and lists as reviewed data, checked on load."""

from registry.protocols.categories import Category, categories_of
from registry.protocols.loading import bundled, from_text, load_protocol
from registry.protocols.model import Outcome, OutcomeKind, Protocol
from registry.protocols.results import (
    RaisedAlert,
    ReportedProblem,
    alerts,
    groups_of,
    reported_problems,
    results,
    status,
)

__all__ = [
    "Category",
    "Outcome",
    "OutcomeKind",
    "Protocol",
    "RaisedAlert",
    "ReportedProblem",
    "alerts",
    "bundled",
    "categories_of",
    "from_text",
    "groups_of",
    "load_protocol",
    "reported_problems",
    "results",
    "status",
]
