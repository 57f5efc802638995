"""The policy table: who may use which endpoint. One line each; without a line nobody may.

The rules, in words: the care team (clinician, nurse) sees and writes its own site's patients, and
only it sees who a patient is. A data manager sees and corrects records without identity. An analyst
sees aggregates only. An administrator runs the registry and sees no patient. An auditor reads the
trail and aggregates, and changes nothing.
"""

from registry.http import Policy, Rule

CARE = frozenset({"clinician", "nurse"})
RECORDS = CARE | {"data_manager"}
ADMINISTRATION = frozenset({"administrator"})
TRAIL = frozenset({"administrator", "auditor"})

FILES = Rule(None, knows_asker=False)
ANYONE = Rule(None)
STAFF = Rule(frozenset())


def _anywhere(roles: frozenset[str]) -> Rule:
    return Rule(roles)


def _at_site(roles: frozenset[str]) -> Rule:
    return Rule(roles, at_site=True)


POLICY: Policy = {
    "static": FILES,
    "health.live": FILES,
    "health.ready": FILES,
    "session.sign_in": ANYONE,
    "session.lost_password": ANYONE,
    "session.choose_password": ANYONE,
    "session.sign_out": STAFF,
    "worklist.home": STAFF,
}
