"""Who is asking and what they may see; forms that count once; errors, headers, the access log.

Every endpoint has a line in the policy table that `install` is given. An endpoint without one is
refused. What is refused to a member of staff because of the site reads like what does not exist.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlencode

from flask import Flask, Request, Response, abort, current_app, g, redirect, request
from itsdangerous import Signer
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from registry import late_forms, tokens
from registry.actions import accounts, kept_forms, once
from registry.actions.reading import log_list, log_reads
from registry.db import reading, transaction
from registry.errors import DomainError, NotFound, Refused
from registry.models import Patient
from registry.queries import accounts as askers
from registry.queries.accounts import Asker
from registry.runtime import Runtime

log = logging.getLogger(__name__)
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
API = "/api/"
FOR_PROGRAMS = (API, "/metrics")  # a key opens these
SEEN_EVERY = timedelta(minutes=1)
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
HSTS = "max-age=63072000; includeSubDomains"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may use an endpoint. `roles` None: whoever comes; empty: whoever is signed in.

    `at_site`: the address names a patient (`number`), and the role must be held at their site.
    `everywhere`: the role must be held at every site, for what counts all of them together.
    `knows_asker`: whether it is worth finding out who comes (not for files and health checks).
    """

    roles: frozenset[str] | None
    at_site: bool = False
    everywhere: bool = False
    knows_asker: bool = True


Policy = Mapping[str, Rule]


class SignedOut(DomainError):
    """Nobody is signed in, or not any more."""

    status = 401


class StaleForm(DomainError):
    """The form was not made for this browser's session, or the session is over."""

    status = 400


def install(app: Flask, runtime: Runtime, policy: Policy) -> None:
    """Give the application its runtime and put the policy before every endpoint."""
    app.extensions["registry"] = runtime
    app.extensions["policy"] = policy
    app.before_request(_admit)
    app.after_request(_finish)


def runtime() -> Runtime:
    """The runtime that this application was made with."""
    return cast(Runtime, current_app.extensions["registry"])


def policy() -> Policy:
    """The policy table of this application."""
    return cast(Policy, current_app.extensions["policy"])


def at() -> datetime:
    """The instant of this request: asked once, the same in every row it writes."""
    if "at" not in g:
        g.at = runtime().clock.now()
    return cast(datetime, g.at)


def asker() -> Asker:
    """Whoever is signed in. Raises SignedOut."""
    found = asker_or_none()
    if found is None:
        raise SignedOut("You are not signed in.")
    return found


def asker_or_none() -> Asker | None:
    """Whoever is signed in, if anybody is."""
    return cast(Asker | None, g.get("asker"))


def by() -> str:
    """Who does it, for the trail."""
    return asker().email


def patient() -> Patient:
    """The patient that the address names, whom the asker may see. Any other use is a defect."""
    return cast(Patient, g.patient)


def patient_for(session: Session, who: Asker, number: str, roles: frozenset[str]) -> Patient:
    """The patient of that study number: the only way to one by a number from outside.

    Raises NotFound, worded the same, for numbers that do not exist and for patients of other sites.
    """
    found = session.scalars(select(Patient).where(Patient.study_number == number)).one_or_none()
    if found is None or not who.may_at(found.site_id, roles):
        raise NotFound("There is no patient with this study number at your site.")
    return found


def roles_here() -> frozenset[str]:
    """The roles that the policy lets use this endpoint."""
    rule = policy().get(request.endpoint or "")
    return rule.roles or frozenset() if rule else frozenset()


def may_use(endpoint: str) -> bool:
    """Whether the asker's roles let them use an endpoint, for menus and buttons: for the patient
    that this page is about, else anywhere.
    """
    rule, who = policy().get(endpoint), asker_or_none()
    if rule is None or endpoint not in current_app.view_functions:
        return False
    if rule.at_site and rule.roles and who is not None and "patient" in g:
        return who.may_at(patient().site_id, rule.roles)
    if rule.everywhere and rule.roles:
        return who is not None and who.sites(rule.roles) is None
    return rule.roles is None or (who is not None and (not rule.roles or who.may(rule.roles)))


