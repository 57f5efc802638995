"""What the demonstration makes up: clinics, names, illnesses. Nobody here exists.

Telephone numbers are from the ranges kept free for films, addresses at example.org.
"""

from dataclasses import dataclass

from registry.actions.sites import SiteTexts

HOURS = "Monday to Friday, 9:00 to 16:00"
SITES = {
    "RIVERSIDE": SiteTexts(
        public_name="Riverside Clinic (invented)",
        telephone="+49 30 23125 100",
        hours=HOURS,
        emergency_text="In an emergency call 112.",
        zone="Europe/Berlin",
    ),
    "HARBOUR": SiteTexts(
        public_name="Harbour Clinic (invented)",
        telephone="+44 20 7946 0100",
        hours=HOURS,
        emergency_text="In an emergency call 999.",
        zone="Europe/London",
    ),
    "MAPLE": SiteTexts(
        public_name="Maple Street Clinic (invented)",
        telephone="+1 416 555 0100",
        hours=HOURS,
        emergency_text="In an emergency call 911.",
        zone="America/Toronto",
    ),
}
TELEPHONES = {
    "RIVERSIDE": "+49 30 23125 {:03}",
    "HARBOUR": "+44 20 7946 0{:03}",
    "MAPLE": "+1 416 555 01{:02}",
}
STAFF = {
    "clinician": "Dr Clara Clipboard",
    "nurse": "Nora Nightshift",
    "data_manager": "Dan Datasheet",
    "analyst": "Anna Average",
    "administrator": "Adam Adminson",
    "auditor": "Orla Overlook",
}
FIRST_NAMES = (
    *("Ada", "Bea", "Cleo", "Dora", "Elin", "Fay", "Greta", "Hanna", "Ines", "Jana"),
    *("Kaja", "Lena", "Mira", "Nele", "Olga", "Pia", "Rita", "Sara", "Tilda", "Una"),
    *("Vera", "Wilma", "Yara", "Zoe", "Alma", "Britt", "Carla", "Edda", "Frida", "Gerda"),
)
FIRST_NAMES_OF_MEN = ("Arno", "Bo", "Carl", "Dirk", "Emil", "Finn", "Gus", "Hugo", "Ivo", "Jon")
SURNAMES = (
    *("Fictorsen", "Nonesuch", "Makebelieve", "Inventson", "Sampleton", "Mockington"),
    *("Whimsdale", "Neverwas", "Imaginova", "Pretendi", "Fablemann", "Quillfeather"),
    *("Dreamstead", "Storybrook", "Placeholder", "Examplia", "Testwell", "Notarealname"),
)


@dataclass(frozen=True, slots=True)
class Illness:
    """One kind of health problem: in a patient's words, in the clinic's, and how often.

    `groups` are our categories for both wordings, assigned by hand.
    """

    told: str
    recorded: str
    groups: frozenset[str]
    weight: int
    severities: tuple[str, ...]


MILD = ("mild", "mild", "moderate")
MIXED = ("mild", "moderate", "moderate", "severe")
GRAVE = ("moderate", "severe", "severe", "life_threatening")
NONE = frozenset[str]()
INFECTION = frozenset({"infection"})

ILLNESSES = (
    Illness("Bad cold", "Upper respiratory tract infection", INFECTION, 12, MILD),
    Illness("Bladder infection", "Urinary tract infection", INFECTION, 9, MIXED),
    Illness("Stomach bug", "Gastroenteritis", INFECTION, 6, MIXED),
    Illness("Shingles", "Herpes zoster", INFECTION | {"herpes_zoster"}, 6, MIXED),
    Illness("Pneumonia", "Pneumonia", INFECTION, 4, GRAVE),
    Illness("Blood poisoning", "Sepsis", INFECTION, 1, GRAVE),
    Illness("Blood clot in the leg", "Deep vein thrombosis", frozenset({"thrombosis"}), 3, GRAVE),
    Illness("Skin cancer", "Basal cell carcinoma", frozenset({"malignancy"}), 1, GRAVE),
    Illness("Headache for days", "Headache", NONE, 8, MIXED),
    Illness("Fever", "Fever", NONE, 6, MIXED),
    Illness("Broken wrist", "Wrist fracture", NONE, 3, MIXED),
    Illness("Back pain", "Back pain", NONE, 8, MIXED),
    Illness("High blood pressure", "Hypertension", NONE, 5, MILD),
    Illness("Clouded eye lens", "Cataract", NONE, 2, MILD),
)
INFUSION_REACTION = Illness(
    "Shivering after the infusion",
    "Infusion reaction",
    frozenset({"infusion_reaction"}),
    1,
    MIXED,
)
