"""Advertised statements as reviewed data: what was said, where it was read, how it is tested."""

from registry.claims.model import Claim, bundled
from registry.statistics.claims import Kind

__all__ = ["Claim", "Kind", "bundled"]