def note_read(patient_id: int, what: str) -> None:
    """Have it recorded that the answer shows something of a patient; no record, no answer."""
    g.setdefault("reads", {})[patient_id] = what


def note_list(patient_ids: Collection[int], what: str) -> None:
    """Have it recorded, in one line, that a list shows something of who these patients are."""
    g.setdefault("listed", {}).setdefault(what, set()).update(patient_ids)


def _admit() -> AnyResponse | None:
    """Look up the endpoint's line, who asks, and the patient named; refuse or let through."""
    if request.endpoint is None:
        return None
    rule = policy().get(request.endpoint)
    if rule is None:
        raise Refused("This page has no line in the policy table, so nobody may use it.")
    if not rule.knows_asker:
        return None
    with reading(runtime()) as session:
        g.asker = _identify(session)
        is_admitted = rule.roles is None or g.asker is not None
        if is_admitted:
            _allow(session, rule)
    if not is_admitted:
        return _to_sign_in()
    again = None if request.method in SAFE else _check_csrf()
    _mark_seen()
    return redirect(again, 303) if again else None


def _identify(session: Session) -> Asker | None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if request.path.startswith(FOR_PROGRAMS) and scheme.lower() == "bearer":
        return askers.by_key(session, key.strip())
    secret = request.cookies.get(cookie_name("session"), "")
    return askers.by_session(session, secret, at()) if secret else None


def _allow(session: Session, rule: Rule) -> None:
    if not rule.roles:
        return
    if not asker().may(rule.roles):
        raise Refused("Your role does not let you use this page.")
    if rule.everywhere and asker().sites(rule.roles) is not None:
        raise Refused("This counts all sites together, and is for those who have all sites.")
    if rule.at_site:
        number = (request.view_args or {})["number"]
        g.patient = patient_for(session, asker(), number, rule.roles)
        if request.method in SAFE:
            note_read(g.patient.id, request.endpoint or "")


def _to_sign_in() -> AnyResponse:
    if request.path.startswith(FOR_PROGRAMS):
        raise SignedOut("Send a key: Authorization: Bearer …")
    if request.method in SAFE:
        from_here, told = request.full_path.rstrip("?"), {}
    else:
        from_here, told = _typed_too_late() or "/", {"done": "kept"}
    wanted = {} if from_here == "/" else {"next": from_here} | told
    return redirect(f"/sign-in?{urlencode(wanted)}" if wanted else "/sign-in", 303)


def _typed_too_late() -> str | None:
    """The address that shows again what was typed in a session that is over now."""
    secret = request.cookies.get(cookie_name("session"), "")
    if not secret or not _is_token_of(tokens.digest(secret)):
        return None
    with reading(runtime()) as session:
        who = askers.ended_session(session, secret, at())
    return late_forms.keep(runtime(), request, who, at()) if who else None


def _mark_seen() -> None:
    who = asker_or_none()
    if who is None or who.session_id is None or who.last_seen_at is None:
        return
    if at() - who.last_seen_at >= SEEN_EVERY:
        with transaction(runtime()) as session:
            accounts.see(session, who.session_id, by=who.email, at=at())


# ---- forms


def csrf_token() -> str:
    """What every form must carry: signed, and bound to this browser's session."""
    return _signer().get_signature(_anchor().encode()).decode()


def kept() -> MultiDict[str, str] | None:
    """What the asker had typed on this page when the session was over, to stand there again."""
    who = asker_or_none()
    if "kept" not in g:
        g.kept = late_forms.found(runtime(), request, who, at()) if who else None
    return cast("MultiDict[str, str] | None", g.kept)


def _check_csrf() -> str | None:
    """Refuse a form that is not of this session. One of an earlier session of the same person is
    not carried out either: the address that shows it again.
    """
    who = asker_or_none()
    if who is not None and who.session_id is None:
        return None  # a program with its key: no browser sends that by itself
    if _is_token_of(_anchor()):
        return None
    again = late_forms.keep(runtime(), request, who, at()) if who and _is_own(who) else None
    if again is None:
        raise StaleForm("This page was open for too long, or in another session.")
    return again


