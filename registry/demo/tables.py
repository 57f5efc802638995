"""The report as plain text: response rates, safety, the registry beside published figures."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from registry.words import percent, plural

Json = Mapping[str, Any]
KINDS = {"any": "Any event", "serious": "Serious", "grade3plus": "Grade 3 or higher"}
KINDS |= {"related": "Related"}
MOST_TERMS = 12


def tables(report: Json) -> str:
    """All three tables."""
    parts = (_response(report), _safety(report), _published(report))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _response(report: Json) -> Iterator[str]:
    yield f"Response rates, {plural(report['treated'], 'patient')} treated, {report['as_of']}"
    letters = ("I", "P", "R", "NC", "O", "U", "NE")
    rows: list[list[object]] = [
        ["Month", "Due", *letters, "Late", "RR1", "95 % interval", "Better (of answered)"]
    ]
    for month, wave in report["waves"].items():
        better = wave["outcomes"]["responder"]["observed_only"]
        counts = [wave["dispositions"][letter] for letter in letters]
        rate, interval = wave["response_rates"]["RR1"], wave["RR1_interval"]
        rows.append([month, wave["due"], *counts, wave["out_of_window"], _percent(rate)])
        rows[-1] += [_span(interval), f"{better['x']}/{better['n']} {_percent(better['estimate'])}"]
    yield from _aligned(rows)
    yield "I complete, P partial, R refused or left, NC no contact, O other, U unknown, NE died"


def _safety(report: Json) -> Iterator[str]:
    block = report["safety"]
    yield (
        "Safety, events recorded by the clinics; "
        f"{block['reported_by_patients']} reported by patients, {block['confirmed']} confirmed, "
        f"{block['unreconciled']} to look at"
    )
    rows: list[list[object]] = [
        ["", "Patients", "Share", "95 % interval", "Events", "Per 100 years"]
    ]
    rows += [_line(label, block[kind]) for kind, label in KINDS.items()]
    terms = sorted(block["by_term"].items(), key=lambda item: (-item[1]["patients"], item[0]))
    rows += [_line(term, line) for term, line in terms[:MOST_TERMS]]
    yield from _aligned(rows)
    never = [term for term, line in terms if not line["patients"]]
    if never:
        line = block["by_term"][never[0]]
        bound = _percent(line["zero_event_upper"])
        yield f"0 of {line['n']} (upper bound {bound}): {', '.join(never)}"
    for day, at in report["survival"]["overall"]["at"].items():
        if day in ("365", "730"):
            share = "not estimable" if at["survival"] is None else percent(at["survival"])
            yield f"Alive at day {day}: {share}, {at['at_risk']} at risk"


def _line(label: str, line: Json) -> list[object]:
    rate = line["event_rate_per_100py"]["estimate"]
    share = line["incidence"]
    return [
        label,
        f"{line['patients']}/{line['n']}",
        _percent(share["estimate"]),
        _span(share),
        line["events"],
        "-" if rate is None else f"{rate:.1f}",
    ]


def _published(report: Json) -> Iterator[str]:
    yield "The registry beside published figures"
    rows: list[list[object]] = [
        ["Outcome", "Months", "Study, arm", "Registry", "Published", "Verdict"]
    ]
    for (outcome, months), group in groupby(
        report["comparisons"], key=lambda one: (one["outcome"], one["months"])
    ):
        for one in group:
            rows.append([outcome, months, f"{one['study']}, {one['arm']}", _of(one["registry"])])
            rows[-1] += [_of(one["published"]), one["verdict"]]
    yield from _aligned(rows)


def _of(share: Json) -> str:
    return f"{share['x']}/{share['n']} {_percent(share['estimate'])}"


def _percent(share: float | None) -> str:
    return "-" if share is None else percent(share)


def _span(interval: Json) -> str:
    if interval["lower"] is None or interval["upper"] is None:
        return "-"
    return f"{percent(interval['lower'])} to {percent(interval['upper'])}"


def _aligned(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Columns as wide as their widest cell; those of numbers stand to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    columns = list(zip(*texts, strict=True))
    widths = [max(map(len, column)) for column in columns]
    numeric = [any(map(_is_number, column[1:])) for column in columns]
    for row in texts:
        cells = [
            cell.rjust(width) if to_the_right else cell.ljust(width)
            for cell, width, to_the_right in zip(row, widths, numeric, strict=True)
        ]
        yield "  ".join(cells).rstrip()


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit()
