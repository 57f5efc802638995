"""Advertised statements as cards: the words, how they are read, the verdict, what it rests on."""

from dataclasses import dataclass, replace

from registry import words
from registry.claims import Claim, Kind
from registry.protocols import Outcome
from registry.reports.charts import apart, published, shown
from registry.reports.charts.apart import Listed
from registry.reports.claims import Bounds, Checked, Nobody
from registry.reports.figures import Mark, ShareBlock, ShareRow
from registry.reports.report import Report
from registry.reports.values import Figure
from registry.statistics.claims import Verdict
from registry.statistics.values import Proportion

COLOURS = {
    Verdict.SUPPORTED: "green",
    Verdict.CONTRADICTED: "red",
    Verdict.NOT_DETERMINED: "amber",
    Verdict.NOT_TESTABLE: "",
}
RULES = {
    Kind.AT_LEAST: "Supported if the lower 95 % limit (Wilson) reaches the claimed share even when "
    "nobody whose outcome is unknown had it. Contradicted if the upper limit stays below the "
    "claimed share even when all of them had it. Otherwise not determined.",
    Kind.AT_MOST: "Supported if the upper 95 % limit (Wilson) stays within the claimed share even "
    "when everybody whose outcome is unknown had it, the dead included where it is an answer or a "
    "laboratory result. Contradicted if the lower limit lies above the claimed share even when "
    "none of them had it. Otherwise not determined.",
    Kind.NONE: "Contradicted by the first patient who had it: an event or a death counts on its "
    "day, of all treated; an answer or a laboratory result of those due. Otherwise not determined, "
    "with the share that it may still have (one-sided 95 % limit): of an event or a death over "
    "those who answered at that month or later, else over those whose outcome is known. Never "
    "supported: that nobody had it so far does not show that nobody will.",
}
RELEASED_NONE = (
    "Contradicted if the released figures have patients due at that month who had it: whoever is "
    "not due yet does not count, nor does a count that is hidden. Otherwise not determined, with "
    "the share that it may still have (one-sided 95 % limit) over those due whose outcome is "
    "known; the silent count as without an event that nobody recorded. Never supported: that "
    "nobody had it so far does not show that nobody will."
)
NOT_TOLD = "not shown: small counts"
BESIDE = "Published figures stand beside and decide nothing."


@dataclass(frozen=True)
class Card:
    """One statement as the page tells it. `forest`: the registry's shares and those of papers."""

    claim: Claim
    reading: str
    verdict: str
    colour: str
    rule: str
    true: str
    forest: ShareBlock | None
    elsewhere: tuple[Listed, ...]


def card(found: Checked, report: Report) -> Card:
    """The card of one statement under the report's profile."""
    return Card(
        claim=found.claim,
        reading=_read_as(found.claim, found.outcome),
        verdict=_verdict(found),
        colour=COLOURS[found.verdict] if found.verdict else "",
        rule=_rule(found.claim.kind, report),
        true=_true(found),
        forest=_forest(found, report),
        elsewhere=tuple(
            row for group in apart.groups(found.apart, report.library) for row in group.rows
        ),
    )


def _rule(kind: Kind, report: Report) -> str:
    """How it is tested, in words; a release looks at released figures only."""
    is_other = kind is Kind.NONE and report.profile != "internal"
    return RELEASED_NONE if is_other else RULES[kind]


def _read_as(claim: Claim, outcome: Outcome | None) -> str:
    """What is tested: outcome, share, month."""
    what = outcome.label if outcome else claim.outcome or "nothing that is recorded"
    when = f"month {claim.month}" if claim.month else "no time named"
    if claim.kind is Kind.NONE:
        by = f"by {when}" if claim.month else when
        return f"{what}: in nobody, {by}"
    side = "at least" if claim.kind is Kind.AT_LEAST else "at most"
    return f"{what}: in {side} {words.percent(float(claim.threshold or 0))} of patients, {when}"


def _verdict(found: Checked) -> str:
    if found.verdict is None:
        return NOT_TOLD
    return f"{found.verdict}: {found.why}" if found.why else found.verdict


def _true(found: Checked) -> str:
    """The sentence that the figures bear out."""
    label, month = found.outcome.label if found.outcome else "", found.claim.month
    where, by = f"{label} at month {month}", f"{label} by month {month}"
    match found.found:
        case Bounds(lowest=Proportion(n=0)):
            return f"{where}: nobody is due yet."
        case Bounds(lowest=Proportion() as lowest, unknown=0):
            return f"{where}: {shown.full(lowest)} of the patients due."
        case Bounds(lowest=Proportion() as lowest, highest=highest, unknown=unknown):
            rest = words.whole(shown.count(unknown))
            low, high = shown.full(lowest), shown.full(highest)
            return f"{where}: {low} if none of the {rest} unknown had it, {high} if all had it."
        case Nobody(share=Proportion(n=0)):
            return f"{by}: known of nobody so far, and nobody can tell yet for all that time."
        case Nobody(share=Proportion() as share, upper=upper, of=of):
            return f"{by}: {shown.full(share, upper)}, of {of}."
    return ""


def _forest(found: Checked, report: Report) -> ShareBlock | None:
    """The registry's rows first; then what papers print of the same outcome and month."""
    rows = [*_ours(found), *_papers(found, report)]
    if not rows or found.outcome is None:
        return None
    month = f", month {found.claim.month}" if found.claim.month else ""
    return ShareBlock(f"{found.outcome.label}{month}", BESIDE, tuple(rows))


def _ours(found: Checked) -> list[ShareRow]:
    match found.found:
        case Bounds(lowest=lowest, highest=highest):
            return [_row("Registry, if none had it", lowest), _row("Registry, if all had", highest)]
        case Nobody(share=share):
            return [_row("Registry", share)]
    return []


def _row(label: str, share: Figure) -> ShareRow:
    counted = shown.counted(share)
    return ShareRow(label, Mark.REGISTRY, counted, reason=shown.reason(share))


def _papers(found: Checked, report: Report) -> list[ShareRow]:
    """Papers as on the page of published figures; of every month, with the registry, if the claim
    names none.
    """
    blocks = published.shares(found.beside, report.waves, report.library)
    if found.claim.month:
        return [row for block in blocks for row in block.rows[1:]]
    return [
        replace(row, label=f"{row.label}, {block.title.rpartition(', ')[2]}")
        for block in blocks
        for row in block.rows
    ]