def _is_own(who: Asker) -> bool:
    with reading(runtime()) as session:
        digests = askers.session_digests(session, who.user_id, at())
    return any(_is_token_of(digest) for digest in digests)


def _is_token_of(anchor: str) -> bool:
    given = request.form.get("csrf_token", "") or request.headers.get("X-CSRF-Token", "")
    return _signer().verify_signature(anchor.encode(), given.encode())


def _signer() -> Signer:
    return Signer(runtime().settings.secret_key, salt="csrf")


def _anchor() -> str:
    """The digest of the session's secret, for that is known of past sessions too; before signing
    in, the secret of a cookie made for the purpose.
    """
    who = asker_or_none()
    if who is not None:
        return tokens.digest(who.secret)
    if "visitor" not in g:
        g.visitor = request.cookies.get(cookie_name("visitor")) or tokens.drawn()
    return cast(str, g.visitor)


def carry_out(work: Callable[[Session], str]) -> AnyResponse:
    """Do it in one transaction and go on to the address that `work` gives (303).

    The same form again (its field `once`) does nothing and leads to the same address.
    """
    key = request.form.get("once", "")
    if not key:
        abort(400)
    scope = f"{asker().user_id}:{request.path}"[:100]
    with transaction(runtime()) as session:
        claimed = once.claim(session, scope, key, _content(request), by=by(), at=at())
        if claimed.status is None:
            claimed.location, claimed.status = work(session), 303
            _drop_kept(session)
        return redirect(claimed.location or "/", 303)


def _drop_kept(session: Session) -> None:
    vault = runtime().vault
    if vault is not None:
        who = asker()
        kept_forms.drop(session, who.user_id, request.path, vault=vault, by=by(), at=at())


def _content(came: Request) -> bytes:
    pairs = sorted(
        (name, value)
        for name, value in came.form.items(multi=True)
        if name not in {"csrf_token", "once", "seen"}
    )
    return repr(pairs).encode()


# ---- answers


def cookie_name(name: str) -> str:
    """`__Host-` where browsers keep such cookies: only over https."""
    return f"__Host-{name}" if _is_secure() else name


def set_cookie(response: AnyResponse, name: str, value: str) -> None:
    """A cookie that no script reads and no other site's form brings along."""
    response.set_cookie(
        cookie_name(name), value, secure=_is_secure(), httponly=True, samesite="Lax", path="/"
    )


def drop_cookie(response: AnyResponse, name: str) -> None:
    """Have the browser forget a cookie."""
    response.delete_cookie(
        cookie_name(name), secure=_is_secure(), httponly=True, samesite="Lax", path="/"
    )


def _is_secure() -> bool:
    return runtime().settings.public_url.startswith("https:")


def _finish(response: Response) -> Response:
    _record_reads(response)
    response.headers.update(HEADERS)
    if _is_secure():
        response.headers["Strict-Transport-Security"] = HSTS
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    if "visitor" in g and cookie_name("visitor") not in request.cookies:
        set_cookie(response, "visitor", g.visitor)
    who = asker_or_none()
    log.info(  # the rule, never the path: addresses name patients and carry secrets
        "%s %s %s user=%s",
        request.method,
        request.url_rule or "-",
        response.status_code,
        who.user_id if who else "-",
    )
    return response


def _record_reads(response: Response) -> None:
    """Reading is part of the trail: if it cannot be written, nothing is shown."""
    reads: Mapping[int, str] = g.pop("reads", {})
    listed: Mapping[str, set[int]] = g.pop("listed", {})
    if not (reads or any(listed.values())) or response.status_code != 200:
        return
    with transaction(runtime()) as session:
        for what in set(reads.values()):
            those = sorted(patient_id for patient_id, page in reads.items() if page == what)
            log_reads(session, those, what, by=by(), at=at())
        for what, them in ((what, them) for what, them in listed.items() if them):
            log_list(session, asker().user_id, sorted(them), what, by=by(), at=at())
