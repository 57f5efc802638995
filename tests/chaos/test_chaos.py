"""A minute of the storm with real processes; and that the judge sees what it looks for."""

from dataclasses import replace
from hashlib import sha256

import pytest
from servers import find
from support import leave_out

from chaos.__main__ import chaos
from chaos.judge import Evidence, Invitation, judge

SEED, SECONDS, INVITATIONS = 17, 25.0, 300
ADDRESS = "a@example.org"
RAW = b"Message-ID: <1@example.org>\r\n\r\nhttp://127.0.0.1:8001/s/token\r\n"
SENT = Invitation(
    follow_up=1, patient_id=1, follow_up_state="open", letter=1, message_id="<1@example.org>",
    state="sent", uncertain_count=0, resent=0, token_sha256=sha256(b"token").hexdigest(),
    has_left=False,
)  # fmt: skip
TRAIL = {("patient:1", "letter.handed_over"): 1, ("patient:1", "letter.sent"): 1}
ONCE = Evidence([SENT], TRAIL, [], [(ADDRESS, RAW)], {1: ADDRESS})
TWO = [(ADDRESS, RAW)] * 2
UNCERTAIN = replace(SENT, uncertain_count=1)
TWICE = replace(
    ONCE,
    mails=TWO,
    invitations=[UNCERTAIN],
    trail={**TRAIL, ("patient:1", "letter.handed_over"): 2},
)


@pytest.mark.production
def test_nothing_is_lost_or_doubled_while_every_process_is_killed_again_and_again(
    pytestconfig: pytest.Config,
) -> None:
    if not (find("postgres") and find("redis-server")):
        leave_out(pytestconfig, "the chaos", "apt-get install postgresql redis-server")
    outcome = chaos(SEED, SECONDS, INVITATIONS)
    assert outcome.verdict.faults == 0, str(outcome)
    assert {"postgresql", "redis", "sink", "worker", "beat"} <= outcome.kills.keys(), str(outcome)
    assert outcome.came > 0, str(outcome)


@pytest.mark.parametrize("evidence", [ONCE, TWICE], ids=["once", "twice and uncertain"])
def test_what_was_promised_is_no_fault(evidence: Evidence) -> None:
    verdict = judge(evidence)
    assert verdict.faults == 0, str(verdict)


PLANTED = {
    "lost": replace(ONCE, mails=[]),
    "not kept though acknowledged": replace(ONCE, addresses={1: ADDRESS, 2: "b@example.org"}),
    "more than two copies": replace(TWICE, mails=[*TWO, *TWO]),
    "copies without a recorded uncertain attempt": replace(TWICE, invitations=[SENT]),
    "attempts that nobody recorded the end of": replace(
        ONCE, trail={("patient:1", "letter.handed_over"): 1}
    ),
    "copies that differ": replace(TWICE, mails=[(ADDRESS, RAW), (ADDRESS, RAW + b"\r\n")]),
    "letters to the wrong person": replace(ONCE, mails=[("b@example.org", RAW)]),
    "links of another follow-up": replace(
        ONCE, invitations=[replace(SENT, token_sha256=sha256(b"other").hexdigest())]
    ),
    "several letters to one person": replace(
        ONCE, mails=[(ADDRESS, RAW), (ADDRESS, RAW.replace(b"<1@", b"<2@"))]
    ),
    "mails that no row explains": replace(
        ONCE, mails=[(ADDRESS, RAW), ("b@example.org", RAW.replace(b"<1@", b"<2@"))]
    ),
    "handed over after the patient left": replace(ONCE, after_leaving=["patient:1"]),
    "letters that never came to an end": replace(ONCE, invitations=[replace(SENT, state="leased")]),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_the_judge_sees(kind: str) -> None:
    verdict = judge(PLANTED[kind])
    assert verdict.wrong[kind], str(verdict)


def test_the_judge_looks_for_nothing_that_was_not_planted() -> None:
    assert judge(ONCE).wrong.keys() == PLANTED.keys()
