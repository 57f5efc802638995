"""Sentences that a report prints by itself, and the definition under each figure."""

from registry.protocols import Outcome, OutcomeKind
from registry.statistics.missing import OutcomeCounts
from registry.statistics.policy import Suppressed
from registry.statistics.values import Estimate, Proportion
from registry.words import percent, plural, whole

NOT_RANDOMISED = (
    "The registry has no control group: its patients are set beside printed results of other "
    "patients. Whatever differs may come from who was treated, how outcomes were measured, how "
    "long people were followed and who did not answer, as well as from the treatment."
)
NO_EQUALITY = "That no difference can be seen does not mean that there is none."
HIDDEN = (
    "Counts of 1 to 7 are hidden, with every figure that would give them away. All other counts "
    "are rounded to the nearest 5, and every figure is computed from the counts as shown."
)
MISSING_RULES = {
    "ipw": (
        "Those who answered, each weighted for how rarely people like them answer; the dead do not "
        "have it. Right if, among people with the same covariates, the silent are like the others."
    ),
    "observed_only": "Of those who answered. Right only if the silent are like them.",
    "nri": "Of all due; the silent and the dead count as not having the outcome.",
    "worst_case": "Lowest share possible: none of the silent has the outcome.",
    "best_case": "Highest share possible: all of the silent have it; the dead do not.",
    "while_alive": "Of those due who lived to the end of the window; the silent do not have it.",
}
DEFINITIONS = {
    "treated": "Patients with a first course of treatment on or before the cut-off.",
    "due": "Treated patients whose window has closed by the cut-off, whether asked or not.",
    "not_yet_due": "Treated patients whose window is still open; they are counted nowhere else.",
    "dispositions": (
        "What became of the questionnaire of each due patient, by the first rule that applies: "
        "complete (I) or partial (P) in the window; died by its last day (NE); withdrew by then, "
        "broke off or refused (R); could not answer for another reason (O); letters came back and "
        "nothing shows that the patient was alive (U); everyone else (NC)."
    ),
    "RR1": (
        "Response rate 1 of AAPOR: complete answers among all due except the dead, 95 % Wilson "
        "interval."
    ),
    "out_of_window": "Answers sent before or after the window: kept, counted for no time-point.",
    "duplicates": "Further answers in the window; the earliest complete one counts.",
    "safety": (
        "Events entered or confirmed by the clinic, from treatment to death, withdrawal, cut-off "
        "or day 730, whichever comes first. A patient counts once per line."
    ),
    "safety_patient": (
        "Events told in questionnaires and not rejected by the clinic. At risk are patients who "
        "answered at least once, only over the time that their answers cover."
    ),
    "eair": "Patients with a first event per 100 person-years up to it, 95 % Garwood interval.",
    "event_rate": "All events per 100 person-years; the interval allows for repeats in a patient.",
    "zero": "Nobody had it: one-sided 95 % upper bound.",
    "overall": (
        "Kaplan-Meier. Patients who are silent are taken to be alive up to the cut-off: right only "
        "if every death becomes known."
    ),
    "overall_last_contact": (
        "Kaplan-Meier. Patients leave the curve on the last day on which they answered, were "
        "reached, seen or had blood taken."
    ),
    "first_serious_ae": (
        "Share of patients with a first serious event entered or confirmed by the clinic. "
        "Aalen-Johansen: who dies first can no longer have one, and is not taken for somebody who "
        "left. An event on the day of death counts as the event."
    ),
    "comparison": (
        "Registry minus published, 95 % Newcombe interval of two samples; the whisker spans the "
        "intervals with none and with all of the silent having the outcome."
    ),
}


_KNOWN = {
    OutcomeKind.LAB: "have a result in the window",
    OutcomeKind.DEATH: "died or were followed to day {day}",
    OutcomeKind.EVENT: "had the event or were followed without it to day {day}",
}


def known_sentence(counts: OutcomeCounts, outcome: Outcome, day: int) -> str:
    """Of how many a laboratory outcome, event or death is known, and what the others could do."""
    if counts.due == 0:
        return "Not estimable: no patient is due yet."
    known = _KNOWN[outcome.kind].format(day=day)
    told = f"{whole(counts.answered)} of {plural(counts.due, 'patient')} due {known}."
    if counts.dead:
        told += f" {whole(counts.dead)} died before and count as not having the outcome."
    low = counts.responders / counts.due
    if not counts.silent:
        return f"{told} Nobody else is missing: the share is {percent(low)}."
    high = (counts.responders + counts.silent) / counts.due
    return (
        f"{told} Depending on the other {whole(counts.silent)}, the share lies between "
        f"{percent(low)} (none of them has the outcome) and {percent(high)} (all of them have it)."
    )


def released_sentence(
    observed: Proportion | Suppressed,
    lowest: Proportion | Suppressed,
    highest: Proportion | Suppressed,
) -> str:
    """The sentence of an outcome from rounded counts alone."""
    shown = [figure for figure in (observed, lowest, highest) if isinstance(figure, Proportion)]
    if len(shown) < 3 or lowest == highest:
        return HIDDEN if len(shown) < 3 else f"{shown[0].n} of {shown[1].n} due are known. {HIDDEN}"
    estimates = [figure.estimate for figure in shown]
    low, high = estimates[1] or 0.0, estimates[2] or 0.0
    return (
        f"About {whole(shown[0].n)} of {whole(shown[1].n)} due are known. Depending on the others "
        f"the share lies between {percent(low)} and {percent(high)}."
    )


def follow_up_sentence(median: Estimate | Suppressed) -> str:
    """Median follow-up in words."""
    if isinstance(median, Suppressed):
        return "Median follow-up: hidden."
    if median.estimate is None:
        return f"Median follow-up: not estimable ({median.reason})."
    days = whole(round(median.estimate))
    return f"Median follow-up {days} days (reverse Kaplan-Meier, counted to day 730)."
