"""Where a fault happened, without its message: messages may quote a patient's data."""

import traceback


def trace(fault: BaseException) -> str:
    """The fault's kind and the places it came through."""
    places = "".join(traceback.format_tb(fault.__traceback__))
    return f"{type(fault).__name__}\n{places}"
