"""The patient door's own database role: what it may touch, and nothing else.

The door faces the open internet. Whatever breaks there must not be able to read who a patient is,
what was measured, or what staff wrote.
"""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection, text

READS = (
    "alembic_version",
    "instance",
    "site",
    "protocol",
    "follow_up",
    "survey_link",
    "response",
    "response_status",
    "answer",
    "outcome_value",
    "mail_hold",
    "mail_preference",
    "alert",
    "audit_head",
)
ADDS = (
    "response",
    "response_status",
    "answer",
    "outcome_value",
    "reported_event",
    "event_category",
    "withdrawal",
    "mail_hold",
    "mail_preference",
    "alert",
    "audit_event",
    "audit_head",
    "journal_debt",
)
CHANGES: Mapping[str, str] = {
    "follow_up": "state, state_reason, ended_at, recall_from, link_asked_at, zone, remind_on, "
    "call_on, snoozed_on, snoozed_hour",
    "mail_preference": "hour, fewer, changed_at, changed_by",
    "response": "mode, respondent",
    "response_status": "superseded_at",
    "answer": "superseded_at",
    "outcome_value": "superseded_at",
    "withdrawal": "superseded_at",
    "audit_head": "number, hash",
    "outbox": "state, state_reason, ended_at",
}
PARTLY_READS: Mapping[str, str] = {
    "outbox": "id, follow_up_id, patient_id, state",
    "withdrawal": "id, patient_id, scope, fact_key, superseded_at",
    "reported_event": "id",
    "event_category": "id",
    "audit_event": "id",
    "journal_debt": "id",
}


def set_up(connection: Connection, door_url: str) -> None:
    """Make the role named in `door_url` (PostgreSQL) and give it its rights, taking all others.

    Running it again changes nothing.
    """
    parts = urlsplit(door_url)
    role = parts.username or ""
    _make_role(connection, role, unquote(parts.password or ""))
    for statement in _grants(_quoted(connection, role)):
        connection.execute(text(statement))


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)


def _make_role(connection: Connection, role: str, password: str) -> None:
    known = connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    verb = "ALTER" if known else "CREATE"
    # PASSWORD takes no bound parameter: let the server quote it
    literal = connection.scalar(text("SELECT quote_literal(:password)"), {"password": password})
    rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
    connection.exec_driver_sql(
        f"{verb} ROLE {_quoted(connection, role)} {rights} PASSWORD {literal}".replace("%", "%%")
    )


def _grants(role: str) -> list[str]:
    return [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT ON {', '.join(READS)} TO {role}",
        f"GRANT INSERT ON {', '.join(ADDS)} TO {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
        *(f"GRANT UPDATE ({columns}) ON {table} TO {role}" for table, columns in CHANGES.items()),
        *(
            f"GRANT SELECT ({columns}) ON {table} TO {role}"
            for table, columns in PARTLY_READS.items()
        ),
    ]
