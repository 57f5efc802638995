"""What can go wrong by the rules of the registry, said so that a person can act on it."""


class DomainError(Exception):
    """A rule was broken; the message says where, what and what to do. `status`: for HTTP."""

    status = 409


class NotFound(DomainError):
    """There is no such thing, or it is not this person's to see: both read the same."""

    status = 404


class Refused(DomainError):
    """This person may not do this."""

    status = 403


class Invalid(DomainError):
    """What came in cannot be used as it stands."""

    status = 422


class SettingsError(Exception):
    """The environment cannot be used; the message names the variable and what it needs."""
