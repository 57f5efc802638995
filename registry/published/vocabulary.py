"""The closed word lists of a published figure, and what its flags say."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How far a figure may be used: plainly, with its flags shown, or only in a list."""

    USABLE = "usable"
    FLAGGED = "flagged"
    LISTED = "listed"


class Kind(StrEnum):
    """What an outcome code counts or measures."""

    RESPONSE = "response"
    EVENT = "event"
    SURVIVAL = "survival"
    CONDUCT = "conduct"
    MEASURE = "measure"


class Better(StrEnum):
    """Which direction is good for the patient."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


class Role(StrEnum):
    """Whether the patients of an arm had the treatment under study."""

    TREATED = "treated"
    CONTROL = "control"
    MIXED = "mixed"


class Origin(StrEnum):
    """What kind of page a figure was read on."""

    PAPER = "paper"
    REGISTRY = "registry"
    REPRODUCTION = "reproduction"
    LATER_PAPER = "later paper"
    REVIEW = "review"
    COMPANY = "company release"
    SUMMARY = "news or summary page"


class Counted(StrEnum):
    """How the count came about."""

    PRINTED = "printed"
    WORDS = "words"
    TALLIED = "tallied"
    SUMMED = "summed"
    INFERRED = "inferred"
    NARRATIVE = "narrative"
    ESTIMATE = "estimate"
    PERCENT_ONLY = "percent only"
    RATE_ONLY = "rate only"


class Horizon(StrEnum):
    """What `month` stands for."""

    TIME_POINT = "time-point"
    NOMINAL = "nominal"
    MEAN_FOLLOW_UP = "mean follow-up"
    MEDIAN_FOLLOW_UP = "median follow-up"
    LATER_PERIOD = "later period"


SECONDARY = {
    Origin.LATER_PAPER: "read in a later paper on the trial",
    Origin.REVIEW: "read in a review's table",
    Origin.COMPANY: "read in a release of the sponsor or journal",
    Origin.SUMMARY: "read on a news or summary page",
}
DERIVED = {
    Counted.TALLIED: "count tallied from a table or the text",
    Counted.SUMMED: "count added up or subtracted here",
    Counted.INFERRED: "count inferred, not printed",
    Counted.NARRATIVE: "taken from the narrative of a case",
}
