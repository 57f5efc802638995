"""Which part of the worklist is looked at: by kind, by owner, by site; the address says which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from flask import request, url_for

from registry import http
from registry.models import Site
from registry.queries.worklists import Kind, Task

KINDS = (
    ("", "All"),
    (Kind.ALERT.value, "Alerts"),
    (Kind.EVENT.value, "Events to look at"),
    (Kind.CALL.value, "Calls"),
    (Kind.ADDRESS.value, "Addresses"),
)
OWNERS = (("", "Everybody's"), ("mine", "Mine"), ("nobody", "Nobody's yet"))
Tab = tuple[str, int, str, bool]


@dataclass(frozen=True)
class Choice:
    """What was chosen from `found`; an empty word chooses everything."""

    found: Sequence[Task]
    sites: Sequence[tuple[str, str]]
    site_ids: Mapping[str, int]
    kind: str = ""
    owner: str = ""
    site: str = ""

    @property
    def wanted(self) -> list[Task]:
        """What fits all three."""
        return [task for task in self.found if self._fits(task)]

    @property
    def kinds(self) -> list[Tab]:
        """The kinds with how many each has, under the other two choices."""
        return [self._tab(label, replace(self, kind=one), one == self.kind) for one, label in KINDS]

    @property
    def owners(self) -> list[Tab]:
        """The owners with how many each has, under the other two choices."""
        return [
            self._tab(label, replace(self, owner=one), one == self.owner) for one, label in OWNERS
        ]

    @property
    def query(self) -> dict[str, str]:
        """What an address needs to lead to this choice again."""
        chosen = {"kind": self.kind, "owner": self.owner, "site": self.site}
        return {name: value for name, value in chosen.items() if value}

    def address(self, *, start: int = 1) -> str:
        """The address of this choice from the row `start` on."""
        values: dict[str, Any] = {**self.query, **({"from": start} if start > 1 else {})}
        return url_for("worklist.home", **values)

    def _tab(self, label: str, other: Self, is_current: bool) -> Tab:
        return label, len(other.wanted), other.address(), is_current

    def _fits(self, task: Task) -> bool:
        mine = task.owner == http.by()
        return (
            self.kind in ("", task.kind)
            and self.owner in ("", "mine" if mine else "nobody" if task.owner is None else "-")
            and self.site_ids.get(self.site, task.patient.site_id) == task.patient.site_id
        )


def same_choice(form: Mapping[str, str]) -> str:
    """The address of the choice that a button of the list brought along."""
    values: dict[str, Any] = {n: form[n] for n in ("kind", "owner", "site") if form.get(n)}
    return url_for("worklist.home", **values)


def chosen(found: Sequence[Task], places: Sequence[Site]) -> Choice:
    """What the address asks for; a word that is not offered chooses everything."""

    def word(name: str, offered: Sequence[tuple[str, str]]) -> str:
        given = request.args.get(name, "")
        return given if given in dict(offered) else ""

    sites = [("", "All sites"), *((site.code, site.staff_name) for site in places)]
    return Choice(
        found,
        sites if len(places) > 1 else (),
        {site.code: site.id for site in places},
        word("kind", KINDS),
        word("owner", OWNERS),
        word("site", sites),
    )
