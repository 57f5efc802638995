"""Reading a protocol from its file, or from the text kept in the database."""

import dataclasses
import json
from decimal import Decimal
from functools import cache
from pathlib import Path

from registry.datafiles import DataFileError, read_yaml, record
from registry.protocols.checks import faults
from registry.protocols.model import Protocol
from surveys.instruments import Instrument, bundled_instruments
from surveys.reading import fingerprint

BUNDLED = Path(__file__).parent / "lupus_msc.yaml"


@cache
def bundled() -> Protocol:
    """The bundled protocol."""
    return load_protocol(BUNDLED)


def load_protocol(path: Path | None = None) -> Protocol:
    """Read a protocol file (None: the bundled one) with the category file that it names.

    Raises DataFileError with file, place and reason.
    """
    path = path or BUNDLED
    content = read_yaml(path.read_text(encoding="utf-8"), path.name)
    if isinstance(content, dict) and isinstance(content.get("event_categories"), str):
        beside = path.parent / Path(content["event_categories"]).name
        if not beside.is_file():
            raise DataFileError(
                f"{path.name}, event_categories: there is no {beside.name} beside it"
            )
        content["event_categories"] = read_yaml(beside.read_text("utf-8"), beside.name)
    return _made(content, path.name)


def from_text(text: str, where: str = "the stored protocol") -> Protocol:
    """A protocol from `Protocol.text` (JSON); the same content has the same fingerprint."""
    try:
        content = json.loads(text, parse_float=Decimal)
    except ValueError as fault:
        raise DataFileError(f"{where} is not valid JSON: {fault}") from None
    return _made(content, where)


def _made(content: object, where: str) -> Protocol:
    protocol = record(Protocol, content, where)
    instrument = _instrument(protocol, where)
    found = [f"{where}, {place}: {reason}" for place, reason in faults(protocol, instrument)]
    if found:
        raise DataFileError("\n".join(found))
    # Decimals go into the text as plain numbers: 7.5, never "7.5".
    text = json.dumps(content, default=float, ensure_ascii=False, indent=1)
    print_ = fingerprint([json.loads(text), instrument.fingerprint])
    return dataclasses.replace(protocol, text=text, fingerprint=print_)


def _instrument(protocol: Protocol, where: str) -> Instrument:
    wanted, known = protocol.instrument, bundled_instruments()
    if (wanted.code, wanted.version) not in known:
        listed = ", ".join(f"{code} {version}" for code, version in sorted(known))
        raise DataFileError(f"{where}, instrument: there is no such version; known are: {listed}")
    return known[wanted.code, wanted.version]
