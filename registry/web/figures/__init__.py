"""Pages of figures: one blueprint per page, all from the report under the asker's profile."""

from registry.web.figures.claims import claims
from registry.web.figures.downloads import downloads
from registry.web.figures.monitoring import monitoring
from registry.web.figures.outcomes import outcomes
from registry.web.figures.published import published
from registry.web.figures.response import response
from registry.web.figures.safety import safety
from registry.web.figures.survival import survival

BLUEPRINTS = (response, outcomes, safety, survival, published, claims, downloads, monitoring)

__all__ = [
    "BLUEPRINTS",
    "claims",
    "downloads",
    "monitoring",
    "outcomes",
    "published",
    "response",
    "safety",
    "survival",
]
