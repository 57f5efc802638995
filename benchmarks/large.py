"""Registries of millions of follow-ups, made by the database itself from a row of numbers.

One patient in six has none of the five time-points behind it, one in six all of them; two of three
are answered, and each of them had a letter. The trail has the lines that the reckoning counts, and
no chains.
"""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, bindparam, text

from benchmarks.measure import say, seconds
from benchmarks.registries import opened
from registry.db import UtcDateTime, never_below, transaction
from registry.models import FollowUp, Patient, Response

POINTS = 5
AT = datetime(2020, 1, 1, tzinfo=UTC)
DAY = date(2090, 1, 1)
SERIES = {
    "postgresql": "SELECT i FROM generate_series(1, :patients) AS series(i)",
    "sqlite": "SELECT i FROM series",
}
RECURSIVE = (
    "WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < :patients) "
)
MADE = """
CREATE TEMPORARY TABLE made AS {recursive}
SELECT i AS patient, {points} * (i - 1) + nth AS id, nth, month,
       CASE WHEN nth <= i % 6 AND (i + nth) % 3 < 2 THEN 'answered'
            WHEN nth <= i % 6 THEN 'missed'
            WHEN nth = i % 6 + 1 AND i % 20 = 0 THEN 'open'
            ELSE 'planned' END AS state
FROM ({series}) AS numbers CROSS JOIN (
    SELECT 1 AS nth, 1 AS month UNION ALL SELECT 2, 3 UNION ALL SELECT 3, 6
    UNION ALL SELECT 4, 12 UNION ALL SELECT 5, 24
) AS points
"""
PATIENTS = """
INSERT INTO patient (id, study_number, site_id, protocol_id, recorded_at, recorded_by)
SELECT patient, 'L-' || patient, (SELECT min(id) FROM site), (SELECT max(id) FROM protocol),
       :at, 'benchmark'
FROM made WHERE nth = 1
"""
FOLLOW_UPS = """
INSERT INTO follow_up (id, patient_id, site_id, month, due_on, opens_on, closes_on, link_ends_on,
                       recall_from, zone, language, instrument_code, instrument_version, context,
                       state, opened_at, ended_at)
SELECT id, patient, (SELECT min(id) FROM site), month, :day, :day, :later, :later, :day,
       'UTC', 'en', 'SLE-FU', '1', '{}', state,
       CASE WHEN state = 'planned' THEN NULL ELSE :at END,
       CASE WHEN state IN ('planned', 'open') THEN NULL ELSE :at END
FROM made
"""
LETTERS = """
INSERT INTO outbox (kind, patient_id, follow_up_id, number, template, template_version, language,
                    state, queued_at, next_attempt_at, fence, attempts, uncertain_count,
                    broken_count, lapse_count, resent, dated_at, message_id, ended_at)
SELECT 'invitation', patient, id, 0, 'invitation', 1, 'en', 'sent', :at, :at, 1, 1, 0, 0, 0, 0,
       :at, '<' || id || '@example.org>', :at
FROM made WHERE state <> 'planned'
"""
RESPONSES = """
INSERT INTO response (id, patient_id, follow_up_id, month, mode, respondent, recorded_at,
                      recorded_by)
SELECT id, patient, id, month, 'web', 'self', :at, 'door' FROM made WHERE state = 'answered'
"""
STATUSES = """
INSERT INTO response_status (response_id, patient_id, month, status, answered_on, submitted_at,
                             fact_key, recorded_at, recorded_by)
SELECT id, patient, month, 'complete', :day, :at, 'large ' || id, :at, 'door'
FROM made WHERE state = 'answered'
"""
ENROLLED = """
INSERT INTO audit_event (subject, number, at, by, action, changes, facts, previous_hash, hash)
SELECT CAST(:patient AS text) || patient, -nth, :at, 'benchmark', 'patient.enrolled',
       '{}', '{}', '', ''
FROM made WHERE nth = 1
"""
QUEUED = """
INSERT INTO audit_event (subject, number, at, by, action, changes, facts, previous_hash, hash)
SELECT CAST(:patient AS text) || patient, -nth - 5, :at, 'benchmark', 'letter.queued',
       '{}', '{}', '', ''
FROM made WHERE state <> 'planned'
"""
WRITTEN = (PATIENTS, FOLLOW_UPS, LETTERS, RESPONSES, STATUSES, ENROLLED, QUEUED)


def fill(url: str, follow_ups: int) -> None:
    """So many follow-ups in an empty registry; none of them is due, now or for years."""
    with opened(url) as runtime:
        took = seconds(lambda: _fill(runtime.sessions.engine.connect(), follow_ups // POINTS))
        with transaction(runtime) as session:
            for model in (Patient, FollowUp, Response):
                never_below(session, model, follow_ups)
    say(f"  {follow_ups:,} follow-ups made in {took:.0f} s")


def _fill(connection: Connection, patients: int) -> None:
    name = connection.dialect.name
    recursive = RECURSIVE if name == "sqlite" else ""
    made = MADE.format(recursive=recursive, series=SERIES[name], points=POINTS)
    told = {"at": AT, "day": DAY, "later": DAY + timedelta(days=60), "patient": "patient:"}
    with connection:
        connection.execute(text(made), {"patients": patients})
        for statement in WRITTEN:
            own = text(statement)
            if ":at" in statement:
                own = own.bindparams(bindparam("at", type_=UtcDateTime))
            connection.execute(own, {key: told[key] for key in told if f":{key}" in statement})
        connection.execute(text("DROP TABLE made"))
        connection.commit()
    with connection.engine.connect() as again:
        again.execution_options(isolation_level="AUTOCOMMIT")
        again.execute(text("ANALYZE" if name == "sqlite" else "VACUUM ANALYZE"))
