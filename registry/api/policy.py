"""Who may use which operation of the API; the staff pages have a table of the same kind."""

from registry.http import Policy, Rule

CARE = frozenset({"clinician", "nurse"})
RECORDS = CARE | {"data_manager"}
FIGURES = RECORDS | {"analyst", "auditor"}
ANYONE = Rule(None, knows_asker=False)

POLICY: Policy = {
    "api_docs.specification": ANYONE,
    "api_docs.page": ANYONE,
    "api_patients.enrol": Rule(CARE),
    "api_patients.find": Rule(RECORDS),
    "api_patients.patient": Rule(RECORDS, at_site=True),
    "api_follow_ups.plan": Rule(RECORDS, at_site=True),
    "api_follow_ups.send_link": Rule(CARE, at_site=True),
    "api_follow_ups.answers": Rule(RECORDS, at_site=True),
    "api_follow_ups.keep_answers": Rule(CARE, at_site=True),
    "api_follow_ups.send_answers": Rule(CARE, at_site=True),
    "api_labs.results": Rule(RECORDS, at_site=True),
    "api_labs.record": Rule(RECORDS, at_site=True),
    "api_events.events": Rule(RECORDS, at_site=True),
    "api_events.record": Rule(CARE, at_site=True),
    "api_events.waiting": Rule(RECORDS),
    "api_events.told": Rule(RECORDS, at_site=True),
    "api_events.confirm": Rule(CARE, at_site=True),
    "api_events.link": Rule(CARE, at_site=True),
    "api_events.reject": Rule(CARE, at_site=True),
    "api_statistics.report": Rule(FIGURES),
}
