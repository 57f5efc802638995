"""The tables. Every table is imported here, so that migrations and tests see them all."""

from registry.models.accounts import (
    ApiKey,
    EnrolmentDraft,
    IdempotencyKey,
    KeptForm,
    PasswordReset,
    RoleGrant,
    User,
    UserSession,
)
from registry.models.audit_events import AuditEvent, AuditHead
from registry.models.claims import ClaimVersion
from registry.models.events import (
    AdverseEvent,
    Alert,
    Death,
    EventCategory,
    ReportedEvent,
    TaskOwner,
    Withdrawal,
)
from registry.models.follow_ups import (
    Answer,
    Disposition,
    FollowUp,
    OutcomeValue,
    Response,
    ResponseStatus,
    SurveyLink,
)
from registry.models.keeping import Conservation, HandoverTime, JournalDebt
from registry.models.monitoring import SafetyLook
from registry.models.outbox import MailHold, MailPreference, OutboxEmail
from registry.models.patients import (
    Consent,
    Covariate,
    DataKey,
    Demographics,
    Identity,
    IdentityIndex,
    Patient,
)
from registry.models.returned import Bounce, SendingHold
from registry.models.sites import Heartbeat, Instance, ProtocolVersion, Site, SiteHoliday
from registry.models.treatment import (
    Administration,
    Diagnosis,
    LabResult,
    Medicine,
    Observation,
    TreatmentCourse,
)
from registry.models.versions import known

__all__ = [
    "Administration",
    "AdverseEvent",
    "Alert",
    "Answer",
    "ApiKey",
    "AuditEvent",
    "AuditHead",
    "Bounce",
    "ClaimVersion",
    "Consent",
    "Conservation",
    "Covariate",
    "DataKey",
    "Death",
    "Demographics",
    "Diagnosis",
    "Disposition",
    "EnrolmentDraft",
    "EventCategory",
    "FollowUp",
    "HandoverTime",
    "Heartbeat",
    "IdempotencyKey",
    "Identity",
    "IdentityIndex",
    "Instance",
    "JournalDebt",
    "KeptForm",
    "LabResult",
    "MailHold",
    "MailPreference",
    "Medicine",
    "Observation",
    "OutboxEmail",
    "OutcomeValue",
    "PasswordReset",
    "Patient",
    "ProtocolVersion",
    "ReportedEvent",
    "Response",
    "ResponseStatus",
    "RoleGrant",
    "SafetyLook",
    "SendingHold",
    "Site",
    "SiteHoliday",
    "SurveyLink",
    "TaskOwner",
    "TreatmentCourse",
    "User",
    "UserSession",
    "Withdrawal",
    "known",
]
