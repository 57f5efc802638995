"""Tipping points: how many of the silent would change what a comparison says, in words and JSON."""

from collections.abc import Iterable

from registry.reports.values import SideBySide
from registry.statistics.policy import SUPPRESSED, Suppressed
from registry.statistics.tipping import HIGHER, LOWER, TippingPoint
from registry.statistics.values import Json
from registry.words import percent, whole

ALONE = "no published figure stands beside it"
NOBODY = "one side has nobody"


def tipping_json(code: str, month: int, comparisons: Iterable[SideBySide]) -> Json:
    """The outcome's "tipping_point": one entry per published figure beside it, or null and why."""
    ours = [each for each in comparisons if (each.outcome.code, each.pair.months) == (code, month)]
    if not ours:
        return {"tipping_point": None, "reason": f"tipping_point: {ALONE}"}
    tips = [each.comparison.tipping if each.comparison else SUPPRESSED for each in ours]
    if all(isinstance(tip, Suppressed) for tip in tips):
        return {"tipping_point": SUPPRESSED.as_json()}
    found = [
        {"study": each.study, "arm": each.arm, **tip.as_json(), "sentence": tipping_sentence(tip)}
        for each, tip in zip(ours, tips, strict=True)
        if isinstance(tip, TippingPoint)
    ]
    if not found:
        return {"tipping_point": None, "reason": f"tipping_point: {NOBODY}"}
    return {"tipping_point": found}


def tipping_sentence(tip: TippingPoint) -> str:
    """What the comparison says, and how many of the silent would make it say something else."""
    says = {LOWER: "Registry lower", HIGHER: "Registry higher"}.get(tip.conclusion)
    if not tip.silent:
        return f"{says or 'Too few to tell'}; nobody is silent."
    below = None if tip.at_most is None else _at_most(tip.at_most, tip.silent)
    above = None if tip.at_least is None else _at_least(tip.at_least, tip.silent)
    if says:
        changed = below or above
        return f"{says}; no longer {changed}." if changed else f"{says}, whatever the silent had."
    clauses = (below and f"lower {below}", above and f"higher {above}")
    told = ", ".join(clause for clause in clauses if clause)
    return f"Too few to tell; {told}." if told else "Too few to tell, whatever the silent had."


def _at_most(some: int, silent: int) -> str:
    if some == silent:
        return "whatever the silent had"
    if some == 0:
        return f"if none of the {whole(silent)} silent had it"
    return f"if at most {_of(some, silent)} had it"


def _at_least(some: int, silent: int) -> str:
    if some == 0:
        return "whatever the silent had"
    if some == silent:
        return f"if all of the {whole(silent)} silent had it"
    return f"if at least {_of(some, silent)} had it"


def _of(some: int, silent: int) -> str:
    return f"{whole(some)} of the {whole(silent)} silent ({percent(some / silent)})"
