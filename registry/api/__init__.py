"""JSON under /api/v1: the same schemas and actions as the staff pages, for programs."""

from registry.api.application import document, register

__all__ = ["document", "register"]
