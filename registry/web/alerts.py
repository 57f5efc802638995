"""Alerts: take one on, and close it with what was done."""

from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from registry import http
from registry.actions import alerts as actions
from registry.actions import tasks
from registry.db import reading
from registry.models import Alert
from registry.queries import accounts, records, worklists
from registry.queries.worklists import Kind
from registry.schemas.care import ClosedAlertSchema
from registry.web.forms import Box, FormPage
from registry.web.patients import address_of, crumbs

alerts = Blueprint("alerts", __name__)


@alerts.route("/patients/<path:number>/alerts/<int:alert_id>", methods=["GET", "POST"])
def close(number: str, alert_id: int) -> ResponseReturnValue:
    """An alert: what raised it, who has it, and a form to close it."""
    if "take" in request.form:
        return _take(alert_id)
    with reading(http.runtime()) as session:
        alert = records.alert(session, http.patient().id, alert_id)
        owner = _owner(session, alert)
    page = _page(number, alert_id)
    page.more = {"alert": alert, "number": number, "owner": owner}
    return page.respond()


def _owner(session: Session, alert: Alert) -> str | None:
    """The name of whoever has taken it on."""
    email = worklists.owners(session, alert.patient_id).get((Kind.ALERT, str(alert.id)))
    return accounts.names(session, [email]).get(email, email) if email else None


def _page(number: str, alert_id: int) -> FormPage:
    def act(session: Session, data: dict[str, Any]) -> str:
        alert = records.alert(session, http.patient().id, alert_id)
        actions.close(session, alert, data["done"], by=http.by(), at=http.at())
        return address_of(number, "alert_closed")

    return FormPage(
        title="Alert",
        boxes=(Box("done", "What was done?", "lines", hint="Whom you spoke to, what was decided"),),
        schema=ClosedAlertSchema(),
        act=act,
        button="Close alert",
        back=("Go back", address_of(number)),
        crumbs=crumbs(number, "Alert"),
        template="alerts/close.html",
    )


def _take(alert_id: int) -> AnyResponse:
    def work(session: Session) -> str:
        one = (session, http.patient().id, Kind.ALERT, str(alert_id))
        tasks.take(*one, by=http.by(), at=http.at())
        return request.path

    return http.carry_out(work)
