"""What a returned message says: a delivery report, a complaint, an automatic reply.

RFC 3464 (delivery status) and RFC 5965 (complaints) first, then the detectors of flufl.bounce for
servers that follow neither; RFC 3834 tells automatic replies.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from hashlib import sha256

from flufl.bounce import all_failures

from registry.bounces.kinds import Fault, enhanced_status, fault_of, of_status, without_addresses

LONGEST = 256 * 1024  # bytes of a message that are read: reports stand before what they return
ADDRESSED = ("Delivered-To", "X-Original-To", "Envelope-To", "To", "Cc")
KINDS = {Fault.ADDRESS: "hard", Fault.POLICY: "policy", Fault.CONTENT: "policy"}
COMPLAINTS = {"abuse", "fraud", "opt-out", "other"}
DAEMONS = re.compile(r"(mailer-daemon|postmaster|mail-?delivery)", re.I)
CODE = re.compile(r"(?<!\d)([45]\d\d)(?=[ -])")
TAG = r"[1-9]\d*-[1-9]\d*-[a-z2-7]{20}"


@dataclass(frozen=True, slots=True)
class Report:
    """What came back. `kind` as in Bounce; `tags`: of letters that it may be about, to be proved;
    `identity` is the same for the same message, whichever way it came.
    """

    kind: str
    words: str
    status: str | None
    tags: tuple[str, ...]
    identity: str


def read(raw: bytes, bounce_address: str) -> Report:
    """Read a message that came to the bounce address. What cannot be read is "other"."""
    message = message_from_bytes(raw[:LONGEST])
    try:
        kind, status, words = _meaning(message)
    except Exception as fault:  # what strangers send must not stop what comes after it
        kind, status, words = "other", None, f"could not be read ({type(fault).__name__})"
    return Report(
        kind=kind,
        words=without_addresses(" ".join(words.split())),
        status=status,
        tags=tuple(dict.fromkeys(_tags(message, bounce_address))),
        identity=_identity(message, raw),
    )


def _identity(message: Message, raw: bytes) -> str:
    own = str(message.get("Message-ID", "")).strip()
    body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    return sha256(own.encode("utf-8", "replace") or body).hexdigest()


def _tags(message: Message, bounce_address: str) -> Iterator[str]:
    box, _, host = bounce_address.partition("@")
    ours = re.compile(rf"(?<![\w.+-]){re.escape(box)}\+({TAG})@{re.escape(host)}(?![\w.-])", re.I)
    for text in _places(message):
        yield from (tag.lower() for tag in ours.findall(text))


def _places(message: Message) -> Iterator[str]:
    """Where the letter's own sender can stand: as the addressee; in a complaint also inside."""
    yield from _headers(message, ADDRESSED)
    if _report_type(message) == "feedback-report":
        for part in message.walk():
            yield from _headers(part, ("Original-Mail-From", "Return-Path"))


def _headers(message: Message, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        yield from (str(text) for text in message.get_all(name, ()))


def _report_type(message: Message) -> str:
    return str(message.get_param("report-type", "")).lower()


def _meaning(message: Message) -> tuple[str, str | None, str]:
    """Kind, enhanced status code, words."""
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            return _delivery_status(part, message)
        if part.get_content_type() == "message/feedback-report":
            return _complaint(part)
    if _report_type(message) == "disposition-notification":
        return "auto_reply", None, "a receipt"
    if _is_automatic(message) and not _is_from_server(message):
        return "auto_reply", None, "an automatic reply"
    return _guessed(message)


def _delivery_status(part: Message, message: Message) -> tuple[str, str | None, str]:
    """RFC 3464: what happened to the first recipient that failed, or else to the first."""
    blocks = part.get_payload()
    fields = [one for one in blocks if isinstance(one, Message)] if isinstance(blocks, list) else []
    recipients = [one for one in fields if one.get("Action")]
    if not recipients:
        return "other", None, "a delivery report about nobody"
    told = next((one for one in recipients if _action(one) == "failed"), recipients[0])
    status = enhanced_status(str(told.get("Status", "")))
    words = str(told.get("Diagnostic-Code", "")).partition(";")[2].strip()
    if _action(told) != "failed":
        kind = "delayed" if _action(told) == "delayed" else "other"
        return kind, status, words or f"{_action(told)} {status or ''}"
    return _kind(status, words, message), status, words or status or "not delivered"


def _action(fields: Message) -> str:
    return str(fields.get("Action", "")).strip().lower()


def _kind(status: str | None, words: str, message: Message) -> str:
    """Hard, soft or policy: by the enhanced code, else by the one in the server's own words, else
    by its basic code.
    """
    if status is None or status.endswith(".0.0"):
        basic = CODE.search(words)
        code = int(basic[1]) if basic else int((status or "5.0.0")[0]) * 100
        after_message = "end of DATA" in _text(message)
        return _kind_of(fault_of(code, words, at_recipient=not after_message), code >= 500)
    return _kind_of(of_status(status), status[0] == "5")


def _kind_of(fault: Fault, is_final: bool) -> str:
    if fault is Fault.ADDRESS and not is_final:
        return "soft"
    return KINDS.get(fault, "soft")


def _complaint(part: Message) -> tuple[str, str | None, str]:
    """RFC 5965: the reader's provider says that the letter was marked as unwanted."""
    blocks = part.get_payload()
    fields = blocks[0] if isinstance(blocks, list) and isinstance(blocks[0], Message) else part
    kind = str(fields.get("Feedback-Type", "")).strip().lower()
    return ("complaint" if kind in COMPLAINTS else "other"), None, f"feedback: {kind or 'none'}"


def _is_automatic(message: Message) -> bool:
    """RFC 3834 5: whatever says so of itself; and what older programs write instead."""
    submitted = str(message.get("Auto-Submitted", "no")).strip().lower()
    older = ("X-Autoreply", "X-Autorespond", "X-Autoresponse")
    precedence = str(message.get("Precedence", "")).strip().lower()
    return (
        not submitted.startswith("no")
        or any(name in message for name in older)
        or precedence in {"auto_reply", "auto-reply"}
    )


def _is_from_server(message: Message) -> bool:
    return "X-Failed-Recipients" in message or bool(DAEMONS.search(str(message.get("From", ""))))


def _guessed(message: Message) -> tuple[str, str | None, str]:
    passing, final = all_failures(message)
    if final:
        text = _text(message)
        status = enhanced_status(text)
        kind = _kind(status, text, message) if status else "hard"
        return kind, status, status or "undeliverable, in words only"
    return ("delayed", None, "not delivered yet") if passing else ("other", None, "not a report")


def _text(message: Message) -> str:
    """The words of the message itself, without what it returns."""
    texts = []
    for part in message.walk():
        if part.get_content_maintype() == "message":
            break
        if part.get_content_type() == "text/plain":
            payload = part.get_payload(decode=True)
            texts.append(payload.decode("utf-8", "replace") if isinstance(payload, bytes) else "")
    return " ".join(texts)
