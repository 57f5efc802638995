"""The policy table: who may use which endpoint. One line each; without a line nobody may.

The rules, in words: the care team (clinician, nurse) sees and writes its own site's patients, and
only it sees who a patient is. A data manager sees and corrects records without identity. An analyst
sees aggregates only. An administrator runs the registry, enters what is advertised and sees the
released figures that it is held against, and sees no patient. An auditor reads the trail and
aggregates, and changes nothing.
"""

from registry.http import Policy, Rule

CARE = frozenset({"clinician", "nurse"})
RECORDS = CARE | {"data_manager"}
ADMINISTRATION = frozenset({"administrator"})
TRAIL = frozenset({"administrator", "auditor"})
EXACT = RECORDS  # figures as they are; the others of FIGURES see small counts hidden
FIGURES = EXACT | {"analyst", "auditor"}
CLAIMS = FIGURES | ADMINISTRATION
MONITORS = frozenset({"data_manager"})  # of all sites: the alert of the monthly looks

FILES = Rule(None, knows_asker=False)
ANYONE = Rule(None)
STAFF = Rule(frozenset())


def _anywhere(roles: frozenset[str]) -> Rule:
    return Rule(roles)


def _at_site(roles: frozenset[str]) -> Rule:
    return Rule(roles, at_site=True)


def _everywhere(roles: frozenset[str]) -> Rule:
    return Rule(roles, everywhere=True)


POLICY: Policy = {
    "static": FILES,
    "health.live": FILES,
    "health.ready": FILES,
    "returns.receive": FILES,  # proved by its signature
    "metrics.page": _anywhere(TRAIL),
    "session.sign_in": ANYONE,
    "session.lost_password": ANYONE,
    "session.choose_password": ANYONE,
    "session.sign_out": STAFF,
    "worklist.home": STAFF,
    "worklist.own": _at_site(CARE),
    "demo.day": STAFF,  # exists in demonstrations only
    "demo.month": STAFF,
    "response.page": _anywhere(FIGURES),
    "response.picture": _anywhere(FIGURES),
    "response.table": _anywhere(FIGURES),
    "outcomes.page": _anywhere(FIGURES),
    "outcomes.picture": _anywhere(FIGURES),
    "outcomes.table": _anywhere(FIGURES),
    "safety.page": _anywhere(FIGURES),
    "safety.picture": _anywhere(FIGURES),
    "safety.table": _anywhere(FIGURES),
    "monitoring.close": _everywhere(MONITORS),
    "survival.page": _anywhere(FIGURES),
    "survival.picture": _anywhere(FIGURES),
    "survival.table": _anywhere(FIGURES),
    "published.page": _anywhere(FIGURES),
    "published.picture": _anywhere(FIGURES),
    "published.table": _anywhere(FIGURES),
    "claims.page": _anywhere(CLAIMS),
    "advertised.add": _anywhere(ADMINISTRATION),
    "advertised.correct": _anywhere(ADMINISTRATION),
    "advertised.drop": _anywhere(ADMINISTRATION),
    "downloads.everything": _anywhere(FIGURES),
    "downloads.tables": _anywhere(FIGURES),
    "downloads.codebook": _anywhere(FIGURES),
    "patients.find": _anywhere(RECORDS),
    "patients.show": _at_site(RECORDS),
    "patients.telephone": _at_site(CARE),
    "patients.letters": _at_site(RECORDS),
    "patients.history": _at_site(RECORDS),
    "patients.answers": _at_site(RECORDS),
    "patients.printed_plan": _at_site(RECORDS),
    "alerts.close": _at_site(CARE),
    "calls.record": _at_site(CARE),
    "contact.correct": _at_site(CARE),
    "contact.consent": _at_site(CARE),
    "contact.new_link": _at_site(CARE),
    "contact.lift_hold": _at_site(CARE),
    "contact.preferences": _at_site(CARE),
    "endings.death": _at_site(CARE),
    "endings.withdrawal": _at_site(CARE),
    "endings.correct_death": _at_site(CARE),
    "endings.correct_withdrawal": _at_site(CARE),
    "enrolment.begin": _anywhere(CARE),
    "enrolment.tasks": _anywhere(CARE),
    "enrolment.step": _anywhere(CARE),
    "enrolment.check": _anywhere(CARE),
    "enrolment.drop": _anywhere(CARE),
    "enrolment.done": _at_site(CARE),
    "events.add": _at_site(CARE),
    "events.correct": _at_site(CARE),
    "events.triage": _at_site(CARE),
    "events.reopen": _at_site(CARE),
    "labs.add": _at_site(RECORDS),
    "labs.correct": _at_site(RECORDS),
    "medicines.add": _at_site(RECORDS),
    "medicines.correct": _at_site(RECORDS),
    "questionnaires.begin": _at_site(CARE),
    "questionnaires.section": _at_site(CARE),
    "questionnaires.review": _at_site(CARE),
    "questionnaires.correct": _at_site(RECORDS),
    "treatment.further_course": _at_site(CARE),
    "treatment.give": _at_site(CARE),
    "treatment.observe": _at_site(CARE),
    "treatment.date": _at_site(RECORDS),
    "treatment.course": _at_site(RECORDS),
    "treatment.baseline": _at_site(RECORDS),
    "demo_clock.next_day": STAFF,
    "demo_clock.next_month": STAFF,
    "sites.index": _anywhere(ADMINISTRATION),
    "sites.add": _anywhere(ADMINISTRATION),
    "sites.change": _anywhere(ADMINISTRATION),
    "users.index": _anywhere(ADMINISTRATION),
    "users.add": _anywhere(ADMINISTRATION),
    "users.change": _anywhere(ADMINISTRATION),
    "users.act_on": _anywhere(ADMINISTRATION),
    "keys.index": _anywhere(ADMINISTRATION),
    "keys.add": _anywhere(ADMINISTRATION),
    "keys.revoke": _anywhere(ADMINISTRATION),
    "protocol.show": STAFF,
    "protocol.rehearse": STAFF,
    "post.outbox": _anywhere(ADMINISTRATION),
    "holds.place": _anywhere(ADMINISTRATION),
    "holds.lift": _anywhere(ADMINISTRATION),
    "dead_letters.index": _anywhere(ADMINISTRATION),
    "dead_letters.resend": _anywhere(ADMINISTRATION),
    "dead_letters.give_up": _anywhere(ADMINISTRATION),
    "post.test_letter": _anywhere(ADMINISTRATION),
    "standing.page": _anywhere(ADMINISTRATION | {"data_manager", "auditor"}),
    "trail.search": _anywhere(TRAIL),
    "trail.verify": _anywhere(TRAIL),
    "mailbox.index": _anywhere(ADMINISTRATION),
    "mailbox.letter": _anywhere(ADMINISTRATION),
}
