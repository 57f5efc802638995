"""Which words of an event put it into which category."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.protocols import Category, bundled, categories_of
from registry.protocols.categories import normal

CATEGORIES = bundled().event_categories
ALWAYS = {"any_event", "serious_event", "grade3plus"}


def named(term: str) -> set[str]:
    """The categories that the words alone decide."""
    return set(categories_of(CATEGORIES, term, False, 1)) - ALWAYS


@pytest.mark.parametrize(
    ("term", "categories"),
    [
        ("Pneumonia", {"infection"}),
        ("community-acquired PNEUMONIA, left", {"infection"}),
        ("Upper respiratory tract infection", {"infection"}),
        ("Cold", {"infection"}),
        ("bad cold", {"infection"}),
        ("Covid-19", {"infection"}),
        ("flu", {"infection"}),
        ("Urinary tract infection", {"infection"}),
        ("UTI", {"infection"}),
        ("Herpes zoster", {"infection", "herpes_zoster"}),
        ("shingles on the back", {"infection", "herpes_zoster"}),
        ("herpes simplex", {"infection"}),
        ("Breast cancer", {"malignancy"}),
        ("Non-Hodgkin lymphoma", {"malignancy"}),
        ("Basal cell carcinoma", {"malignancy"}),
        ("Squamous-cell CARCINOMA of skin", {"malignancy"}),
        ("Deep vein thrombosis", {"thrombosis"}),
        ("Infusion-related reaction", {"infusion_reaction"}),
        ("infected tumour: lung cancer", {"infection", "malignancy"}),
        ("Séptic shock", {"infection"}),
        # what only looks like one
        ("cold hands", set()),
        ("Malignant hypertension", set()),
        ("non-infectious uveitis", set()),
        ("Aseptic meningitis", set()),
        ("thrombocytopenia", set()),
        ("benign tumour", set()),
        ("shingles vaccination", set()),
        ("fluid retention", set()),
        ("influx", set()),
        ("back pain", set()),
        ("heat stroke", set()),
        ("", set()),
    ],
)
def test_terms_fall_in_our_categories(term: str, categories: set[str]):
    assert named(term) == categories


@pytest.mark.parametrize(
    ("term", "serious", "grade", "categories"),
    [
        ("Rash", False, None, {"any_event"}),
        ("Rash", False, 3, {"any_event", "grade3plus"}),
        ("Rash", True, 2, {"any_event", "serious_event"}),
        ("Sepsis", True, 4, ALWAYS | {"infection", "serious_infection"}),
        ("Sepsis", False, 4, {"any_event", "grade3plus", "infection"}),
    ],
)
def test_seriousness_and_grade_decide_with_the_words(term, serious, grade, categories):
    assert categories_of(CATEGORIES, term, serious, grade) == categories


def test_a_category_may_be_whole_terms_only():
    categories = (Category("cold", "Cold", terms=("a cold",)),)
    assert categories_of(categories, "A cold!", False, None) == {"cold"}
    assert categories_of(categories, "a cold hand", False, None) == frozenset()


def test_words_are_compared_without_case_accents_and_signs():
    assert normal("  Ménière’s—Disease (left) ") == "meniere s disease left"


@given(st.text(), st.booleans(), st.none() | st.integers(1, 5))
def test_any_term_is_an_event_and_within_means_within(term: str, serious: bool, grade: int | None):
    found = categories_of(CATEGORIES, term, serious, grade)
    assert "any_event" in found
    assert ("serious_infection" in found) == (serious and "infection" in found)
    assert "herpes_zoster" not in found or "infection" in found
