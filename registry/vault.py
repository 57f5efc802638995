"""Identity at rest: AES-256-GCM under a key per patient, that key under a versioned master key."""

import hmac
import os
import unicodedata
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12  # bytes, random per encryption (NIST SP 800-38D)
BIRTH_DATE_BITS = 12


class Vault:
    """Encrypts and finds. Ciphertexts are bound to their place (AAD), so rows cannot be swapped."""

    def __init__(self, master_keys: Mapping[int, bytes], index_key: bytes) -> None:
        self._masters = {version: AESGCM(key[:32]) for version, key in master_keys.items()}
        self._index_key = index_key
        self.version = max(master_keys)

    def new_data_key(self, patient_id: int) -> tuple[bytes, bytes, int]:
        """A fresh data key: (the key, the key wrapped, the master key's version)."""
        key = AESGCM.generate_key(256)
        place = _place("data_key", patient_id, self.version)
        return key, _seal(self._masters[self.version], key, place), self.version

    def open_data_key(self, patient_id: int, wrapped: bytes, version: int) -> bytes:
        """The patient's data key. Raises KeyError for a master key that was not given."""
        return _open(self._masters[version], wrapped, _place("data_key", patient_id, version))

    def seal(self, data_key: bytes, patient_id: int, column: str, text: str) -> bytes:
        """Encrypt one value of identity.`column` of one patient."""
        return _seal(AESGCM(data_key), text.encode(), _place(f"identity.{column}", patient_id, 0))

    def open(self, data_key: bytes, patient_id: int, column: str, sealed: bytes) -> str:
        """Decrypt it. Raises cryptography's InvalidTag if the bytes are not of this place."""
        return _open(AESGCM(data_key), sealed, _place(f"identity.{column}", patient_id, 0)).decode()

    def seal_draft(self, user_id: int, text: str) -> bytes:
        """Encrypt an enrolment draft for its writer."""
        place = _place("enrolment_draft", user_id, 0)
        return _seal(self._masters[self.version], text.encode(), place)

    def open_draft(self, user_id: int, sealed: bytes) -> str:
        """Decrypt a draft. Raises InvalidTag after the master key was changed: drafts are short."""
        place = _place("enrolment_draft", user_id, 0)
        return _open(self._masters[self.version], sealed, place).decode()

    def seal_form(self, user_id: int, text: str) -> bytes:
        """Encrypt what somebody typed, for them."""
        return _seal(self._masters[self.version], text.encode(), _place("kept_form", user_id, 0))

    def open_form(self, user_id: int, sealed: bytes) -> str:
        """Decrypt it. Raises InvalidTag once the master key was changed: forms are kept briefly."""
        place = _place("kept_form", user_id, 0)
        return _open(self._masters[self.version], sealed, place).decode()

    def email_digest(self, email: str) -> str:
        """Blind index of an e-mail address: equal addresses, equal digests."""
        return self._digest("email", normal(email))

    def name_digests(self, name: str) -> set[str]:
        """Blind index of a name: one digest per word."""
        return {self._digest("name", word) for word in normal(name).split()}

    def birth_date_digest(self, iso_date: str) -> str:
        """A bucket of birth dates, one of 4,096: finds candidates, betrays no date."""
        return f"{int(self._digest('birth_date', iso_date)[:8], 16) >> (32 - BIRTH_DATE_BITS):03x}"

    def _digest(self, kind: str, text: str) -> str:
        return hmac.digest(self._index_key, f"{kind}|{text}".encode(), "sha256").hex()


def normal(text: str) -> str:
    """The form in which names and addresses are compared."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _place(column: str, row: int, version: int) -> bytes:
    return f"{column}|{row}|{version}".encode()


def _seal(cipher: AESGCM, content: bytes, place: bytes) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + cipher.encrypt(nonce, content, place)


def _open(cipher: AESGCM, sealed: bytes, place: bytes) -> bytes:
    return cipher.decrypt(sealed[:NONCE], sealed[NONCE:], place)
