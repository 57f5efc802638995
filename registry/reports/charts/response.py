"""Response rates by wave: the flow, the bars, all counts, all rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from registry import words
from registry.reports import figures
from registry.reports.charts import shown
from registry.reports.charts.shown import Rows, Stat
from registry.reports.figures import Mark, ShareBlock, ShareRow
from registry.reports.sites import SiteRates
from registry.reports.values import Figure, Wave
from registry.statistics.policy import SUPPRESSED, Shown, Suppressed
from registry.statistics.proportions import proportion

LETTERS = {
    "complete": "I",
    "partial": "P",
    "refused": "R",
    "no_contact": "NC",
    "other": "O",
    "unknown": "U",
}
REACHED = ("I", "P", "R", "O")
NOBODY = "nobody due was eligible"
Waves = Mapping[int, Wave]


def headline_month(waves: Waves, wanted: int) -> int | None:
    """The month that the page speaks of: `wanted` if somebody is due there, else the last with
    anybody due; None while nobody is.
    """
    due = [month for month, wave in waves.items() if wave.due != 0]
    if wanted in due:
        return wanted
    return max(due, default=None)


def bars(waves: Waves) -> list[figures.Wave]:
    """One bar per wave with response rate 1."""
    return [_bar(month, wave) for month, wave in sorted(waves.items())]


def _bar(month: int, wave: Wave) -> figures.Wave:
    counts = {name: shown.count(wave.dispositions[letter]) for name, letter in LETTERS.items()}
    return figures.Wave(
        month=month,
        rate=shown.limits(wave.rr1),
        reason=shown.reason(wave.rr1),
        asked=None if isinstance(wave.rr1, Suppressed) else wave.rr1.n,
        **counts,
    )


def reached(wave: Wave) -> Figure:
    """Patients who answered at all, refused or could not answer, of those due and alive."""
    return of_letters(wave, REACHED)


def of_letters(
    wave: Wave, letters: tuple[str, ...], without: tuple[str, ...] = (), nobody: str = NOBODY
) -> Figure:
    """Those with these dispositions, as a share of the due and alive `without` some: from the
    counts as shown, and hidden if one of them is.
    """
    all_of = {letter: wave.dispositions[letter] for letter in LETTERS.values()}
    counts = {letter: count for letter, count in all_of.items() if isinstance(count, int)}
    if len(counts) < len(all_of) or isinstance(wave.rr1, Suppressed):
        return SUPPRESSED
    part = sum(counts[letter] for letter in letters)
    everyone = sum(count for letter, count in counts.items() if letter not in without)
    return proportion(part, everyone, nobody=nobody)


def lead(waves: Waves, month: int | None) -> list[str]:
    """What a reader should know first, in sentences."""
    if month is None:
        return ["No window has closed by the cut-off, so there is no response rate yet."]
    told = [_of_wave(month, waves[month])]
    later = [each for each in sorted(waves) if each > month and waves[each].due != 0]
    told += [f"At month {each} it is {shown.of(waves[each].rr1)}." for each in later]
    return [*told, "Outcomes rest on those who answered."]


def _of_wave(month: int, wave: Wave) -> str:
    if isinstance(wave.rr1, Suppressed):
        return f"At month {month} the counts are too small to be shown."
    whole = shown.of(wave.rr1)
    told = (
        f"At month {month}, {whole} patients who were due and alive gave a complete answer "
        f"({shown.share(wave.rr1).replace(' (', ', ').rstrip(')')})."
    )
    silent = {"NC": "could not be reached", "R": "refused or left", "P": "answered in part"}
    parts = [
        f"{words.whole(count)} {what}"
        for letter, what in silent.items()
        if isinstance(count := wave.dispositions[letter], int) and count
    ]
    return f"{told} {', '.join(parts)}." if parts else told


def flow(treated: Shown, waves: Waves, month: int | None) -> list[Stat]:
    """From treated to answered, in five figures."""
    first = _stat("Treated", treated, "by the cut-off")
    if month is None:
        return [first]
    wave = waves[month]
    met, dead = reached(wave), wave.dispositions["NE"]
    return [
        first,
        _stat(f"Due at month {month}", wave.due, f"not yet due: {shown.whole(wave.not_yet_due)}"),
        _stat("Due and alive", asked(wave), f"died first: {shown.whole(dead)}"),
        _share("Reached", met),
        _share("Complete answer", wave.rr1),
    ]


def asked(wave: Wave) -> Shown:
    """The due and alive."""
    return SUPPRESSED if isinstance(wave.rr1, Suppressed) else wave.rr1.n


def _stat(label: str, amount: Shown, under: str) -> Stat:
    if isinstance(amount, Suppressed):
        return Stat(label, hidden=True)
    return Stat(label, words.whole(amount), under)


def _share(label: str, figure: Figure) -> Stat:
    if isinstance(figure, Suppressed):
        return Stat(label, hidden=True)
    return Stat(label, words.whole(figure.x), f"of {words.whole(figure.n)} ({_inner(figure)})")


def _inner(figure: Figure) -> str:
    return shown.share(figure).replace(" (", ", ").rstrip(")")


def counts(waves: Waves) -> Rows:
    """Every disposition of every wave."""
    heads = ("Complete", "Partial", "Refused", "No contact", "Other", "Unknown")
    more = ("Due, alive", "Died first", "Due", "Not yet due", "Outside", "Further")
    return Rows(
        "All counts",
        ("Wave", *((head, "num") for head in (*heads, *more))),
        tuple(_counts(month, wave) for month, wave in sorted(waves.items())),
    )


def _counts(month: int, wave: Wave) -> tuple[str, ...]:
    letters = [wave.dispositions[letter] for letter in LETTERS.values()]
    rest = (asked(wave), wave.dispositions["NE"], wave.due, wave.not_yet_due)
    spare = (wave.out_of_window, wave.duplicates)
    return (f"Month {month}", *(shown.whole(each) for each in (*letters, *rest, *spare)))


def rates(waves: Waves) -> Rows:
    """All rates of every wave; those whose denominator is a count have a Wilson interval."""
    names = ("RR1", "RR2", "RR3", "RR4", "RR5", "RR6", "COOP1", "CON1", "REF1")
    return Rows(
        "Response rates in per cent, with 95 % intervals",
        ("Wave", *((f"{name} %", "num") for name in names), ("e", "num")),
        tuple(_rates(month, wave, names) for month, wave in sorted(waves.items())),
    )


def _rates(month: int, wave: Wave, names: tuple[str, ...]) -> tuple[str, ...]:
    exact = {
        "RR1": wave.rr1,
        "RR2": of_letters(wave, ("I", "P")),
        "RR5": of_letters(wave, ("I",), without=("U",)),
        "RR6": of_letters(wave, ("I", "P"), without=("U",)),
        "CON1": reached(wave),
        "REF1": of_letters(wave, ("R",)),
    }
    cells = (
        _percent(exact[name]) if name in exact else shown.number(wave.rates[name]) for name in names
    )
    return (f"Month {month}", *cells, _e(wave))


def _percent(figure: Figure) -> str:
    return shown.share(figure).replace(words.PERCENT, "")


def _e(wave: Wave) -> str:
    if isinstance(wave.e, Suppressed):
        return words.HIDDEN
    return words.number(wave.e, 3) if isinstance(wave.e, float | int) else wave.e.reason


@dataclass(frozen=True)
class Sites:
    """The sites at one month for the plot, and at all months as a table."""

    block: ShareBlock
    table: Rows


def sites(found: Sequence[SiteRates], waves: Waves, month: int | None) -> Sites | None:
    """Response rate 1 by site; None where there is nothing to break down."""
    if len(found) < 2 or month is None:
        return None
    rows = [_site_row("All sites", waves[month].rr1)]
    rows += [_site_row(site.name, site.by_month[month]) for site in found]
    months = tuple((f"Month {each}", "num") for each in sorted(waves))
    heads: tuple[str | tuple[str, str], ...] = ("Site", *months)
    cells = tuple(
        (site.name, *(shown.full(site.by_month[each]) for each in sorted(waves))) for site in found
    )
    return Sites(
        ShareBlock(f"Month {month}", "Complete answers of those due and alive", tuple(rows)),
        Rows("Response rate 1 by site", heads, cells),
    )


def _site_row(name: str, figure: Figure) -> ShareRow:
    return ShareRow(name, Mark.REGISTRY, shown.counted(figure), reason=shown.reason(figure))
