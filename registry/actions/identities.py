"""Who a patient is, sealed for its table and indexed to be found."""

from registry.models.writing import Row
from registry.queries.identities import Person
from registry.vault import Vault


def sealed(vault: Vault, data_key: bytes, patient_id: int, person: Person) -> Row:
    """The encrypted columns of identity."""
    return {
        column: None if text is None else vault.seal(data_key, patient_id, column, text)
        for column, text in person.texts().items()
    }


def index_rows(vault: Vault, patient_id: int, person: Person) -> list[Row]:
    """The blind index of one patient: e-mail address, each word of the name, birth date."""
    digests: list[tuple[str, str]] = []
    if person.email:
        digests.append(("email", vault.email_digest(person.email)))
    if person.name:
        digests += [("name", digest) for digest in sorted(vault.name_digests(person.name))]
    if person.birth_date:
        born = person.birth_date.isoformat()
        digests.append(("birth_date", vault.birth_date_digest(born)))
    return [{"patient_id": patient_id, "kind": kind, "digest": digest} for kind, digest in digests]
