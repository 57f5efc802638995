"""What is wrong in a file, told by line, column, value and reason."""

from collections.abc import Callable
from dataclasses import dataclass

LONGEST, LONGEST_REASON = 80, 2000


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong. `line` counts from 1, the header; `reason` says what to do."""

    line: int
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        """As a person reads it."""
        column = f", column {self.column}" if self.column else ""
        value = f", value '{self.value}'" if self.value else ""
        return f"line {self.line}{column}{value}: {self.reason}"


class Faults:
    """Counts faults and passes each on at once: a file of nothing but faults fills no memory."""

    def __init__(self, tell: Callable[[Fault], None]) -> None:
        self.count = 0
        self._tell = tell

    def add(self, line: int, column: str, value: str, reason: str) -> None:
        """One more."""
        self.count += 1
        self._tell(Fault(line, shown(column), shown(value), shown(reason, LONGEST_REASON)))


def shown(value: str, longest: int = LONGEST) -> str:
    """The value as it can be printed: bytes that are no text as \\xNN, and not too long."""
    text = "".join(
        f"\\x{ord(sign) - 0xDC00:02x}" if 0xDC80 <= ord(sign) <= 0xDCFF else sign for sign in value
    )
    text = "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"
