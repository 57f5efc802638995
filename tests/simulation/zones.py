"""Where the simulated clinics are: both hemispheres, both sides of the date line, odd offsets."""

from datetime import UTC, datetime

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "America/Santiago",
    "UTC",
)
