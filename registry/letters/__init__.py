"""Letters: words as data, one version per file, and the message made of them."""

from registry.letters.rendering import Letter, LetterRefused, render
from registry.letters.waves import as_bytes
from registry.letters.wording import FACTS, Wording, wording

__all__ = ["FACTS", "Letter", "LetterRefused", "Wording", "as_bytes", "render", "wording"]
