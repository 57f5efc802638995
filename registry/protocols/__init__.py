"""Protocols: schedule, rules, outcomes and lists as reviewed data, checked on load."""

from registry.protocols.categories import Category, categories_of
from registry.protocols.loading import bundled, from_text, load_protocol
from registry.protocols.model import Outcome, OutcomeKind, Protocol
from registry.protocols.values import values_of

__all__ = [
    "Category",
    "Outcome",
    "OutcomeKind",
    "Protocol",
    "bundled",
    "categories_of",
    "from_text",
    "load_protocol",
    "values_of",
]
