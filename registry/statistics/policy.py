"""What a release policy hides and rounds, and what stands in place of a hidden count."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from registry.statistics.values import Json

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Policy:
    """Counts of 1 to `hide_up_to` are hidden, others rounded to `base`, groups need `group` people.

    A group smaller than that gets no rate and is not broken down.
    """

    name: str
    hide_up_to: int
    base: int
    group: int

    def is_small(self, count: int) -> bool:
        return 1 <= count <= self.hide_up_to

    def rounded(self, count: int) -> int:
        return self.base * ((count + self.base // 2) // self.base)


RELEASE = Policy("release", hide_up_to=7, base=5, group=20)


@dataclass(frozen=True)
class Suppressed:
    """What stands in place of a hidden figure; it says nothing about it."""

    def as_json(self) -> Json:
        return {"suppressed": True}


SUPPRESSED = Suppressed()
Shown: TypeAlias = int | Suppressed


@dataclass(frozen=True)
class Sum(Generic[Key]):
    """A total and the parts that add up to it.

    `group`: the total is people (or sites, or answers) broken down by something; a small one is
    not broken down. `margin`: the total stands in a table beside its parts, so that hiding one
    count alone would leave a subtraction to be done; without it only the attacker minds the sum.
    """

    total: Key
    parts: tuple[Key, ...]
    group: bool = True
    margin: bool = True

    @property
    def breaks_down(self) -> bool:
        return self.group and len(self.parts) > 1

    @property
    def keys(self) -> tuple[Key, ...]:
        return (self.total, *self.parts)
