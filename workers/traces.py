"""Where a fault happened, without its message: messages may quote a patient's data."""

import traceback
from pathlib import Path

OURS = {"registry", "workers", "surveys"}


def trace(fault: BaseException) -> str:
    """The fault's kind, the places in our own code that it came through, and where it arose."""
    frames = traceback.extract_tb(fault.__traceback__)
    kept = [one for one in frames[:-1] if OURS & set(Path(one.filename).parts)] + frames[-1:]
    places = [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in kept]
    return f"{type(fault).__name__} ({' > '.join(places)})"
