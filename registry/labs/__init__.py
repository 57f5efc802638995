"""Laboratory results: which test, which unit, within which limits, of which grade."""

from registry.labs.grading import DEFAULT_VERSION, grade
from registry.labs.table import (
    GradeRule,
    LabTable,
    LabTest,
    Range,
    UnknownTest,
    find,
    has_check_digit,
    table,
)
from registry.labs.units import (
    NotConverted,
    Quantity,
    UnknownUnit,
    canonical,
    canonical_unit_of,
    code_conflict,
    convert,
)
from registry.labs.values import (
    Comparator,
    Flag,
    UnreadableValue,
    check_plausible,
    check_possible,
    flag,
    limits_for,
    parse_value,
)

__all__ = [
    "DEFAULT_VERSION",
    "Comparator",
    "Flag",
    "GradeRule",
    "LabTable",
    "LabTest",
    "NotConverted",
    "Quantity",
    "Range",
    "UnknownTest",
    "UnknownUnit",
    "UnreadableValue",
    "canonical",
    "canonical_unit_of",
    "check_plausible",
    "check_possible",
    "code_conflict",
    "convert",
    "find",
    "flag",
    "grade",
    "has_check_digit",
    "limits_for",
    "parse_value",
    "table",
]
