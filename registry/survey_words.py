"""Every word of a patient's page: from the catalogues, with this follow-up's facts filled in."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from registry.models import FollowUp, Site
from registry.queries.surveys import instrument_of
from surveys.catalogues import Catalogue, messages
from surveys.questions import PREFER_NOT_TO_SAY, Answer, Question, QuestionType


class Words:
    """The texts of one page; facts of the site and the follow-up stand ready in every text."""

    def __init__(self, language: str, facts: Mapping[str, object] | None = None) -> None:
        self.catalogue = messages(language)
        self.language = self.catalogue.language
        self.facts = dict(facts or {})

    def __call__(self, key: str, **facts: object) -> Markup:
        """The text as markup: what is filled in is escaped, unless it is markup itself."""
        return self._filled(self.catalogue, key, facts)

    def paragraphs(self, key: str, **facts: object) -> list[Markup]:
        """A longer text, cut at its empty lines."""
        parts = self._filled(self.catalogue, key, facts).strip().split("\n\n")
        return [Markup(" ").join(part.split()) for part in parts]

    def _filled(self, catalogue: Catalogue, key: str, facts: Mapping[str, object]) -> Markup:
        return escape(catalogue.texts[key]).format_map({**self.facts, **facts})

    def day(self, day: date) -> str:
        """6 August 2026, in the patient's language."""
        return self.catalogue.text(
            "date.full", day=day.day, month=self.catalogue.text(f"month.{day.month}"), year=day.year
        )

    def weekday(self, day: date) -> str:
        """Thursday 1 October."""
        return self.catalogue.text(
            "date.with_weekday",
            weekday=self.catalogue.text(f"weekday.{day.weekday()}"),
            day=day.day,
            month=self.catalogue.text(f"month.{day.month}"),
        )

    def partial_day(self, iso: str) -> str:
        """A day, or a month and year, from its ISO text."""
        if len(iso) > len("2024-02"):
            return self.day(date.fromisoformat(iso))
        year, month = iso.split("-")
        return self.catalogue.text(
            "date.month_only", month=self.catalogue.text(f"month.{int(month)}"), year=year
        )

    def local_day(self, at: datetime, zone: str) -> str:
        """The day of an instant on the patient's calendar."""
        return self.day(at.astimezone(ZoneInfo(zone)).date())

    def clock(self, at: datetime, zone: str) -> str:
        """18:04, on the patient's wall clock."""
        return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


class SurveyWords(Words):
    """The texts of one follow-up's pages, its questions among them."""

    def __init__(self, follow_up: FollowUp, site: Site, emergency: str, on: date) -> None:
        instrument = instrument_of(follow_up)
        super().__init__(follow_up.language, site_facts(site, emergency))
        self.questions = instrument.catalogue(follow_up.language)
        self.facts |= {  # a site that an import made has none of the three yet
            "clinic": site.public_name or self("help.no_name"),
            "telephone": site.telephone or self("help.no_telephone"),
            "hours": site.hours or self("help.no_hours"),
            "since": self.day(follow_up.recall_from),
            "week_start": self.weekday(on - timedelta(days=instrument.recall_days)),
            "last_day": self.day(follow_up.link_ends_on),
        }

    def of(self, question: Question, part: str) -> Markup:
        """One text of a question: text, hint, low, high, unit, name; empty where it has none."""
        key = f"question.{question.text_code}.{part}"
        if key not in self.questions:
            return Markup("")
        return self._filled(self.questions, key, {"n": question.instance})

    def section(self, section: str, part: str, instance: int = 0) -> Markup:
        """Title or intro of a part; empty where it has none."""
        key = f"section.{section}.{part}"
        if key not in self.questions:
            return Markup("")
        return self._filled(self.questions, key, {"n": instance})

    def advice(self, code: str, part: str) -> Markup:
        """Heading or text of urgent advice."""
        return self._filled(self.questions, f"advice.{code}.{part}", {})

    def choices(self, question: Question) -> list[tuple[str, Markup]]:
        """(code, text) of each choice."""
        if question.type is QuestionType.YES_NO:
            return [(code, self(f"answer.{code}")) for code in question.choices]
        return [(code, self.of(question, f"choices.{code}")) for code in question.choices]

    def answer(self, question: Question, answer: Answer | None) -> Markup | str:
        """An answer in words, for the review page."""
        if answer is None:
            return self("answer.missing")
        if answer == PREFER_NOT_TO_SAY:
            return self("review.declined")
        if question.choices:
            texts = dict(self.choices(question))
            codes = answer if isinstance(answer, list) else [str(answer)]
            return Markup(", ").join(texts[code] for code in codes)
        if question.type is QuestionType.SCALE:
            return self("answer.scale", value=answer)
        if question.type is QuestionType.DATE:
            return self.partial_day(str(answer))
        return f"{answer} {self.of(question, 'unit')}".strip()


def site_facts(site: Site, emergency: str) -> dict[str, object]:
    """What every text may say of the clinic; its own emergency text goes before the protocol's."""
    return {
        "clinic": site.public_name,
        "telephone": site.telephone,
        "hours": site.hours,
        "emergency": site.emergency_text or emergency,
    }
