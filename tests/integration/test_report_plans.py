"""No statement of the report may be quadratic: SQLite's own plans, on a database without rows."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from spec.little import AT
from sqlalchemy import event

from registry.db import reading
from registry.protocols import bundled
from registry.queries.sufficient import Cut
from registry.queries.sufficient_incidence import first_serious
from registry.queries.sufficient_safety import safety
from registry.queries.sufficient_survival import survival
from registry.queries.sufficient_waves import waves
from registry.runtime import Runtime


@pytest.mark.parametrize("site", [None, "A"])
@pytest.mark.parametrize("known_at", [None, AT])
def test_no_statement_walks_one_table_for_each_row_of_another(
    make: Callable[[str], Runtime], sqlite_url: str, site: str | None, known_at: Any
) -> None:
    runtime = make(sqlite_url)
    said: list[tuple[str, Any]] = []
    event.listen(
        runtime.sessions.engine,
        "before_cursor_execute",
        lambda _c, _cursor, text, values, *_: said.append((text, values)),
    )
    cut = Cut(bundled().code, date(2024, 1, 1), known_at, site)
    with reading(runtime) as session:
        timepoints = [each.timepoint for each in bundled().timepoints]
        waves(session, cut, timepoints, bundled().outcomes, ("age", "severity", "weight"))
        safety(session, cut, {"malignancy": "malignancy"})
        survival(session, cut)
        first_serious(session, cut)
        for text, values in [pair for pair in said if "SELECT" in pair[0]]:
            plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
            loops: dict[int, list[str]] = defaultdict(list)
            for _, parent, _, step in plan:
                if step.startswith(("SCAN", "SEARCH")):
                    loops[parent].append(step)
            walked = [step for steps in loops.values() for step in steps[1:] if "SCAN" in step]
            assert not walked, f"{walked} in {text}"
    assert len(said) > 10
